"""Directories as they are found in the field: editor litter, symlink swaps, the same directory twice."""

from pathlib import Path

import pytest

from a3sgw.config.load import Loader

WEB = 'entrypoints "web" { address = ":80" }\n'


def test_litter_is_ignored(tmp_path: Path) -> None:
    """Hidden files, dangling links and directories are not configuration."""
    (tmp_path / "a.hcl").write_text(WEB)
    (tmp_path / ".a.hcl").write_text("}")
    (tmp_path / ".#a.hcl").symlink_to("nobody@nowhere")
    (tmp_path / "b.hcl").symlink_to("gone")
    (tmp_path / "c.hcl").mkdir()
    assert Loader().load(tmp_path).diagnostics == ()


def test_a_configmap_swap_is_followed(tmp_path: Path) -> None:
    """Files that are links into a directory that is replaced are read anew."""
    for name, port in (("one", 80), ("two", 81)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.hcl").write_text(f'entrypoints "web" {{ address = ":{port}" }}\n')
    mounted = tmp_path / "mounted"
    mounted.mkdir()
    (mounted / "..data").symlink_to(tmp_path / "one")
    (mounted / "a.hcl").symlink_to("..data/a.hcl")
    loader = Loader()
    ports = []
    for name in ("one", "two"):
        (mounted / "..data").unlink()
        (mounted / "..data").symlink_to(tmp_path / name)
        config = loader.load(mounted).config
        assert config is not None
        ports.append(config.entrypoints["web"].address.port)
    assert ports == [80, 81]


def test_a_directory_that_names_itself_is_read_once(tmp_path: Path) -> None:
    """providers.file.directory may be where the main files are."""
    (tmp_path / "a.hcl").write_text(WEB + 'providers { file { directory = "../' + tmp_path.name + '" } }\n')
    loaded = Loader().load(tmp_path)
    assert loaded.diagnostics == ()


@pytest.mark.parametrize("order", [("a", "b"), ("b", "a")])
def test_of_two_extra_files_the_first_name_wins(tmp_path: Path, order: tuple[str, str]) -> None:
    """A clash between extra files is decided by name, whatever was written first."""
    (tmp_path / "main.hcl").write_text('providers { file { directory = "d" } }\n')
    (tmp_path / "d").mkdir()
    for name in order:
        port = {"a": 80, "b": 81}[name]
        (tmp_path / "d" / f"{name}.hcl").write_text(f'entrypoints "web" {{ address = ":{port}" }}\n')
    loaded = Loader().load(tmp_path / "main.hcl")
    assert loaded.config is not None
    assert loaded.config.entrypoints["web"].address.port == 80
    assert [one.summary for one in loaded.errors] == ['entrypoints "web" is defined twice']
