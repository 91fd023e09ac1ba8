"""Functions for those who embed the gateway."""

from __future__ import annotations

from pathlib import Path

from a3sgw.check import rule_errors
from a3sgw.config.load import Loader
from a3sgw.config.model import Config
from a3sgw.errors import ConfigError


def load_config(source: Path | str) -> Config:
    """The configuration in a file or directory, checked; ConfigError with every reason when it cannot be used.

    `source` is a path; a text that contains a newline or a brace is taken as the configuration itself.
    """
    loader = Loader()
    text = str(source)
    loaded = (
        loader.load_text(text)
        if isinstance(source, str) and ("\n" in text or "{" in text)
        else loader.load(Path(source))
    )
    if loaded.config is None:
        raise ConfigError([*loaded.errors, *rule_errors(loaded)])
    return loaded.config
