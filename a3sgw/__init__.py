"""An edge proxy: HCL configuration, Traefik rules, and reloads that lose nothing.

The public interface is what this module names; everything else may change between versions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from a3sgw.version import __version__

if TYPE_CHECKING:
    from a3sgw.gateway import Gateway
    from a3sgw.public import load_config

__all__ = ["Gateway", "__version__", "load_config"]


def __getattr__(name: str) -> Any:
    # Imported when asked for: `a3sgw --help` and `a3sgw validate` need no data plane.
    if name == "Gateway":
        from a3sgw.gateway import Gateway

        return Gateway
    if name == "load_config":
        from a3sgw.public import load_config

        return load_config
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
