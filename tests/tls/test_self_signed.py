"""A certificate that was made up is kept."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from a3sgw.tls.self_signed import directory, kept


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where it is kept."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "a3sgw"


def test_kept(cache: Path) -> None:
    """It is made once for the same names, and nobody else can read it."""
    made: list[int] = []

    def make() -> bytes:
        made.append(1)
        return b"certificate %d" % len(made)

    assert [kept(["a"], make), kept(["a"], make), kept(["b"], make)] == [b"certificate 1"] * 2 + [b"certificate 2"]
    assert directory() == cache
    assert {path.stat().st_mode & 0o777 for path in cache.iterdir()} == {0o600}


def test_not_believed(cache: Path) -> None:
    """One that others could have written, or that is old, is made again."""
    kept(["a"], lambda: b"one")
    (path,) = cache.iterdir()
    path.chmod(0o644)
    assert kept(["a"], lambda: b"two") == b"two"
    (path,) = cache.iterdir()
    os.utime(path, (0, 0))
    assert kept(["a"], lambda: b"three") == b"three"
    (path,) = cache.iterdir()
    path.unlink()
    path.symlink_to("/etc/hostname")
    assert kept(["a"], lambda: b"four") == b"four"


def test_not_usable(cache: Path) -> None:
    """What is not what it should be is made again and replaced, and a pipe keeps nobody waiting."""
    kept(["a"], lambda: b"one")
    (path,) = cache.iterdir()
    assert kept(["a"], lambda: b"two", lambda found: found == b"two") == b"two"
    assert path.read_bytes() == b"two"
    path.write_bytes(b"")
    assert kept(["a"], lambda: b"three") == b"three"
    path.unlink()
    os.mkfifo(path, 0o600)
    assert kept(["a"], lambda: b"four") == b"four"
    assert path.read_bytes() == b"four"


def test_directory(cache: Path) -> None:
    """A directory in its place stays there: the certificate lasts as long as the process."""
    kept(["a"], lambda: b"one")
    (path,) = cache.iterdir()
    path.unlink()
    path.mkdir(mode=0o700)
    assert kept(["a"], lambda: b"two") == b"two"
    assert [one.is_dir() for one in cache.iterdir()] == [True], "and nothing beside it"


def test_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nothing can be kept it lasts as long as the process."""
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
    assert kept(["a"], lambda: b"one") == b"one"
