"""A directory to be started in, with files that have the names of modules."""

from __future__ import annotations

from pathlib import Path


def hostile(directory: Path) -> Path:
    """Whoever imports one of these there ends with "foreign code"; returns the directory."""
    (directory / "a3sgw").mkdir(parents=True)
    for name in ("logging.py", "signal.py", "pickle.py", "a3sgw/__init__.py"):
        (directory / name).write_text("raise SystemExit('foreign code')\n")
    return directory
