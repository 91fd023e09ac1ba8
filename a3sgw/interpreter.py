"""How to start another Python process that finds the same code as this one, whatever lies in the working directory."""

from __future__ import annotations

import sys

_FLAGS = {
    "optimize": "O",
    "dont_write_bytecode": "B",
    "bytes_warning": "b",
    "isolated": "I",
    "ignore_environment": "E",
    "no_user_site": "s",
    "no_site": "S",
}
"""The fields of `sys.flags` that change what code does or where it comes from, and their options."""


def command(module: str, *arguments: str) -> list[str]:
    """A command line that calls ``module.main(*arguments)``, and ends with the exit code that returns.

    Unlike ``-m``, which puts the working directory before everything else, it imports from where this process does.
    """
    start = (
        f"import sys; sys.path[:] = {sys.path!r}; from {module} import main; "
        f"sys.exit(main({', '.join(map(repr, arguments))}))"
    )
    return [sys.executable, *_options(), "-P", "-c", start]  # -P: nothing from the working directory before that


def _options() -> list[str]:
    flags = {letter: int(getattr(sys.flags, name)) for name, letter in _FLAGS.items()}
    extended = [name if value is True else f"{name}={value}" for name, value in sys._xoptions.items()]
    return [
        *(f"-{letter * times}" for letter, times in flags.items() if times),
        *(f"-W{warning}" for warning in sys.warnoptions),
        *(f"-X{option}" for option in extended),
    ]
