"""The text of `python run.py --help`: the options of conf/ and the settings that their components declare."""

import shutil
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import LabradorError, spelled
from ..settings import RunSettings, Setting, declared
from .options import Option, read_groups, read_option

WIDTH = 100  # maximum characters per line; less in a narrower terminal
COLUMN = 34  # characters of the left side
INTRODUCTION = """\
Labrador: which dense retriever, under which compression, is best for a corpus?

Usage: python run.py [GROUP=OPTION ...] [GROUP.SETTING=VALUE ...] [SETTING=VALUE ...]
       python run.py -m GROUP=OPTION,OPTION,...      every combination, each artifact made once
       python run.py --cfg job [...]                 show the composed settings and stop
"""
EXAMPLES = """\
Examples:
  python run.py retriever=dpr data=pydocs quantizer=opq
  python run.py -m retriever=bm25,pretrained,dpr quantizer=flat,lsh,opq
  python run.py data=beir data.path=my-corpus retriever=pretrained search=two_stage search.rerank=dense
"""


def help_text(conf: Path) -> str:
    """The help for the configuration in `conf`; raises LabradorError when config.yaml is not there."""
    if not (conf / "config.yaml").is_file():
        raise LabradorError(f"{conf}: no config.yaml there; run from a whole checkout of Labrador")
    chosen = read_option(conf / "config.yaml").chooses
    groups = read_groups(conf)
    ordered = [name for name in chosen if name in groups] + [name for name in groups if name not in chosen]
    parts = [INTRODUCTION, "Groups (* the default; settings with the default option's value):\n"]
    parts += [_group(name, groups[name], chosen.get(name)) for name in ordered]
    own = [_line(key, setting.default, setting) for key, setting in declared(RunSettings).items()]
    return "\n".join([*parts, "Settings of every run:\n" + _lines(own, "  "), EXAMPLES])


def _group(name: str, options: Mapping[str, Option], default: str | None) -> str:
    """A group's options, then the union of their settings."""
    listed = []
    for option, read in options.items():
        sets = ", ".join(f"{group}={choice}" for group, choice in read.chooses.items())
        mark = "*" if option == default else " "
        listed.append((f"{mark} {option}", read.about + (f" (sets {sets})" if sets else "")))
    return f"{name}=\n" + _lines(listed, "  ") + _lines(_settings(name, options, default), "      ")


def _settings(group: str, options: Mapping[str, Option], default: str | None) -> list[tuple[str, str]]:
    """`group.key=value` and what it sets; a key that only some options have names them.

    A key that options declare in different words has a line for each.
    """
    having: dict[tuple[str, str], list[str]] = {}  # key and its words -> the options with both
    for name in sorted(options, key=lambda name: name != default):  # the default option's value wins
        for key, setting in options[name].settings.items():
            having.setdefault((key, _about(setting)), []).append(name)
    lines = []
    for (key, about), names in having.items():
        of = "" if len(names) == len(options) else f" ({', '.join(sorted(names))})"
        lines.append((f"{group}.{key}={spelled(options[names[0]].value(key))}", about + of))
    return lines


def _line(name: str, value: Any, setting: Setting) -> tuple[str, str]:
    return f"{name}={spelled(value)}", _about(setting)


def _about(setting: Setting) -> str:
    """What a setting is, with its choices or limits."""
    allowed = " | ".join(map(spelled, setting.choices)) or ", ".join(setting.limits)
    return setting.about + (f" [{allowed}]" if allowed else "")


def _lines(pairs: list[tuple[str, str]], indent: str) -> str:
    """Two columns, the right one wrapped; a left side too long for its column has a line of its own."""
    width = max(min(shutil.get_terminal_size((WIDTH, 24)).columns, WIDTH), COLUMN + 20)
    lines = []
    for left, right in pairs:
        first, *rest = textwrap.wrap(right, width - COLUMN - 2) or [""]
        if len(indent + left) > COLUMN:
            lines.append(indent + left)
            rest = [first, *rest]
        else:
            lines.append(f"{indent + left:{COLUMN}}  {first}".rstrip())
        lines += [f"{'':{COLUMN}}  {line}" for line in rest]
    return "".join(f"{line}\n" for line in lines)
