"""`load_config`, and what the package exports."""

from __future__ import annotations

from pathlib import Path

import pytest

import a3sgw
from a3sgw import load_config
from a3sgw.errors import ConfigError

WEB = 'entrypoints "web" { address = ":80" }\n'


def test_what_is_public() -> None:
    """Everything promised is there, and nothing else can be asked for."""
    assert a3sgw.__all__ == ["Gateway", "__version__", "load_config"]
    for name in a3sgw.__all__:
        assert getattr(a3sgw, name)
    with pytest.raises(AttributeError, match="nothing"):
        _ = a3sgw.nothing


@pytest.mark.parametrize("kind", [str, Path])
def test_from_a_file(tmp_path: Path, kind: type) -> None:
    """A path may be a string."""
    path = tmp_path / "gateway.hcl"
    path.write_text(WEB)
    assert list(load_config(kind(path)).entrypoints) == ["web"]


def test_from_a_directory(tmp_path: Path) -> None:
    """All its files are one configuration."""
    (tmp_path / "a.hcl").write_text(WEB)
    (tmp_path / "b.hcl").write_text(WEB.replace("web", "more").replace("80", "81"))
    assert list(load_config(tmp_path).entrypoints) == ["web", "more"]


@pytest.mark.parametrize("text", [WEB, WEB.strip()])
def test_from_a_text(text: str) -> None:
    """A text that has a newline or a brace is the configuration itself."""
    assert list(load_config(text).entrypoints) == ["web"]


def test_every_reason_at_once(tmp_path: Path) -> None:
    """An error carries all diagnostics with their places."""
    path = tmp_path / "gateway.hcl"
    path.write_text(WEB + "one = 1\ntwo = 2\n")
    with pytest.raises(ConfigError) as raised:
        load_config(path)
    assert [str(one.place) for one in raised.value.diagnostics] == [f"{path}:2:1", f"{path}:3:1"]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    """Is a ConfigError that names it."""
    with pytest.raises(ConfigError, match=r"gone\.hcl"):
        load_config(tmp_path / "gone.hcl")
