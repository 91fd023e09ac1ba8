"""Names to addresses, with the time for which that holds: the only importer of aiodns.

c-ares asks as the system does: hosts file first, then the name servers and search domains of resolv.conf, which it
reads again when they change. It keeps answers for as long as they hold, so that several services may have one name.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import aiodns
from pycares import DNSResult, SRVRecordData  # the types of aiodns's answers

_T = TypeVar("_T")
_UNKNOWN = (aiodns.error.ARES_ENOTFOUND, aiodns.error.ARES_ENODATA, aiodns.error.ARES_EBADNAME)


class ResolveError(Exception):
    """A name has no answer: there is none if `unknown` is true, else the name servers could not say."""

    def __init__(self, name: str, reason: str, unknown: bool) -> None:
        self.unknown = unknown
        super().__init__(f'cannot resolve "{name}": {reason}')


@dataclass(frozen=True, slots=True)
class Answer:
    """What a name stands for, without order, and for how many seconds; 0 when nobody said so, as for the hosts file."""

    addresses: tuple[str, ...]
    ttl: float


@dataclass(frozen=True, slots=True)
class Services:
    """What an SRV name stands for: (address, port, weight); the weights are all 0 or all positive."""

    found: tuple[tuple[str, int, int], ...]
    ttl: float


class Resolver:
    """Asks the DNS, on the running loop; to be closed by whoever made it."""

    def __init__(self, nameservers: Sequence[str] = (), timeout: float = 2.0, tries: int = 3) -> None:
        """`nameservers` as ``address:port``, none for the system's; `timeout` in seconds of the first of `tries`."""
        loop = asyncio.get_running_loop()
        self._dns = aiodns.DNSResolver(nameservers or None, loop, timeout=timeout, tries=tries)

    async def addresses(self, host: str) -> Answer:
        """All its A and AAAA records; what this machine has no route to is left out unless that is all there is.

        So a machine without IPv6 does not send half of the requests where it cannot reach. Raises `ResolveError`.
        """
        answer = await _translated(host, self._dns.getaddrinfo(host))
        addresses = {node.addr[0].decode(): None for node in answer.nodes}
        if not addresses:
            raise ResolveError(host, "it has no address", unknown=True)
        ttl = min([node.ttl for node in answer.nodes] + [alias.ttl for alias in answer.cnames])
        return Answer(tuple(filter(_has_route, addresses)) or tuple(addresses), ttl)

    async def services(self, name: str) -> Services:
        """The addresses behind its SRV records of the lowest priority (RFC 2782). Raises `ResolveError`."""
        answer = await _translated(name, self._dns.query_dns(name, "SRV"))
        records = _most_wanted(answer)
        if not records:
            raise ResolveError(name, "the service is not offered", unknown=True)
        ttl = min(record.ttl for record in answer.answer)
        results = await asyncio.gather(*(self._of(record) for record in records))
        answers = [(record, one) for record, one in zip(records, results, strict=True) if isinstance(one, Answer)]
        if not answers:
            raise next(one for one in results if isinstance(one, ResolveError))
        known_ttls = [one.ttl for _, one in answers if one.ttl]  # a host of the hosts file has none to say
        return Services(tuple(_weighed(answers)), min([ttl, *known_ttls]))

    async def _of(self, record: SRVRecordData) -> Answer | ResolveError:
        """One host that does not exist is no reason to lose the others; name servers that cannot say are."""
        try:
            return await self.addresses(record.target)
        except ResolveError as error:
            if not error.unknown:
                raise
            return error

    async def close(self) -> None:
        """Questions that are open fail."""
        await self._dns.close()


async def _translated(name: str, question: asyncio.Future[_T]) -> _T:
    try:
        return await question
    except aiodns.error.DNSError as error:
        number, reason = error.args
        raise ResolveError(name, str(reason), number in _UNKNOWN) from None


def _most_wanted(answer: DNSResult) -> list[SRVRecordData]:
    records = [record.data for record in answer.answer if isinstance(record.data, SRVRecordData)]
    offered = [record for record in records if record.target not in ("", ".")]
    lowest = min((record.priority for record in offered), default=0)
    return [record for record in offered if record.priority == lowest]


def _weighed(answers: Iterable[tuple[SRVRecordData, Answer]]) -> Iterable[tuple[str, int, int]]:
    """A weight of 0 beside others means "a very small chance", not none."""
    answers = list(answers)
    least = 1 if any(record.weight for record, _ in answers) else 0
    for record, answer in answers:
        for address in answer.addresses:
            yield address, record.port, max(record.weight, least)


def _has_route(address: str) -> bool:
    """Connecting a datagram socket sends nothing, and fails where the machine has no route (as RFC 6724 §6 is done)."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((address, 53))
    except OSError:
        return False
    return True
