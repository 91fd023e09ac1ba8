"""Is there somebody, and does he say what he should?"""

from __future__ import annotations

from a3sgw.config.health_check import HealthCheck
from a3sgw.probes.place import Place, ProbeFailed, Trust, connect, reason


async def probe(to: Place, options: HealthCheck, trust: Trust) -> None:
    """Connect, send what is to be sent, and compare the beginning of the answer. Raises ProbeFailed."""
    reader, writer = await connect(to, trust.context("") if to.secure else None)
    try:
        writer.write(options.send.encode())
        expected, heard = options.expect.encode(), b""
        while len(heard) < len(expected):
            data = await reader.read(len(expected) - len(heard))
            heard += data
            if not data:
                raise ProbeFailed(f"closed after {_shown(heard)}")
            if not expected.startswith(heard):
                raise ProbeFailed(f"answered {_shown(heard)}")
    except OSError as error:
        raise ProbeFailed(f"connection lost: {reason(error)}") from None
    finally:
        writer.transport.abort()  # nothing is to come, and an endpoint that hangs cannot hold us up


def _shown(heard: bytes) -> str:
    return repr(heard[:40].decode(errors="replace")) if heard else "no byte"
