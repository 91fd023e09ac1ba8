"""Another process of this program: the same code and flags, in whatever directory it is started."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.hostile import hostile

_SHOW = """
import json, logging, sys
def main(*arguments):
    flags = [sys.flags.optimize, sys.flags.no_user_site]
    print(json.dumps([arguments, sys.path, flags, sys.warnoptions, sys._xoptions, logging.__file__]), flush=True)
    return 7
"""
_TWICE = """
import subprocess, sys
sys.path[:0] = sys.argv[1:]
import show
from a3sgw.interpreter import command
show.main("a", "b c")
sys.exit(subprocess.run(command("show", "a", "b c")).returncode)
"""
ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("options", [(), ("-OO", "-s", "-Werror", "-Xfaulthandler", "-Xint_max_str_digits=5000")])
def test_the_other_process(tmp_path: Path, options: tuple[str, ...]) -> None:
    """It has the search path, the flags, the warnings and the arguments; its exit code is what the function returns;
    and nothing from the working directory is imported."""
    (tmp_path / "show.py").write_text(_SHOW)
    line = [sys.executable, "-P", *options, "-c", _TWICE, str(tmp_path), str(ROOT)]
    ran = subprocess.run(line, capture_output=True, text=True, cwd=hostile(tmp_path / "here"), check=False)
    assert (ran.returncode, ran.stderr) == (7, "")
    here, there = ran.stdout.splitlines()
    assert here == there
