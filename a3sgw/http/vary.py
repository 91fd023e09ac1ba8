"""The Vary field: what an answer depends on, said once (RFC 9110 §12.5.5)."""

from __future__ import annotations

from a3sgw.http.headers import Headers


def add_vary(headers: Headers, names: tuple[bytes, ...]) -> None:
    """Name request fields beside those already there; ``*`` says more than any name and stays alone."""
    lines = headers.get_all(b"vary")
    present = {name.strip(b" \t").lower() for line in lines for name in line.split(b",")}
    if b"*" in present:
        return
    missing = [name for name in names if name.lower() not in present]
    if missing:
        headers.set(b"Vary", b", ".join([*(line for line in lines if line), *missing]))
