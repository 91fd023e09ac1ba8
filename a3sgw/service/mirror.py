"""Which requests are copied to another service."""

from __future__ import annotations

from collections.abc import Callable

from a3sgw.config.mirror import Mirror
from a3sgw.errors import UpstreamError
from a3sgw.http.message import Response
from a3sgw.service.node import Before, Journey, Leaf, Node


class MirrorNode(Before):
    """Marks a share of the requests, evenly spread (`chosen` says which); who forwards them makes the copies."""

    def __init__(self, name: str, inner: Node, target: Node, options: Mirror, count: Callable[[str], None]) -> None:
        super().__init__(inner)
        self.name = name
        """The service that is copied."""
        self.target = target
        """Where the copies go."""
        self.options = options
        self.copies = max(inner.copies, options.max_body_bytes)
        self.count = count
        """Counts an event by a fixed word."""
        self.running = 0
        """Copies under way."""
        self.samples = 0
        """Differences logged in the minute that began at `minute`."""
        self.minute = 0.0
        self._due = 0.0

    def resolve(self, journey: Journey) -> Leaf | Response | UpstreamError:
        """Marked or not, it goes where it would go anyway; asked again for one request, it does not mark twice."""
        if self not in journey.chosen and not journey.is_copy:
            self._due += self.options.percentage
            journey.chosen[self] = marked = self._due >= 100.0
            if marked:
                self._due -= 100.0
        return self.inner.resolve(journey)
