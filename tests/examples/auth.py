"""What the heads of the examples about keys and passwords say to try, tried."""

from __future__ import annotations

import re
import shutil
import subprocess
from base64 import b64encode

from tests.examples.stand import EXAMPLES, Stand
from tests.support.echo import echoed
from tests.support.live import until


async def api_key(stand: Stand) -> None:
    """Each key as its owner's; one made as the head says counts once its line is in the file."""
    keys = stand.directory / "keys.txt"
    shutil.copy(EXAMPLES / "files/keys.txt", keys)
    stand.set(KEYS_FILE=keys)
    await stand.echo("APP")
    await stand.start()
    refused = await stand.ask()
    assert (refused.status, refused.get(b"www-authenticate")) == (401, b'ApiKey realm="a3sgw"')
    anna = "X-API-Key: key-of-anna"
    for fields in ((anna,), (anna, "X-Client: root"), (anna, "x_client: root")):
        seen = echoed(await stand.ask("/", *fields))["fields"]
        assert (seen["x-client"], seen["x-plan"], "x-api-key" in seen) == ("anna", "large", False)
    carl = echoed(await stand.ask("/a?api_key=carls-key-is-in-no-file&b=1"))
    assert (carl["target"], carl["fields"]["x-client"], carl["fields"]["x-plan"]) == ("/a?b=1", "carl", "very large")
    assert (await stand.ask("/", anna, method="POST")).status == 403
    assert (await stand.ask("/", "X-API-Key: for-trying-only", method="POST")).status == 200
    assert (await stand.ask("/", "X-API-Key: key-of-ben")).status == 401
    head = stand.path.read_text().split("\n\n")[0].replace("\n# ", "\n")
    command = re.search(r"KEY=.*", head, re.DOTALL)
    assert command is not None
    made = subprocess.run(["sh", "-c", command[0]], capture_output=True, check=True, text=True).stdout.splitlines()
    assert made[1].endswith(" identity=emil")
    with keys.open("a") as file:
        file.write(made[1] + "\n")

    async def counts() -> bool:
        return (await stand.ask("/", f"X-API-Key: {made[0]}")).status == 200

    await until(counts, "the new line counts")


async def basic_auth(stand: Stand) -> None:
    """Each user with the right password; one whose line is gone does not pass any more."""
    users = stand.directory / "users.htpasswd"
    shutil.copy(EXAMPLES / "files/users.htpasswd", users)
    stand.set(USERS_FILE=users)
    await stand.echo("APP")
    await stand.start()

    def login(credential: str) -> str:
        return f"Authorization: Basic {b64encode(credential.encode()).decode()}"

    refused = await stand.ask()
    assert (refused.status, refused.get(b"www-authenticate")) == (401, b'Basic realm="the shop", charset="UTF-8"')
    anna = login("anna:for trying only")
    for fields in ((anna,), (anna, "X-User: root"), (anna, "x_user: root")):
        seen = echoed(await stand.ask("/", *fields))["fields"]
        assert (seen["x-user"], "authorization" in seen) == ("anna", False)
    assert (await stand.ask("/", login("ben:for trying only"))).status == 200
    assert (await stand.ask("/", login("anna:wrong"))).status == 401
    assert (await stand.ask("/", login("admin:change me"))).status == 200
    users.write_text("".join(line for line in users.read_text().splitlines(True) if not line.startswith("anna")))

    async def gone() -> bool:
        return (await stand.ask("/", anna)).status == 401

    await until(gone, "the line is gone")
