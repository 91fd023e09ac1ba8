"""Does it answer a request with the status it should?"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urljoin, urlsplit

from a3sgw.config.health_check import HealthCheck
from a3sgw.probes.place import Place, ProbeFailed, Trust
from a3sgw.web import Answer, HttpClient, WebError

_MOST_REDIRECTS = 5
_MOST_BYTES = 65536
"""Of a body, which says nothing but should have arrived; a longer one is cut off."""


async def probe(to: Place, options: HealthCheck, trust: Trust) -> None:
    """Ask on a connection of its own, and again where a redirect leads if that is wanted. Raises ProbeFailed."""
    tls = trust.context("http/1.1") if to.secure else None
    client = HttpClient(tls=tls, unix_path=to.path or None)
    await client.open()
    try:
        await _ask(client, to, options)
    except WebError as error:
        raise ProbeFailed(str(error)) from None
    finally:
        await client.close()


async def _ask(client: HttpClient, to: Place, options: HealthCheck) -> None:
    origin = f"{'https' if to.secure else 'http'}://{to.authority}"
    headers, method, path = _headers(to, options), options.method, options.path
    for _ in range(1 + _MOST_REDIRECTS):
        answer = await client.request(
            method,
            _base(to) + path,
            headers,
            timeout=options.timeout + 1,  # the whole probe has its own, which comes first
            max_bytes=_MOST_BYTES,
            whole=False,
            server_name=to.server_name if to.secure else None,
        )
        location = _location(answer) if options.follow_redirects else None
        if location is None:
            return _judge(answer.status, options.status)
        path = _same_origin(location, origin + path, origin, _base(to))
        method = "GET" if answer.status == 303 and method != "HEAD" else method
    raise ProbeFailed(f"redirected more than {_MOST_REDIRECTS} times")


def _base(to: Place) -> str:
    """The origin as it is connected to."""
    if to.path:
        return "http://localhost"
    host = f"[{to.host}]" if ":" in to.host else to.host
    return f"{'https' if to.secure else 'http'}://{host}:{to.port}"


def _headers(to: Place, options: HealthCheck) -> Sequence[tuple[str, str]]:
    """What the operator writes replaces what we would send."""
    own = {"host": ("Host", to.authority), "user-agent": ("User-Agent", "a3sgw-probe")}
    return list({**own, **{name.lower(): (name, value) for name, value in options.headers.items()}}.values())


def _location(answer: Answer) -> str | None:
    value = answer.get(b"location") if answer.status in (301, 302, 303, 307, 308) else None
    return value.decode("latin-1") if value is not None else None


def _same_origin(location: str, base: str, *origins: str) -> str:
    """Path and query it leads to; ProbeFailed when that is elsewhere, whose health says nothing about this endpoint."""
    try:
        url = urljoin(base, location)
        parts, same = urlsplit(url), _origin(url) in map(_origin, origins)
    except ValueError:
        raise ProbeFailed(f"redirected to {location!r}, which is no address") from None
    if not same:
        raise ProbeFailed(f"redirected to {location!r}, which is another origin")
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _origin(url: str) -> tuple[str, str | None, int]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)


def _judge(status: int, wanted: int | None) -> None:
    if status != wanted if wanted is not None else not 200 <= status < 400:
        raise ProbeFailed(f"status {status}")
