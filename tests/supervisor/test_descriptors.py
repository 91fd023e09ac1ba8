"""What the kernel has to offer."""

from __future__ import annotations

import os
import resource
import sys
from asyncio.subprocess import PIPE, create_subprocess_exec

import pytest

from a3sgw.supervisor.descriptors import has_process_descriptors
from tests.support.process import run


def test_process_descriptors(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are there, unless the kernel or a container says no."""
    assert has_process_descriptors()

    def forbidden(pid: int) -> int:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "pidfd_open", forbidden)
    assert not has_process_descriptors()


async def test_without_them_nothing_starts() -> None:
    """The command says what is missing instead of failing somewhere inside."""
    code = "import os, sys; del os.pidfd_open; from a3sgw.cli import main; sys.exit(main(['--config', 'x.hcl']))"
    process = await create_subprocess_exec(sys.executable, "-c", code, stderr=PIPE)
    _, err = await process.communicate()
    assert process.returncode == 1
    assert "Linux 5.3" in err.decode()
    assert (await run("--config", "x.hcl"))[2].count("Linux") == 0


async def test_the_soft_limit_is_raised() -> None:
    """As far as the hard limit allows."""
    code = (
        "import resource; from a3sgw.supervisor.descriptors import raise_limit\n"
        "_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard)); raise_limit()\n"
        "print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
    )
    process = await create_subprocess_exec(sys.executable, "-c", code, stdout=PIPE)
    out, _ = await process.communicate()
    assert int(out) == resource.getrlimit(resource.RLIMIT_NOFILE)[1]
