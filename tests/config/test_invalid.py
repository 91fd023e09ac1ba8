"""Each invalid/*.hcl gives exactly the diagnostics in the .txt beside it."""

from pathlib import Path

import pytest

from a3sgw.config.load import Loader

CASES = sorted((Path(__file__).parent / "invalid").glob("*.hcl"))


def test_there_are_cases() -> None:
    """The list of cases is not empty, and every case has its expectation."""
    assert len(CASES) >= 7
    assert all(case.with_suffix(".txt").is_file() for case in CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case.stem))
def test_invalid(case: Path) -> None:
    """All diagnostics of a broken file come at once, in order, with their places and help."""
    loaded = Loader(environment={}).load_text(case.read_text(encoding="utf-8"), case.name, case.parent)
    assert loaded.config is None
    assert [str(one) for one in loaded.diagnostics] == case.with_suffix(".txt").read_text(encoding="utf-8").splitlines()
