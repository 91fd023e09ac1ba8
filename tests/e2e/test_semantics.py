"""Every promise about requests and responses has a test that names it."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parent.parent
PROMISED = {*range(1, 33), 37, 54, 62}


def test_every_promise_has_a_test() -> None:
    """The docstrings of tests name T-1 to T-32, T-37, T-54 and T-62."""
    files = [*TESTS.glob("e2e/test_*.py"), *TESTS.glob("middlewares/test_*.py")]
    assert len(files) > 10
    named = set()
    for file in files:
        for line in re.findall(r'^    """(T-\d+(?:, T-\d+)*): ', file.read_text(encoding="utf-8"), re.MULTILINE):
            named |= {int(number) for number in re.findall(r"\d+", line)}
    assert named >= PROMISED, f"no test names T-{sorted(PROMISED - named)}"
