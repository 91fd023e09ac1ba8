"""What every test shares."""

from __future__ import annotations

import pytest
from hypothesis import settings

settings.register_profile("a3sgw", deadline=None)  # how long an example takes is the machine's business
settings.load_profile("a3sgw")
pytest.register_assert_rewrite("tests.support")
