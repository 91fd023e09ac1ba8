"""The command: 0 or 1, everything on standard output, warnings do not fail."""

import argparse
import json
from pathlib import Path

import pytest

from a3sgw.cli import main, validate
from a3sgw.config.load import Loaded
from a3sgw.diagnostic import Diagnostic
from tests.support.tls import Authority

WEB = 'entrypoints "web" { address = ":80" }\n'


def parse(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    validate.add_arguments(parser)
    return parser.parse_args(arguments)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "gateway.hcl"


def test_valid(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A sound file exits with 0 and says so."""
    file.write_text(WEB)
    assert validate.run(parse("--config", str(file))) == 0
    assert capsys.readouterr().out == f"{file}: valid (0 errors, 0 warnings)\n"


def test_invalid(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A broken one exits with 1 and shows the line."""
    file.write_text(WEB + "workrs = 3\n")
    assert validate.run(parse("--config", str(file))) == 1
    out = capsys.readouterr().out
    assert f'{file}:2:1: error: unknown key "workrs"' in out
    assert "  2 | workrs = 3\n    | ^^^^^^\n  help: did you mean" in out
    assert out.endswith(f"{file}: not valid (1 error, 0 warnings)\n")


def test_not_supported_yet_is_a_warning(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What does not run yet is shown and does not fail the command."""
    file.write_text(WEB + "providers { docker {} }\n")
    assert validate.run(parse("--config", str(file), "--format", "json")) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["valid"] is True
    assert [(one["severity"], one["code"]) for one in document["diagnostics"]] == [("warning", "unsupported")]


def test_more_checks(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Findings of the caller's check count and are shown in their place."""
    file.write_text(WEB)

    def check(loaded: Loaded) -> list[Diagnostic]:
        return [Diagnostic("error", loaded.document.place(("entrypoints", "web", "address")), "ugly address")]

    assert validate.run(parse("--config", str(file), "--format", "sarif"), check) == 1
    (result,) = json.loads(capsys.readouterr().out)["runs"][0]["results"]
    assert result["message"]["text"] == "ugly address"


def test_what_does_not_run_yet_is_not_compiled(file: Path) -> None:
    """The check sees the rest: no server that nothing could be made of."""
    seen: list[Loaded] = []
    text = 'services "s" {\n load_balancer {\n strategy = "p2c"\n'
    text += ' servers { url = "h2c://a" }\n servers { url = "a:1" }\n }\n}\n'
    text += 'routers "r" {\n rule = "Path(`/`)"\n service = "s"\n}\n'
    file.write_text(WEB + text)

    def check(loaded: Loaded) -> list[Diagnostic]:
        seen.append(loaded)
        return []

    assert validate.run(parse("--config", str(file)), check) == 0
    config = seen[0].config
    assert config is not None
    balancer = config.services["s"].load_balancer
    assert balancer is not None
    assert balancer.strategy == "p2c"
    assert [str(server.url) for server in balancer.servers] == ["http://a:1"]


def test_the_complete_example(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Everything an operator can write is valid, with the checks that the command really runs."""
    monkeypatch.setenv("JWT_SECRET", "hush")
    files = Authority(tmp_path).issue("example.com")
    files.cert.rename(tmp_path / "cert.pem")
    files.key.rename(tmp_path / "key.pem")
    complete = (Path(__file__).parents[1] / "config" / "complete.hcl").read_text()
    (tmp_path / "complete.hcl").write_text(complete.replace("/etc/certs", str(tmp_path)))
    assert main(["validate", "--config", str(tmp_path / "complete.hcl")]) == 0
