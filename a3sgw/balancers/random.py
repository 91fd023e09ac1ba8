"""Anyone, by chance and share."""

from __future__ import annotations

from collections.abc import Collection

from a3sgw.balancers.base import EndpointType
from a3sgw.balancers.lots import Lots
from a3sgw.http.message import Request


class Random(Lots[EndpointType]):
    """Fair in the long run, and never in step with other gateways."""

    def pick(self, request: Request, tried: Collection[EndpointType]) -> EndpointType | None:
        """O(log n), O(n) for retries."""
        if tried:
            rest = Random([endpoint for endpoint in self._endpoints if endpoint not in tried])
            rest.chance = self.chance
            return rest.pick(request, ())
        return self._endpoints[self.draw()] if self._endpoints else None


STRATEGY = Random
