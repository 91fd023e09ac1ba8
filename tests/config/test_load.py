"""Loading: the complete example, directories, extra files, and what a reload does not do again."""

import pickle
from pathlib import Path

import pytest

from a3sgw.config.load import Loaded, Loader, load_files
from a3sgw.config.unsupported import unsupported
from a3sgw.diagnostic import Place
from a3sgw.options import reveal

COMPLETE = Path(__file__).parent / "complete.hcl"
ENVIRONMENT = {"JWT_SECRET": "hush"}
WEB = 'entrypoints "web" { address = ":80" }\n'
SERVICE = 'services "s" {\n  load_balancer { servers { url = "http://127.0.0.1:1" } }\n}\n'


def load(text: str, **environment: str) -> Loaded:
    return Loader(environment=environment).load_text(text, "t.hcl")


def summaries(loaded: Loaded) -> list[str]:
    return [one.summary for one in loaded.diagnostics]


def test_complete() -> None:
    """Every block of the contract parses and validates."""
    loaded = Loader(environment=ENVIRONMENT).load(COMPLETE)
    assert loaded.errors == ()
    assert loaded.config is not None
    assert list(loaded.config.entrypoints) == ["web", "websecure", "tcp-db"]
    assert len(loaded.config.middlewares) == 15
    assert loaded.config.shutdown_timeout_secs == 30


def test_secrets_are_masked() -> None:
    """A secret is there for whoever reveals it and for nobody else."""
    config = Loader(environment=ENVIRONMENT).load(COMPLETE).config
    assert config is not None
    assert reveal(config.middlewares["auth-jwt"].options.value) == "hush"  # type: ignore[attr-defined]  # Jwt
    assert "hush" not in repr(config)
    assert "hush" not in config.model_dump_json()
    assert "•••" in config.model_dump_json()


def test_block_and_value_mean_the_same() -> None:
    """A nested group may be a block, repeated blocks, an object or a list of objects."""
    texts = [
        """services "s" {
          load_balancer {
            servers { url = "a:1" }
            servers { url = "b:2" }
            sticky { cookie = "c" }
          }
        }""",
        'services "s" {\n load_balancer = { servers = [{ url = "a:1" }, {url = "b:2"}], sticky = { cookie="c" } }\n}',
        'services = { s = { load_balancer = { servers = [{url = "a:1"}, {url = "b:2"}], sticky = { cookie="c" } } } }',
    ]
    configs = [load(text).config for text in texts]
    assert configs[0] is not None
    assert configs[0] == configs[1] == configs[2]


def test_places_stay_exact_inside_rules() -> None:
    """A rule error can point at characters of the rule, through escapes."""
    loaded = load(WEB + SERVICE + '\nrouters "r" {\n  service = "s"\n  rule = "Host(\\"a\\") && Path(`/`)"\n}\n')
    assert loaded.config is not None
    rule = loaded.config.routers["r"].rule
    place = loaded.document.place(("routers", "r", "rule"), rule.index("Path"), 4)
    assert place == Place("t.hcl", 8, 26, 8, 30)
    assert loaded.document.line(place)[place.column - 1 : place.end_column - 1] == "Path"


def test_a_reload_parses_only_what_changed() -> None:
    """Of 200 blocks, one changed block is one parse, and the unchanged values are the same objects."""
    blocks = [f'routers "r{index}" {{\n  rule = "Path(`/{index}`)"\n  service = "s"\n}}\n' for index in range(200)]
    loader = Loader(environment={})
    first = loader.load_text(WEB + SERVICE + "".join(blocks)).config
    before = loader.cache.parsed
    blocks[100] = blocks[100].replace("/100", "/changed")
    second = loader.load_text("# a remark moves every line\n" + WEB + SERVICE + "".join(blocks)).config
    assert loader.cache.parsed - before == 1
    assert first is not None
    assert second is not None
    assert second.routers["r7"] is first.routers["r7"]
    assert second.routers["r100"].rule == "Path(`/changed`)"


def test_cached_blocks_report_their_new_line() -> None:
    """A finding in an unchanged block moves with the block."""
    loader = Loader(environment={})
    text = 'entrypoints "web" { adress = 1 }\n'
    first = loader.load_text(text).diagnostics
    second = loader.load_text("\n\n" + text).diagnostics
    assert [one.place.line for one in first if one.place] == [1, 1]
    assert [one.place.line for one in second if one.place] == [3, 3]


def test_the_environment_is_read_at_every_load() -> None:
    """A block that looks at the environment is never answered from the cache."""
    environment = {"PORT": "80"}
    loader = Loader(environment=environment)
    text = 'entrypoints "web" { address = ":${PORT}" }'
    ports = []
    for environment["PORT"] in ("80", "81"):
        config = loader.load_text(text).config
        assert config is not None
        ports.append(config.entrypoints["web"].address.port)
    assert ports == [80, 81]


def test_a_directory_is_read_in_name_order(tmp_path: Path) -> None:
    """All *.hcl of a directory are one configuration and share their locals."""
    (tmp_path / "b.hcl").write_text('entrypoints "b" { address = ":${local.port}" }\n')
    (tmp_path / "a.hcl").write_text('locals { port = 81 }\nentrypoints "a" { address = ":80" }\n')
    (tmp_path / "ignored.txt").write_text("}")
    config = Loader().load(tmp_path).config
    assert config is not None
    assert list(config.entrypoints) == ["a", "b"]


