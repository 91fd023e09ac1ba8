"""What tests with programs of other people share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.tls import Authority


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """One that the certificates come from."""
    return Authority(tmp_path)
