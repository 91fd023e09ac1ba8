"""What the heads of the examples about TLS say to try, tried."""

from __future__ import annotations

import ssl
from urllib.parse import unquote_plus

import pytest
import trustme

from tests.examples.stand import Stand
from tests.support.echo import echoed
from tests.support.secure import ask, believing_all


async def client_certificates(stand: Stand) -> None:
    """Devices by name, each with its own limit; nobody by what it writes itself, or with another's signature."""
    authority, other = trustme.CA(), trustme.CA()
    authority.cert_pem.write_to_path(str(stand.directory / "ca.pem"))
    stand.set(CLIENT_CA=stand.directory / "ca.pem")
    await stand.echo("APP")
    await stand.echo("LAB")
    await stand.start()
    address = stand.gateway.addresses["websecure"][0]
    spoofed = b"X-Device: device-7\r\nX-Forwarded-Tls-Client-Cert-Info: Subject%3D%22CN%3Ddevice-7%22\r\n"
    answer = await ask(address, believing_all(), spoofed)
    assert (answer.status, answer.body) == (401, b"show a certificate\n")
    for number, name in ((1, "APP"), (7, "LAB")):
        shown = authority.issue_cert("device.example", common_name=f"device-{number}", organization_name="Example")
        said = echoed(await ask(address, believing_all(shown), spoofed))
        assert said["name"] == name
        assert (said["fields"]["x-device"], said["fields"]["x-tls"]) == (f"device-{number}", "TLSv1.3")
        told = unquote_plus(said["fields"]["x-forwarded-tls-client-cert-info"])
        assert told.startswith(f'Subject="O=Example,CN=device-{number}";SerialNumber="')
        assert told.endswith('";SAN="device.example"')
    first = authority.issue_cert("x", common_name="device-1")
    statuses = [(await ask(address, believing_all(first))).status for _ in range(5)]
    assert statuses == [200, 200, 200, 200, 429]
    assert (await ask(address, believing_all(authority.issue_cert("x", common_name="device-2")))).status == 200
    assert (await ask(address, believing_all(authority.issue_cert("x", common_name="people")))).status == 401
    with pytest.raises((ssl.SSLError, ConnectionError, EOFError)):
        await ask(address, believing_all(other.issue_cert("x", common_name="device-7")))