def test_a_name_in_two_files_names_both_places(tmp_path: Path) -> None:
    """A clash says where the other one is."""
    (tmp_path / "a.hcl").write_text(WEB)
    (tmp_path / "b.hcl").write_text("\n" + WEB)
    loaded = Loader().load(tmp_path)
    assert loaded.config is None
    (one,) = loaded.diagnostics
    assert one.place == Place(str(tmp_path / "b.hcl"), 2, 1, 2, 18)
    assert one.help.endswith(f"{tmp_path / 'a.hcl'}:1:1")


@pytest.mark.parametrize("text", ["", "\n\n", "# only this\n", "/* and */ // this"])
def test_an_empty_file_is_an_error(text: str) -> None:
    """An empty file is one that is being written, not a configuration without entrypoints."""
    loaded = load(text)
    assert loaded.config is None
    assert summaries(loaded) == ["this configuration is empty"]


def test_unreadable_files(tmp_path: Path) -> None:
    """What cannot be read is a diagnostic with the place of the first bad byte."""
    missing = Loader().load(tmp_path / "no.hcl")
    assert missing.config is None
    assert "no such file" in missing.diagnostics[0].summary
    (tmp_path / "x.hcl").write_bytes(b"a = 1\nb = \xff\n")
    garbled = Loader().load(tmp_path / "x.hcl")
    assert garbled.diagnostics[0].place == Place(str(tmp_path / "x.hcl"), 2, 5, 2, 6)
    assert Loader().load(tmp_path / "nothing").config is None


# Extra files


@pytest.fixture
def extra(tmp_path: Path) -> Path:
    (tmp_path / "main.hcl").write_text(WEB + SERVICE + 'providers { file { directory = "conf.d" } }\n')
    (tmp_path / "conf.d").mkdir()
    return tmp_path


def router(name: str, rule: str = "Path(`/`)") -> str:
    return f'routers "{name}" {{\n  rule    = "{rule}"\n  service = "s"\n}}\n'


def test_extra_files_add_to_the_main_file(extra: Path) -> None:
    """Files of providers.file.directory are part of the configuration and see the main file's locals."""
    (extra / "conf.d" / "a.hcl").write_text(router("a"))
    (extra / "conf.d" / "b.hcl").write_text(router("b"))
    loaded = Loader().load(extra / "main.hcl")
    assert loaded.diagnostics == ()
    assert loaded.config is not None
    assert set(loaded.config.routers) == {"a", "b"}
    assert loaded.watched == (extra / "main.hcl", extra / "conf.d")


@pytest.mark.parametrize("broken", ["routers {", router("b").replace('"s"', '"nobody"'), router("a"), "workers = 3\n"])
def test_one_broken_extra_file_does_not_disable_the_others(extra: Path, broken: str) -> None:
    """Whether it is syntax, a name or a clash: the others stay, and the error is reported once."""
    (extra / "conf.d" / "a.hcl").write_text(router("a"))
    (extra / "conf.d" / "b.hcl").write_text(broken)
    loaded = Loader().load(extra / "main.hcl")
    assert loaded.config is not None
    assert set(loaded.config.routers) == {"a"}
    assert [one.place.file for one in loaded.errors if one.place] == [str(extra / "conf.d" / "b.hcl")]


def test_a_broken_extra_file_keeps_what_it_said_before(extra: Path) -> None:
    """The last good content of a file stays in force while the file is broken, also across processes."""
    file = extra / "conf.d" / "a.hcl"
    file.write_text(router("a"))
    loader = Loader()
    first = loader.load(extra / "main.hcl")
    file.write_text(router("a", "Path(`/new"))
    file.write_text("routers {")
    second = loader.load(extra / "main.hcl")
    assert second.errors
    assert second.config is not None
    assert set(second.config.routers) == {"a"}
    third = load_files(extra / "main.hcl", first.good)
    assert third.config == second.config
    file.unlink()
    last = loader.load(extra / "main.hcl").config
    assert last is not None
    assert last.routers == {}


def test_an_error_in_the_main_file_leaves_no_configuration(extra: Path) -> None:
    """Only extra files may be broken."""
    (extra / "conf.d" / "a.hcl").write_text(router("a"))
    (extra / "main.hcl").write_text((extra / "main.hcl").read_text() + "workers = 0\n")
    assert Loader().load(extra / "main.hcl").config is None


def test_everything_can_be_pickled() -> None:
    """A load may run in another process: result and document survive the way back."""
    loaded = Loader(environment=ENVIRONMENT).load(COMPLETE)
    copy = pickle.loads(pickle.dumps(loaded))
    assert copy.config == loaded.config
    assert copy.diagnostics == loaded.diagnostics
    path = ("routers", "api", "middlewares", 1)
    assert copy.document.place(path) == loaded.document.place(path)
    assert unsupported(copy) == unsupported(loaded)
    assert hash(copy.config.middlewares["headers"]) == hash(loaded.config.middlewares["headers"])  # type: ignore[union-attr]


def test_warnings_do_not_stop() -> None:
    """A service without servers is a warning at its place, and the configuration can be used."""
    loaded = load(WEB + 'services "s" {\n load_balancer {}\n}\n')
    assert loaded.config is not None
    assert [(one.severity, one.summary) for one in loaded.diagnostics] == [("warning", 'service "s" has no servers')]
