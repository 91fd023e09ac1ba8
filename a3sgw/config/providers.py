"""What an operator can say about sources of configuration."""

from __future__ import annotations

from a3sgw.options import BaseOptions, Duration, Field, Several


class FileProvider(BaseOptions):
    """Configuration files."""

    watch: bool = True
    """Reload when a file changes."""

    directory: str = ""
    """More files: every *.hcl in it; a broken one does not disable the others."""


class Seed(BaseOptions):
    """One backend that is asked what it offers."""

    url: str
    """Its base URL."""


class DiscoveryProvider(BaseOptions):
    """Backends that describe themselves at /.well-known/a3s-service.json (RFC 8615)."""

    poll_interval_secs: Duration = 30.0
    """Time between two questions."""

    timeout_secs: Duration = 5.0
    """Time for an answer."""

    seeds: Several[Seed] = ()
    """Whom to ask."""


class KubernetesProvider(BaseOptions):
    """Ingress objects of a cluster."""

    namespace: str = ""
    """Namespace to watch; empty means all."""

    label_selector: str = ""
    """Which objects to watch."""

    watch_interval_secs: Duration = 30.0
    """Time between two full listings."""

    ingress_route_crd: bool = False
    """Also watch IngressRoute objects."""


class DockerProvider(BaseOptions):
    """Containers with labels."""

    host: str = "/var/run/docker.sock"
    """Socket or address of the Docker API."""

    label_prefix: str = Field("a3s", min_length=1)
    """What the labels begin with."""

    poll_interval_secs: Duration = 10.0
    """Time between two listings."""


class Providers(BaseOptions):
    """Where configuration comes from besides the main file."""

    file: FileProvider | None = None
    """Configuration files."""

    discovery: DiscoveryProvider | None = None
    """Backends that describe themselves."""

    kubernetes: KubernetesProvider | None = None
    """Ingress objects of a cluster."""

    docker: DockerProvider | None = None
    """Containers with labels."""
