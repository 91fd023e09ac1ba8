"""Option types: what operators may write, what becomes of it, and that options identify themselves."""

import pickle
from ipaddress import ip_network

import pytest

from a3sgw.options import (
    Address,
    BaseOptions,
    Duration,
    Field,
    Network,
    OptionError,
    Percentage,
    Ratio,
    Secret,
    Several,
    Size,
    SocketAddress,
    StringMap,
    ValidationError,
    is_secret,
    parse_duration,
    parse_size,
    reveal,
)


class Inner(BaseOptions):
    """A group."""

    name: str = ""
    """Its name."""


class Options(BaseOptions):
    """One of each."""

    wait: Duration = 1.0
    """A duration."""
    room: Size = 1
    """A size."""
    part: Percentage = 0
    """A percentage."""
    share: Ratio = 0
    """A ratio."""
    networks: tuple[Network, ...] = ()
    """Networks."""
    secret: Secret = ""
    """A secret."""
    address: Address = SocketAddress()
    """An address."""
    fields: StringMap = Field(default_factory=dict)
    """A map."""
    groups: Several[Inner] = ()
    """Groups."""
    number: int | None = None
    """A number."""


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("250ms", 0.25),
        ("10s", 10),
        ("1m30s", 90),
        ("24h", 86400),
        ("5", 5),
        (3, 3),
        (0.5, 0.5),
        ("1.5h", 5400),
        ("0s", 0),
    ],
)
def test_duration(text: object, seconds: float) -> None:
    """Durations become seconds."""
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text", ["", "s", "10 s", "-1s", -1, True, None, "1s2", "10x", "1e3s", [], "1" * 40, float("nan")]
)
def test_no_duration(text: object) -> None:
    """Anything else is refused with help."""
    with pytest.raises(OptionError) as caught:
        parse_duration(text)
    assert caught.value.help


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("64KB", 65536),
        ("64KiB", 65536),
        ("10MB", 10 * 2**20),
        ("1GiB", 2**30),
        ("1k", 1024),
        ("1.5MB", 3 * 2**19),
        ("7", 7),
        (9, 9),
        ("1 MB", 2**20),
    ],
)
def test_size(text: object, size: int) -> None:
    """Sizes become bytes; KB and KiB both mean 1024."""
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "MB", "-1", -1, 1.5, True, "10XB", "1" * 40, {}])
def test_no_size(text: object) -> None:
    """Anything else is refused with help."""
    with pytest.raises(OptionError) as caught:
        parse_size(text)
    assert caught.value.help


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("0.0.0.0:80", SocketAddress("0.0.0.0", 80)),
        (":80", SocketAddress("", 80)),
        ("[::1]:8080", SocketAddress("::1", 8080)),
        ("localhost:0", SocketAddress("localhost", 0)),
        ("unix:/run/x.sock", SocketAddress(path="/run/x.sock")),
        ("unix:///run/x.sock", SocketAddress(path="/run/x.sock")),
    ],
)
def test_address(text: str, address: SocketAddress) -> None:
    """Every form of an address is understood and can be written back."""
    assert SocketAddress.parse(text) == address
    assert SocketAddress.parse(str(address)) == address


@pytest.mark.parametrize(
    "text", ["", "80", "host", "host:", "h:65536", "[::1]", "[zz]:1", "unix:", "a b:1", "::1:80", "http://x:1"]
)
def test_no_address(text: str) -> None:
    """Anything else is refused."""
    with pytest.raises(OptionError):
        SocketAddress.parse(text)


def test_networks() -> None:
    """A single address is a network of one; bits behind the mask are ignored, as in Go."""
    options = Options.model_validate({"networks": ["10.0.0.0/8", "::1", "10.1.2.3/16"]})
    assert options.networks == (ip_network("10.0.0.0/8"), ip_network("::1"), ip_network("10.1.0.0/16"))


def test_a_secret_prints_as_dots() -> None:
    """A secret shows nowhere, equals its text, and travels to other processes."""
    options = Options.model_validate({"secret": "hush"})
    for shown in (
        repr(options),
        str(options.secret),
        f"{options.secret:>4}",
        options.model_dump_json(),
        str(options.model_dump()),
    ):
        assert "hush" not in shown
    assert reveal(options.secret) == "hush"
    assert type(reveal(options.secret)) is str
    assert pickle.loads(pickle.dumps(options)) == options
    assert options != Options.model_validate({"secret": "other"})


def test_equal_options_are_one_identity() -> None:
    """Equal options are equal and hash alike, whatever they contain, and never change."""
    data = {"fields": {"a": "1"}, "networks": ["::1"], "groups": {"name": "x"}, "wait": "1s", "address": ":1"}
    first, second = Options.model_validate(data), Options.model_validate({**data, "wait": 1})
    assert first == second
    assert hash(first) == hash(second)
    with pytest.raises(TypeError):
        first.fields["a"] = "2"
    with pytest.raises(ValidationError):
        first.wait = 2.0
    assert first.fields == {"a": "1"}


@pytest.mark.parametrize(
    "data",
    [
        {"unknown": 1},
        {"number": True},
        {"number": "x"},
        {"part": 101},
        {"share": -0.1},
        {"fields": {"a": 1}},
        {"networks": "::1"},
    ],
)
def test_refused(data: dict[str, object]) -> None:
    """Unknown keys and values of another type are errors."""
    with pytest.raises(ValidationError):
        Options.model_validate(data)


def test_texts_count_as_numbers() -> None:
    """The environment only gives texts, so a text that is a number counts as one."""
    assert Options.model_validate({"number": "8"}).number == 8


class Client(BaseOptions):
    """A group with a secret."""

    name: str = ""
    key: Secret = ""


class Keys(BaseOptions):
    """Secrets in every place."""

    one: Secret = ""
    many: tuple[Secret, ...] = ()
    clients: Several[Client] = ()
    plain: tuple[str, ...] = ()


@pytest.mark.parametrize(
    ("path", "secret"),
    [
        (("one",), True),
        (("many",), True),
        (("many", 1), True),
        (("clients", 0, "key"), True),
        (("clients", 0, "name"), False),
        (("clients", 0), False),
        (("plain", 0), False),
        (("none",), False),
        ((), False),
    ],
)
def test_what_is_secret(path: tuple[str | int, ...], secret: bool) -> None:
    """By the type of the option, wherever it stands: what is wrong with it is told without showing it."""
    assert is_secret(Keys, path) is secret


def test_maps_are_shown_without_secrets() -> None:
    """Names of fields that carry credentials are enough to know which values not to show."""

    class Fields(BaseOptions):
        """Header fields."""

        fields: StringMap

    shown = {"Authorization": "•••", "x-api_key": "•••", "X-Auth-Token": "•••", "X-Team": "a", "Cookie": ""}
    given = {"Authorization": "Bearer x", "x-api_key": "y", "X-Auth-Token": "z", "X-Team": "a", "Cookie": ""}
    options = Fields.model_validate({"fields": given})
    assert options.model_dump()["fields"] == shown
    assert options.fields == given
