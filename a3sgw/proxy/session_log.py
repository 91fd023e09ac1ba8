"""One record of the access log for each UDP session, at its end."""

from __future__ import annotations

from collections.abc import Callable
from time import time
from typing import Protocol

from a3sgw.observe.access_log import AccessLog, Record
from a3sgw.upstream.endpoint import Endpoint


class Ended(Protocol):
    """What is told of a session."""

    client: str
    endpoint: Endpoint | None
    seconds: float
    upstream_seconds: float
    received: int
    sent: int
    error: str
    attempts: int


def logging_sessions_to(log: AccessLog, entrypoint: str, router: str, service: str) -> Callable[[Ended], None]:
    """Method and protocol are ``UDP``, the status is 0; `upstream_ms` is the time to the first reply."""

    def record(session: Ended) -> None:
        endpoint = session.endpoint
        line = Record(
            log.stamps.at(time()),
            "",
            entrypoint,
            router,
            service,
            endpoint.url if endpoint is not None else "",
            session.client,
            session.client,
            "UDP",
            "",
            "",
            "UDP",
            0,
            int(session.seconds * 1e6) / 1000,
            int(session.upstream_seconds * 1e6) / 1000,
            session.received,
            session.sent,
            session.error,
            session.attempts,
        )
        log.write(line)

    return record
