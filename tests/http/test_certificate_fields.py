"""Parts of certificates by name."""

from __future__ import annotations

import pytest

from a3sgw.certificates import DistinguishedName, client_certificate
from a3sgw.http.certificate_fields import certificate_field
from a3sgw.options import OptionError
from tests.support.certificates import der, dns


def test_every_part_has_a_name() -> None:
    """Each finds its own, and all values of it."""
    kinds = ("C", "ST", "L", "O", "OU", "CN", "SN", "DC")
    values = [f"{kind[0]}{kind[-1]}" for kind in kinds]
    written = ",".join(f"{kind}={value}" for kind, value in zip(kinds, values, strict=True))
    found = client_certificate(der(f"{written},O=two", f"{written},O=two", dns(["a.example", "b.example"]), 99))
    for part, value in zip(DistinguishedName._fields, values, strict=True):
        expected = (value, "two") if part == "organization" else (value,)
        assert certificate_field(f"subject.{part}")(found) == expected
        assert certificate_field(f"issuer.{part}")(found) == expected
    assert certificate_field("san")(found) == ("a.example", "b.example")
    assert certificate_field("serial_number")(found) == ("99",)
    assert certificate_field("fingerprint")(found) == (found.fingerprint,)


@pytest.mark.parametrize(
    "name", ["", "subject", "subject.", "subject.x", "issuer.count", "san.dns", "der", "Subject.country"]
)
def test_names_that_are_none(name: str) -> None:
    """They are refused at load, with those there are."""
    with pytest.raises(OptionError) as caught:
        certificate_field(name)
    assert caught.value.help
