"""What the control plane has said about endpoints, certificates and breakers, for whoever acts on it."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from a3sgw.control.messages import (
    Addresses,
    BreakerState,
    Certificate,
    Ejection,
    EndpointDrain,
    EndpointHealth,
    EndpointWeight,
    LogLevel,
    Pushed,
)

Listener = Callable[[Pushed], None]
_Subject = tuple[str, ...]


def subject(message: Pushed) -> _Subject:
    """What a message is about: a later one about the same replaces it."""
    match message:
        case EndpointHealth() | EndpointWeight() | EndpointDrain() | Ejection() | BreakerState():
            return type(message).__name__, message.service, message.url
        case Addresses():
            return type(message).__name__, message.service, message.server
        case Certificate():
            return type(message).__name__, *sorted(message.names)
        case LogLevel():
            return (type(message).__name__,)


def _is_over(message: Pushed, now: float) -> bool:
    match message:
        case Ejection():
            return message.until <= now
        case EndpointDrain():
            return 0.0 < message.until <= now
        case _:
            return False


class State:
    """The newest message about each subject; `listeners` are told of every one that comes."""

    def __init__(self) -> None:
        self._newest: dict[_Subject, Pushed] = {}
        self.listeners: list[Listener] = []

    def take(self, message: Pushed) -> None:
        """Remember it and tell."""
        self._newest[subject(message)] = message
        for listener in self.listeners:
            listener(message)

    def all(self) -> list[Pushed]:
        """The newest about everything, oldest subject first, without what is over."""
        now = monotonic()
        return [one for one in self._newest.values() if not _is_over(one, now)]

    def keep(self, endpoints: set[tuple[str, str]]) -> None:
        """Forget endpoints that are not in `endpoints`, (service, URL); without a URL, services that have none."""
        services = {service for service, _ in endpoints}
        for key, message in list(self._newest.items()):
            if isinstance(message, Certificate | LogLevel):
                continue
            url = "" if isinstance(message, Addresses) else message.url
            known = (message.service, url) in endpoints if url else message.service in services
            if not known:
                del self._newest[key]
