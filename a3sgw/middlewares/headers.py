"""Set, add, replace and delete header fields on the way in and on the way out; the security headers of a site."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from a3sgw.errors import ClientError
from a3sgw.http.field_changes import FieldChanges, check_field
from a3sgw.http.host import canonical_host
from a3sgw.http.message import Request, Response
from a3sgw.http.placeholders import Template
from a3sgw.http.security import SecurityOptions, deleted, filled_in, replaced
from a3sgw.middlewares.base import Middleware, RefusingOptions
from a3sgw.options import BaseOptions, Field, FrozenMap, OptionError, StringMap, field_validator

_ONE_EACH = frozenset({"cookie", "set-cookie", "set-cookie2"})
"""Fields whose values are not a list, so that nothing can be appended behind a comma."""


class Changes(BaseOptions):
    """Changes to fields, in this order. Values may have places such as `{path.id}`, `{header.X-Tenant}`,
    `{claim.sub}`, `{identity}`, `{ip}`, `{host}` and `{request_id}`, always of the request; one that comes out empty
    adds nothing. `{{ip}}` stands for `{ip}` itself."""

    delete: tuple[str, ...] = ()
    """Names whose lines go."""

    set: StringMap = Field(default_factory=FrozenMap)
    """The value replaces what is there; an empty value deletes."""

    add: StringMap = Field(default_factory=FrozenMap)
    """One more line, beside those that are there."""

    append: StringMap = Field(default_factory=FrozenMap)
    """The value comes behind that of the last line, after a comma; without a line it is added."""

    default: StringMap = Field(default_factory=FrozenMap)
    """The value for messages that have no such line."""

    @field_validator("set", "add", "append", "default")
    @classmethod
    def _sendable(cls, fields: StringMap) -> StringMap:
        for name, value in fields.items():
            check_field(name, value)
        return fields

    @field_validator("delete")
    @classmethod
    def _names(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            check_field(name)
        return names

    @field_validator("append")
    @classmethod
    def _lists(cls, fields: StringMap) -> StringMap:
        for name in fields:
            if name.lower() in _ONE_EACH:
                raise OptionError(f"nothing can be appended to {name}", 'it is no list; use "add" for one more line')
        return fields


class Options(SecurityOptions, RefusingOptions):
    """Options of `headers`."""

    request_headers: StringMap = Field(default_factory=FrozenMap)
    """Fields of the request, by name: the value replaces what the client sent, an empty value deletes the field. The
    same as `request.set`, places for pieces of the request included."""

    response_headers: StringMap = Field(default_factory=FrozenMap)
    """Fields of the response, by name: the value replaces what the endpoint sent, an empty value deletes the field. The
    same as `response.set`; these two have the last word over the security headers below."""

    request: Changes = Changes()
    """More ways to change the request: `delete`, `set`, `add`, `append`, `default`, in this order."""

    response: Changes = Changes()
    """More ways to change the response, also one the gateway makes itself."""

    allowed_hosts: tuple[str, ...] = ()
    """Hosts that may be asked for, such as `www.example.com` and `*.example.com` (one label), without port; all others
    get 421, which is what HTTP has for a host that is not served here (Traefik says 500). Empty means all."""

    @field_validator("request_headers", "response_headers")
    @classmethod
    def _fields(cls, fields: StringMap) -> StringMap:
        for name, value in fields.items():
            check_field(name, value)
        return fields

    @field_validator("request_headers")
    @classmethod
    def _host_stays(cls, fields: StringMap) -> StringMap:
        if any(name.lower() == "host" and not value for name, value in fields.items()):
            raise OptionError("a request needs its Host", "give it a value, or remove this line")
        return fields

    @field_validator("request")
    @classmethod
    def _one_host(cls, changes: Changes) -> Changes:
        wrong = (*changes.delete, *changes.add, *changes.append)
        if any(name.lower() == "host" for name in wrong) or not all(
            value for name, value in changes.set.items() if name.lower() == "host"
        ):
            raise OptionError("a request has one Host", 'it can only be "set", to something')
        return changes

    @field_validator("allowed_hosts")
    @classmethod
    def _hosts(cls, hosts: tuple[str, ...]) -> tuple[str, ...]:
        for host in hosts:
            try:
                canonical_host(host.removeprefix("*.").encode())
            except ClientError:
                help = 'write "www.example.com" or "*.example.com"'
                raise OptionError(f'"{host}" is not a host name', help) from None
        return hosts


class HeadersMiddleware(Middleware[Options]):
    """Works on field lines as bytes, prepared once; constant ones are put behind a head that is not even parsed.

    Templates on the response side are filled in from the request.
    """

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._request = _changes(options.request_headers, options.request)
        changes = options.request
        named = (options.request_headers, changes.delete, changes.set, changes.add, changes.append, changes.default)
        self.sets_fields = frozenset(name.encode() for names in named for name in names)
        self._plain = _changes(options.response_headers, options.response, options, https=False)
        self._secure = _changes(options.response_headers, options.response, options, https=True)
        hosts = () if options.is_development else options.allowed_hosts
        self._hosts = frozenset(canonical_host(one.encode()) for one in hosts if not one.startswith("*."))
        self._domains = frozenset(canonical_host(one[2:].encode()) for one in hosts if one.startswith("*."))
        self._sets_host = any(
            name.lower() == "host" and Template(value).constant is None
            for fields in (options.request_headers, options.request.set)
            for name, value in fields.items()
        )

    def request(self, request: Request) -> None:
        """Change the request before the next middleware sees it; 421 for a host that is not allowed."""
        if self._request is not None:
            self._request.apply(request, request)
            if self._sets_host:
                canonical_host(request.headers.get(b"host") or b"")  # 400 for what would be two things to two servers
        if (self._hosts or self._domains) and not self._allowed(request.host):
            raise ClientError(421, "headers: the host is not one of allowed_hosts")

    def response(self, request: Request, response: Response) -> None:
        """Change the response, also one the gateway made itself."""
        changes = self._secure if request.scheme == b"https" else self._plain
        if changes is not None:
            changes.apply(response, request)

    def _allowed(self, host: bytes) -> bool:
        return host in self._hosts or (bool(self._domains) and host.partition(b".")[2] in self._domains)


def _changes(
    fields: StringMap, changes: Changes, security: SecurityOptions | None = None, https: bool = False
) -> FieldChanges | None:
    """All there is to do to one side, or None. Later names win over earlier ones, whatever their case."""
    given = _by_name(*((replaced(security, https),) if security is not None else ()), fields, changes.set)
    unwanted = deleted(security) if security is not None else ()
    delete = (*unwanted, *changes.delete, *(name for name, value in given.items() if not value))
    filled = filled_in(security, https) if security is not None else {}
    made = FieldChanges(
        delete=delete,
        set={name: value for name, value in given.items() if value},
        add=changes.add,
        append=changes.append,
        default=_by_name(_without(filled, delete), changes.default),
    )
    return made or None


def _without(fields: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    gone = {name.lower() for name in names}
    return {name: value for name, value in fields.items() if name.lower() not in gone}


def _by_name(*groups: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, tuple[str, str]] = {}
    for group in groups:
        for name, value in group.items():
            found[name.lower().replace("_", "-")] = (name, value)
    return dict(found.values())
