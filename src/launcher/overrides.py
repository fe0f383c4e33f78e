"""The command line's settings in Hydra's grammar: quotes around texts that Hydra would not read as they are typed.

Hydra refuses `data.path=/my data/run=3 (final)`, or reads parts of it as grammar. Quoting what would only be an error
changes nothing that worked. In a run of one cell a comma belongs to the text; with -m it separates the cells of a
sweep, except in a path that exists as it is typed.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..settings import RunSettings, declared
from .options import read_group

SETTING = re.compile(r"(?P<key>\+{0,2}[\w./@-]+)=(?P<value>.*)", re.DOTALL)
SWEEPS = ("-m", "--multirun")
HYDRA_PATHS = ("hydra.run.dir", "hydra.sweep.dir", "hydra.sweep.subdir")
FUNCTION = re.compile(r"\w+\(.*\)", re.DOTALL)  # choice(a,b), glob(*): Hydra's functions for sweeps
ELEMENT = re.compile(r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|[^,]""")  # of a list: quoted, or up to a comma


def readable(arguments: Sequence[str], conf: Path) -> list[str]:
    """The command line with quotes around each value that Hydra would refuse or not read as a text.

    The components of the folder `conf` declare which settings are texts.
    """
    swept = is_sweep(arguments)
    return [_readable(argument, swept, conf) for argument in arguments]


def is_sweep(arguments: Sequence[str]) -> bool:
    """Whether a command line asks for a sweep."""
    return any(argument in SWEEPS for argument in arguments)


def _readable(argument: str, swept: bool, conf: Path) -> str:
    match = SETTING.fullmatch(argument)
    if match is None:
        return argument
    key, value = match["key"], match["value"]
    text, path = text_or_path(key.lstrip("+"), conf)
    if path and "," in value and _exists(value):
        return f"{key}={quoted(value)}"
    if not swept:
        return f"{key}={_as_text(key, value, text)}"
    if not text or FUNCTION.fullmatch(value):
        return argument
    return f"{key}={','.join(_as_text(key, part, True) for part in _parts(value))}"


def text_or_path(name: str, conf: Path) -> tuple[bool, bool]:
    """Whether the setting `name` ("data.path") is a text of any option of its group, and whether that names a path."""
    if name in HYDRA_PATHS:
        return True, True
    group, _, key = name.rpartition(".")
    known = [option.settings for option in read_group(conf / group).values()] if group else [declared(RunSettings)]
    found = [settings[key] for settings in known if key in settings]
    return any(setting.text for setting in found), any(setting.path for setting in found)


def _as_text(key: str, value: str, text: bool) -> str:
    """A value of `key`, quoted if Hydra cannot read it or, where it is a `text`, would not read it as one."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.core.override_parser.types import Override, QuotedString
    from hydra.errors import HydraException

    try:
        found: Override = OverridesParser.create().parse_override(f"{key}={value}")
    except HydraException:
        return quoted(value)
    if not text:
        return value
    read: Any = found._value
    kept = read is None or isinstance(read, QuotedString) or (isinstance(read, str) and value == value.strip())
    return value if kept or "${" in value else quoted(value)


def _parts(value: str) -> list[str]:
    """The values of a sweep: what commas separate, except in quotes."""
    parts, at = [""], 0
    for match in ELEMENT.finditer(value):
        parts += [""] * (match.start() - at)
        parts[-1] += match.group()
        at = match.end()
    return parts + [""] * (len(value) - at)


def quoted(value: str) -> str:
    """A text in single quotes in Hydra's grammar: inside, quotes and the backslashes before them are escaped."""
    escaped = re.sub(r"(\\*)('|$)", lambda match: match[1] * 2 + (r"\'" if match[2] else ""), value)
    return f"'{escaped}'"


def _exists(value: str) -> bool:
    """Whether a path exists as it is typed."""
    try:
        return Path(value).expanduser().exists()
    except OSError:  # too long, or no right to look
        return False
