"""A bad edit changes nothing, says where it is bad, and is forgotten with the next good one (semantics T-57)."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from a3sgw import load_config
from tests.support.live import fetch, free_port, hcl, live, refused
from tests.support.origin import Origin

SUCCESS = "a3sgw_config_last_reload_success"


async def test_a_broken_edit_is_reported_everywhere(
    tmp_path: Path, origin: Origin, caplog: pytest.LogCaptureFixture
) -> None:
    """Log, problems page, health and metrics name it; the old configuration serves; a good edit clears it."""
    caplog.set_level(logging.INFO, "a3sgw")
    path = tmp_path / "gateway.hcl"
    path.write_text(hcl(origin.url, "1"))
    async with live(path) as running:
        assert await running.metric(SUCCESS) == 1
        assert (await running.admin("/api/gateway/problems"))["problems"] == []
        await running.refuses(lambda: path.write_text(hcl(origin.url, "2").replace("rule  ", "rulé  ")))
        assert await running.version() == "1"
        assert await running.metric(SUCCESS) == 0
        assert await running.metric('a3sgw_config_reloads_total{result="failure"}') == 1
        report = await running.admin("/api/gateway/problems")
        assert report["config_last_reload_success"] is False
        assert report["problems"][0]["place"].startswith(f"{path}:7:")
        assert (await running.admin("/health/detailed"))["status"] == "degraded"
        assert (await running.admin("/ready"))["ready"] is True
        assert f"configuration refused, the old one stays: {path}:7:" in caplog.text

        path.write_text(hcl(origin.url, "3"))
        await running.becomes("3")
        assert await running.metric(SUCCESS) == 1
        assert await running.metric('a3sgw_config_reloads_total{result="success"}') == 1
        assert await running.admin("/api/gateway/problems") == {"config_last_reload_success": True, "problems": []}
        assert (await running.admin("/health/detailed"))["status"] == "healthy"
        assert "configuration reloaded" in caplog.text


async def test_a_broken_rule_keeps_the_old_configuration(tmp_path: Path, origin: Origin) -> None:
    """What only compiling finds is refused, too, and points into the rule."""
    path = tmp_path / "gateway.hcl"
    path.write_text(hcl(origin.url, "1"))
    async with live(path) as running:
        await running.refuses(lambda: path.write_text(hcl(origin.url, "2").replace("`/`)", "`/`) && Hots(`a`)")))
        assert await running.version() == "1"
        (problem,) = (await running.admin("/api/gateway/problems"))["problems"]
        column = path.read_text().splitlines()[6].index("Hots") + 1
        assert problem["place"] == f"{path}:7:{column}"
        assert "Host" in problem["help"]


async def test_what_is_not_supported_yet_keeps_the_old_configuration(tmp_path: Path, origin: Origin) -> None:
    """It is refused by name and never silently ignored."""
    path = tmp_path / "gateway.hcl"
    path.write_text(hcl(origin.url, "1"))
    async with live(path) as running:
        await running.refuses(lambda: path.write_text(hcl(origin.url, "2", more="providers {\n docker {}\n}\n")))
        assert await running.version() == "1"
        assert "providers.docker" in str(running.gateway.problems()[0])


async def test_a_good_value_clears_a_refused_one(origin: Origin, tmp_path: Path) -> None:
    """`reload` with a Config tells whether it was taken, and what was wrong before is forgotten."""
    path = tmp_path / "gateway.hcl"
    path.write_text(hcl(origin.url, "1"))
    async with live(path) as running:
        later = load_config(hcl(origin.url, "2", more="providers {\n docker {}\n}\n"))
        assert await running.gateway.reload(later) is False
        assert len(running.gateway.problems()) == 1
        assert await running.version() == "1"
        assert await running.gateway.reload(load_config(hcl(origin.url, "3"))) is True
        assert running.gateway.problems() == ()
        assert await running.version() == "3"


async def test_reload_reads_the_files_again(origin: Origin, tmp_path: Path) -> None:
    """`reload` without a Config does so at once, changed or not, and tells whether it worked."""
    path = tmp_path / "gateway.hcl"
    path.write_text(hcl(origin.url, "1"))
    async with live(path) as running:
        assert await running.gateway.reload() is True
        path.write_text("entrypoints {")
        assert await running.gateway.reload() is False
        assert await running.version() == "1"


async def test_an_address_in_use_keeps_the_old_configuration(tmp_path: Path, origin: Origin) -> None:
    """Nothing of the edit takes effect, and what it had opened before is closed again."""
    free = free_port()
    more = f'entrypoints "a" {{ address = "127.0.0.1:{free}" }}\n'
    more += f'entrypoints "b" {{ address = "127.0.0.1:{origin.port}" }}\n'
    path = tmp_path / "gateway.hcl"
    path.write_text(hcl(origin.url, "1"))
    async with live(path) as running:
        path.write_text(hcl(origin.url, "2", more))
        assert await running.gateway.reload() is False
        assert await running.version() == "1"
        assert f"127.0.0.1:{origin.port}" in str(running.gateway.problems()[0])
        assert list(running.gateway.addresses) == ["web"]
        assert await refused(f"127.0.0.1:{free}")


async def test_an_admin_address_in_use_keeps_the_old_configuration(tmp_path: Path, origin: Origin) -> None:
    """The management API is opened like everything else: before the swap."""
    path = tmp_path / "gateway.hcl"
    path.write_text(hcl(origin.url, "1"))
    async with live(path) as running:
        before = running.gateway.admin_address
        text = hcl(origin.url, "2").replace('admin { address = "127.0.0.1:0"', f'admin {{ address = "{origin.url[7:]}"')
        path.write_text(text)
        assert await running.gateway.reload() is False
        assert await running.version() == "1"
        assert running.gateway.admin_address == before
        assert (await fetch(before, "/health")).status == 200


async def test_a_log_that_cannot_be_written_keeps_the_old_configuration(tmp_path: Path, origin: Origin) -> None:
    """The access log is opened before the swap, too."""
    path = tmp_path / "gateway.hcl"
    path.write_text(hcl(origin.url, "1"))
    nowhere = tmp_path / "no" / "access.log"
    async with live(path) as running:
        path.write_text(hcl(origin.url, "2").replace("enabled = false", f'file = "{nowhere}"'))
        assert await running.gateway.reload() is False
        assert str(nowhere) in str(running.gateway.problems()[0])
        assert await running.version() == "1"
