"""The package in examples/plugin, installed as its README says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from a3sgw import Gateway, load_config
from tests.examples.stand import EXAMPLES
from tests.support.echo import Echo
from tests.support.live import dial

PLUGIN = EXAMPLES / "plugin"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where it was installed to, by pip, beside the environment of the tests."""
    target = tmp_path_factory.mktemp("installed")
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*command, "--target", target, PLUGIN], check=True)
    return target


def run(installed: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """A command with the package at hand."""
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    return subprocess.run([sys.executable, *command], env=environment, capture_output=True, text=True, check=False)


def test_its_name_is_known(installed: Path, tmp_path: Path) -> None:
    """`validate` takes its options, finds mistakes in them, and knows nothing of it without the package."""
    good = PLUGIN / "gateway.hcl"
    validate = ("-m", "a3sgw", "validate", "--config")
    result = run(installed, *validate, str(good))
    assert result.stdout.endswith("valid (0 errors, 0 warnings)\n"), result.stdout
    bad = tmp_path / "bad.hcl"
    bad.write_text(good.read_text().replace('"18:00"', '"07:00"').replace("time_zone", "timezone"))
    result = run(installed, *validate, str(bad), "--format", "json")
    summaries = [one["summary"] for one in json.loads(result.stdout)["diagnostics"]]
    assert summaries == ['unknown key "timezone"'], result.stdout
    result = run(Path("/nowhere"), *validate, str(good))
    assert 'unknown middleware type "office-hours"' in result.stdout


def test_its_own_tests(installed: Path) -> None:
    """They pass, and there are some."""
    result = run(installed, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", os.devnull, str(PLUGIN / "tests"))
    assert result.returncode == 0, result.stdout
    assert "10 passed" in result.stdout


async def test_it_runs(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a gateway: 200 or 503, as its clock says; and it can only observe, like every middleware that refuses."""
    monkeypatch.syspath_prepend(installed)
    module = import_module("a3sgw_office_hours")
    async with Echo("APP") as app:
        monkeypatch.setenv("APP", str(app.port))
        monkeypatch.setenv("PORT", "0")
        text = (PLUGIN / "gateway.hcl").read_text()
        closed = (
            text.replace('"08:00"', '"00:00"')
            .replace('"18:00"', '"00:01"')
            .replace("time_zone", 'days = ["mon"]\n  time_zone')
        )
        days = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
        today = module.OfficeHours(module.Options(opens="00:00", closes="00:01")).now().weekday()
        closed = closed.replace('"mon"', f'"{days[(today + 3) % 7]}"')
        for hcl, status in ((closed, 503), (closed.replace("opens", 'mode = "observe"\n  opens'), 200)):
            gateway = Gateway(load_config(hcl))
            await gateway.start()
            wire = await dial(gateway.addresses["web"][0])
            await wire.send(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n")
            answer = await wire.message()
            assert answer.status == status
            assert (answer.get(b"retry-after") is not None) == (status == 503)
            wire.close()
            await gateway.shutdown()
