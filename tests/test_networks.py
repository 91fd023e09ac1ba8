"""Addresses in networks."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from a3sgw.networks import NetworkSet, parse_network, parse_range


@given(st.lists(st.ip_addresses(v=4).flatmap(lambda a: st.integers(0, 32).map(lambda n: f"{a}/{n}")), max_size=20),
       st.ip_addresses(v=4))  # fmt: skip
def test_same_answer_as_asking_every_network(networks: list[str], address: ipaddress.IPv4Address) -> None:
    """Merged ranges hold exactly the addresses of the networks."""
    expected = any(address in ipaddress.ip_network(network, strict=False) for network in networks)
    assert (str(address) in NetworkSet(networks)) is expected


@given(st.lists(st.tuples(st.integers(0, 255), st.integers(120, 128)), max_size=6), st.integers(0, 255))
def test_version_six_in_a_crowded_range(networks: list[tuple[int, int]], last: int) -> None:
    """Neighbouring, nested and equal ranges merge without losing or gaining an address."""
    texts = [f"2001:db8::{low:x}/{bits}" for low, bits in networks]
    address = ipaddress.ip_address(f"2001:db8::{last:x}")
    expected = any(address in ipaddress.ip_network(text, strict=False) for text in texts)
    assert (str(address) in NetworkSet(texts)) is expected


def test_mapped_addresses_and_zones() -> None:
    """An IPv4-mapped address is its IPv4 address on both sides; a zone does not matter."""
    assert "::ffff:10.1.2.3" in NetworkSet(["10.0.0.0/8"])
    assert "10.1.2.3" in NetworkSet(["::ffff:10.0.0.0/104"])
    assert "fe80::1%eth0" in NetworkSet(["fe80::/10"])
    assert "10.0.0.1" not in NetworkSet(["::/0"])


@pytest.mark.parametrize(
    "text", ["", "1", "10.0.0", "10.0.0.256", "a", "10.0.0.1:80", "\0", "\ud800", ":", "::1::", "é"]
)
def test_what_is_no_address_is_in_no_set(text: str) -> None:
    """Anything but an address is answered with False, never with an error."""
    assert text not in NetworkSet(["0.0.0.0/0", "::/0"])
    assert 5 not in NetworkSet(["0.0.0.0/0"])


@pytest.mark.parametrize("text", ["", "x", "10.0.0.0/33", "10.0.0.0/255.0.0.0", "10.0.0.0/", "fe80::%eth0/10", "1/8"])
def test_what_is_no_network_is_refused(text: str) -> None:
    """Only an address or address/bits is a network."""
    with pytest.raises(ValueError, match=r".+"):
        parse_network(text)


def test_networks_as_values() -> None:
    """Networks that are parsed already are taken as they are; repr shows them."""
    assert repr(NetworkSet([ipaddress.ip_network("10.0.0.0/8"), "::1"])) == "<NetworkSet [10.0.0.0/8, ::1/128]>"


@given(st.one_of(st.ip_addresses(v=4).map(str), st.ip_addresses(v=6).map(str)), st.integers(-1, 130))
def test_ranges_are_what_networks_are(address: str, bits: int) -> None:
    """First and last address of the same network, or refused alike."""
    text = address if bits < 0 else f"{address}/{bits}"
    try:
        network = parse_network(text)
    except ValueError:
        with pytest.raises(ValueError, match="is not an address"):
            parse_range(text)
        return
    assert parse_range(text) == (network.network_address.packed, network.broadcast_address.packed)


@pytest.mark.parametrize(
    "text", ["", "a", "10.0.0.0/", "10.0.0.0/8/8", "10.0.0.0/255.0.0.0", "::1%eth0", "1.2.3", "10.0.0.1 "]
)
def test_what_is_no_range(text: str) -> None:
    """As for networks."""
    with pytest.raises(ValueError, match="is not an address"):
        parse_range(text)


def test_a_long_list() -> None:
    """Sorted in pieces or at once, it is the same set."""
    ranges = [parse_range(f"10.{one % 251}.{one * 7 % 256}.{one % 256}") for one in range(20_000)]
    found = NetworkSet(["192.0.2.0/24"], ranges)
    texts = {f"10.{one % 251}.{one * 7 % 256}.{one % 256}" for one in range(20_000)}
    assert all(text in found for text in texts)
    assert "192.0.2.9" in found
    missing = [text for one in range(3000) if (text := f"10.{one % 251}.{one % 256}.{(one + 1) % 256}") not in texts]
    assert len(missing) > 100
    assert not any(text in found for text in missing)
