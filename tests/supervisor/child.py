"""A process that is handed sockets, takes those its arguments name, and says which they are."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import sys

from a3sgw.config.entrypoint import Entrypoint
from a3sgw.options import SocketAddress
from a3sgw.supervisor.inherited import inherited
from tests.support.descriptors import held, identity


def activate(descriptors: list[int]) -> None:
    """Put these where a service manager would: from 3 on."""
    spare = [fcntl.fcntl(one, fcntl.F_DUPFD, 100) for one in descriptors]
    for place, one in enumerate(spare):
        os.dup2(one, 3 + place, inheritable=True)
        os.close(one)


def main() -> None:
    """Arguments: JSON of what to take."""
    wanted = json.loads(sys.argv[1])
    logging.basicConfig(format="%(message)s %(socket)s", stream=sys.stderr)
    activate(wanted["activate"])
    if wanted["activate"] and "LISTEN_PID" not in os.environ:
        os.environ["LISTEN_PID"] = str(os.getpid())
    found = inherited(os.environ)
    taken = {
        name: found.take(name, Entrypoint.model_validate(options)) for name, options in wanted["entrypoints"].items()
    }
    if wanted["admin"]:
        taken["admin"] = found.take_admin(SocketAddress.parse(wanted["admin"]))
    sockets = [one for group in taken.values() for one in group]
    said: dict[str, object] = {
        "taken": {name: [identity(one.fileno()) for one in group] for name, group in taken.items()},
        "files": sorted(found.files),
        "table": identity(found.table) if found.table >= 0 else None,
        "known": identity(found.known.fileno()) if found.known is not None else None,
        "private": not any(os.get_inheritable(one.fileno()) for one in sockets),
        "blocking": any(one.getblocking() for one in sockets),
        "variables": sorted(name for name in os.environ if name.startswith(("LISTEN_", "A3SGW_"))),
    }
    found.close()
    before = sum(held().values())
    for one in sockets:
        one.close()
    said["left"] = before - len(sockets)
    found.ready()
    found.ready()
    print(json.dumps(said))


if __name__ == "__main__":
    main()
