"""One probe of one endpoint, in the way that the options say."""

from __future__ import annotations

import asyncio

from a3sgw.config.health_check import HealthCheck
from a3sgw.probes import grpc, http, tcp
from a3sgw.probes.place import ProbeFailed, Trust, place
from a3sgw.targets import Target


async def probe(target: Target, options: HealthCheck, trust: Trust) -> None:
    """Returns when the endpoint is well; raises ProbeFailed with the reason when it is not, or not in time."""
    to = place(target, options, trust)
    try:
        async with asyncio.timeout(options.timeout):
            match options.mode:
                case "tcp":
                    await tcp.probe(to, options, trust)
                case "grpc":
                    await grpc.probe(to, options, trust)
                case _:
                    await http.probe(to, options, trust)
    except TimeoutError:
        raise ProbeFailed(f"no answer within {options.timeout:g} s") from None
