"""Where a request was sent to, and the answer that sends it elsewhere."""

from __future__ import annotations

from a3sgw.http.headers import Headers
from a3sgw.http.message import Request, Response
from a3sgw.http.retarget import encode_url

_ACME = b"/.well-known/acme-challenge/"


def address(request: Request) -> bytes:
    """The URL as the client asked for it: scheme, host and port as sent, path and query as sent."""
    target = request.target if request.target[:1] == b"/" else b"/"
    return b"%b://%b%b" % (request.scheme, request.authority, target)


def redirect(request: Request, location: bytes, permanent: bool) -> Response:
    """302 or 301 for GET; 307 or 308 for all other methods, which have to stay what they are (RFC 9110 §15.4)."""
    if location[:2] in (b"//", b"/\\"):  # browsers would take what follows for a host, which a client may have chosen
        location = b"/" + location.lstrip(b"/\\")
    found, kept = (301, 308) if permanent else (302, 307)
    status = found if request.method == b"GET" else kept
    return Response(status, Headers(b"Location: %b\r\n" % encode_url(location)))


def is_challenge(request: Request) -> bool:
    """Whether it is an authority that looks whether a name is ours (RFC 8555 §8.3), which starts on plain HTTP."""
    return request.path.startswith(_ACME)
