"""Kinds that a third party registers, as an installed distribution does."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.support.recorder import Recorder
from tests.support.slow_recorder import SlowRecorder


@pytest.fixture
async def recorders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Installs `recorder`, `slow-recorder` and `judge`; returns the notes of the first two, empty."""
    installed = tmp_path / "recorders-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: recorders\nVersion: 1.0\n")
    (installed / "entry_points.txt").write_text(
        "[a3sgw.middlewares]\nrecorder = tests.support.recorder\nslow-recorder = tests.support.slow_recorder\n"
        "judge = tests.support.judge\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    notes: list[str] = []
    monkeypatch.setattr(Recorder, "notes", notes)
    monkeypatch.setattr(SlowRecorder, "notes", notes)
    monkeypatch.setattr(SlowRecorder, "gate", asyncio.Event(), raising=False)
    monkeypatch.setattr(SlowRecorder, "arrived", asyncio.Event(), raising=False)
    return notes
