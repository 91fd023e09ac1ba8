"""What process listings show: the only importer of setproctitle."""

from __future__ import annotations

from setproctitle import setproctitle


def set_title(role: str) -> None:
    """Be shown as ``a3sgw: role`` by ps(1) and top(1): the whole line, and as much as fits of the short name."""
    setproctitle(f"a3sgw: {role}")
