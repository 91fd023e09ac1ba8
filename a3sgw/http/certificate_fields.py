"""Parts of a client's certificate by name: ``subject.common_name``, ``san``, ``fingerprint``."""

from __future__ import annotations

from collections.abc import Callable

from a3sgw.certificates import ClientCertificate, DistinguishedName, prepare
from a3sgw.options import OptionError

Values = Callable[[ClientCertificate], tuple[str, ...]]
"""What the certificate has there; a subject may have several common names, for one."""

_PARTS = DistinguishedName._fields
NAMES = ("subject.…", "issuer.…", "san", "serial_number", "fingerprint")
"""For messages."""


def certificate_field(name: str) -> Values:
    """The function for one name; OptionError for a name that does not exist."""
    prepare()
    match name.partition("."):
        case ("subject", ".", part) if part in _PARTS:
            at = _PARTS.index(part)
            return lambda certificate: certificate.subject[at]
        case ("issuer", ".", part) if part in _PARTS:
            at = _PARTS.index(part)
            return lambda certificate: certificate.issuer[at]
        case ("subject" | "issuer", "", _):
            help = f'write "{name}.common_name" or another of {", ".join(_PARTS)}'
            raise OptionError(f'"{name}" needs to say which part', help)
        case ("subject" | "issuer" as whose, _, _):
            raise OptionError(f'"{name}" is no part of the {whose}', f"use one of {', '.join(_PARTS)}")
        case ("san", "", _):
            return lambda certificate: certificate.sans
        case ("serial_number", "", _):
            return lambda certificate: (str(certificate.serial_number),)
        case ("fingerprint", "", _):
            return lambda certificate: (certificate.fingerprint,)
    raise OptionError(f'"{name}" is no part of a certificate', f"use one of {', '.join(NAMES)}")
