"""What the heads of the examples about tokens say to try, tried."""

from __future__ import annotations

import re
import subprocess
import sys

from tests.examples.stand import Stand
from tests.support.echo import echoed
from tests.support.jwks_server import JwksServer
from tests.support.tokens import jwk, token


async def jwt(stand: Stand) -> None:
    """The token that the head makes reads, and does not write."""
    await stand.echo("APP")
    await stand.start()
    head = stand.path.read_text().split("\n\n")[0].replace("\n#", "")
    command = re.search(r"python3 -c '([^']+)'", head)
    assert command is not None
    made = subprocess.run([sys.executable, "-c", command[1]], capture_output=True, check=True, text=True).stdout.strip()
    bearer = f"Authorization: Bearer {made}"
    refused = await stand.ask()
    assert (refused.status, refused.get(b"www-authenticate")) == (401, b'Bearer realm="a3sgw"')
    for fields in ((bearer,), (bearer, "X-User-Id: root"), (bearer, "x_user_id: root")):
        seen = echoed(await stand.ask("/", *fields))["fields"]
        assert (seen["x-user-id"], "authorization" in seen) == ("anna", False)
    assert (await stand.ask("/", bearer, method="POST")).status == 403
    assert (await stand.ask("/", f"{bearer}x")).status == 401


async def jwks(stand: Stand) -> None:
    """Tokens of the provider, also when it has changed its key; its own word about who it is counts."""
    await stand.echo("APP")
    async with JwksServer(jwk("RSA", "1")) as server:
        server.issuer = f"{server.url}/realms/shop"
        stand.set(PROVIDER=server.issuer)
        await stand.start()
        said = {"iss": server.issuer, "aud": ["shop", "x"], "email": "anna@shop.example"}
        good = token(said, "RSA", kid="1").decode()
        assert (await stand.ask()).status == 401
        seen = echoed(await stand.ask("/", f"Authorization: Bearer {good}"))
        assert (seen["fields"]["x-user-id"], seen["fields"]["x-user-mail"]) == ("anna", "anna@shop.example")
        assert echoed(await stand.ask(f"/a?b=1&access_token={good}"))["target"] == "/a?b=1"
        assert (await stand.ask("/admin/", f"Authorization: Bearer {good}")).status == 403
        admin = token({**said, "realm_access": {"roles": ["admin"]}}, "RSA", kid="1").decode()
        assert (await stand.ask("/admin/", f"Authorization: Bearer {admin}")).status == 200
        for other in ({"iss": "https://other"}, {"aud": "web"}):
            text = token({**said, **other}, "RSA", kid="1").decode()
            assert (await stand.ask("/", f"Authorization: Bearer {text}")).status == 401
        server.status = 503
        assert (await stand.ask("/", f"Authorization: Bearer {admin}")).status == 200
