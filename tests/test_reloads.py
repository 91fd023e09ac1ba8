"""Where configurations come from, and what becomes of those that cannot be used."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from a3sgw import load_config
from a3sgw.config.document import Document
from a3sgw.config.model import Config
from a3sgw.errors import ConfigError, GatewayError
from a3sgw.observe.metrics import Metrics
from a3sgw.reloads import Reloads

FIRST = load_config('entrypoints "web" { address = ":80" }')
SECOND = load_config('entrypoints "web" { address = ":81" }')


class Taker:
    """Takes configurations, or raises `error`."""

    def __init__(self) -> None:
        self.taken: list[Config] = []
        self.error: Exception | None = None

    async def __call__(self, config: Config, document: Document | None) -> None:
        if self.error is not None:
            raise self.error
        self.taken.append(config)


@pytest.mark.parametrize("error", [GatewayError("no"), TypeError("cannot pickle it"), RuntimeError("a bug")], ids=repr)
async def test_what_cannot_be_used_changes_nothing(error: Exception) -> None:
    """Whatever the reason, a bug included: it is a failed reload, remembered until the next one that works."""
    take, metrics = Taker(), Metrics()
    reloads = Reloads(FIRST, take, metrics)
    await reloads.first()
    take.error = error
    assert await reloads.again(SECOND) is False
    assert reloads.config is FIRST
    assert str(error) in reloads.told()[0]["summary"]
    assert (metrics.reloads["failure"], metrics.last_reload_success) == (1, False)
    take.error = None
    assert await reloads.again(SECOND) is True
    assert take.taken == [FIRST, SECOND]
    assert (reloads.problems, metrics.last_reload_success) == ((), True)


async def test_what_is_not_supported_is_never_handed_over() -> None:
    """It is refused by name, at the start as well."""
    take = Taker()
    later = load_config('entrypoints "dns" {\n  address = ":53"\n  http2 { enabled = false }\n}')
    with pytest.raises(ConfigError, match="not supported yet"):
        await Reloads(later, take, Metrics()).first()
    assert take.taken == []


async def test_what_comes_too_late_is_no_failure(caplog: pytest.LogCaptureFixture) -> None:
    """After the stop somebody else reads the files: nothing is counted, and nothing is logged as an error."""
    take, metrics = Taker(), Metrics()
    reloads = Reloads(FIRST, take, metrics)
    await reloads.first()
    reloads.stop()
    take.error = GatewayError("the gateway is draining")
    with caplog.at_level(logging.INFO, "a3sgw"):
        assert await reloads.again(SECOND) is False
    assert metrics.reloads["failure"] == 0
    assert [(one.levelname, one.getMessage()) for one in caplog.records] == [
        ("INFO", "a reload came too late: the gateway is draining")
    ]


async def test_relative_names(tmp_path: Path) -> None:
    """They are looked up beside the file, or in the directory that is the configuration."""
    file = tmp_path / "gateway.hcl"
    file.write_text('entrypoints "web" { address = ":80" }\n')
    for source in (file, tmp_path):
        take = Taker()
        reloads = Reloads(source, take, Metrics())
        await reloads.first()
        reloads.close()
        assert reloads.directory == tmp_path
        assert list(take.taken[0].entrypoints) == ["web"]
