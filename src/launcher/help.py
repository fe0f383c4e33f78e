"""The text of `python run.py --help`, read off the comments of the YAML files: no Hydra, so that it comes at once.

An option's file begins with `# what it is`; each of its keys ends with `# what it sets`.
"""

import re
import shutil
import textwrap
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import LabradorError

WIDTH = 100  # characters of a line at most; a narrower terminal is heeded
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
KEY = re.compile(
    r"""^(?P<key>[A-Za-z_]\w*):\s*
        (?P<value>"[^"]*"|'[^']*'|[^\s#][^#]*?)?
        (?:\s+\#\s*(?P<comment>.*?))?\s*$""",
    re.VERBOSE,
)
CHOICE = re.compile(r"^\s*-\s+(?P<override>override\s+)?/?(?P<group>\w+)(?:@\S+)?:\s*(?P<option>\w+)")
INCLUDED = re.compile(r"^\s*-\s+(?P<file>[\w/]+)@_here_\s*$")
NOT_SETTINGS = ("_target_", "defaults", "hydra")


@dataclass(frozen=True)
class Setting:
    """One key of a YAML file: its value as it is written, and its comment ("" if it has none)."""

    value: str
    about: str


@dataclass(frozen=True)
class Option:
    """One YAML file of a group."""

    about: str  # its first line; "" if that is no comment
    settings: dict[str, Setting] = field(default_factory=dict)
    chooses: dict[str, str] = field(default_factory=dict)  # defaults it sets in other groups: group -> option


def read_option(path: Path) -> Option:
    """The description, the top-level keys (also of the files it includes) and the chosen defaults of a YAML file."""
    lines = path.read_text(encoding="utf-8").splitlines()
    first = lines[0].strip() if lines else ""
    keys = [match for match in map(KEY.match, lines) if match and match["key"] not in NOT_SETTINGS]
    included = [match for match in map(INCLUDED.match, lines) if match]
    shared = [read_option(path.parent / f"{match['file']}.yaml").settings for match in included]
    choices = [match for match in map(CHOICE.match, lines) if match]
    return Option(
        about=first.lstrip("# ") if first.startswith("#") else "",
        settings={match["key"]: Setting(match["value"] or "", match["comment"] or "") for match in keys}
        | {key: setting for settings in shared for key, setting in settings.items()},
        chooses={match["group"]: match["option"] for match in choices},
    )


def read_groups(conf: Path) -> dict[str, dict[str, Option]]:
    """Every group of the folder `conf` and its options, by name."""
    folders = sorted(folder for folder in conf.iterdir() if folder.is_dir() and folder.name != "hydra")
    groups = {
        folder.name: {file.stem: read_option(file) for file in sorted(folder.glob("*.yaml"))} for folder in folders
    }
    return {name: options for name, options in groups.items() if options}


def help_text(conf: Path) -> str:
    """The help for the configuration in `conf`; raises LabradorError when config.yaml is not there."""
    if not (conf / "config.yaml").is_file():
        raise LabradorError(f"{conf}: no config.yaml there; run from a whole checkout of Labrador")
    top = read_option(conf / "config.yaml")
    groups = read_groups(conf)
    ordered = [name for name in top.chooses if name in groups] + [name for name in groups if name not in top.chooses]
    parts = [INTRODUCTION, "Groups (* the default; settings with the default option's value):\n"]
    parts += [_group(name, groups[name], top.chooses.get(name)) for name in ordered]
    parts += ["Settings of every run:\n" + _lines([(f"{k}={s.value}", s.about) for k, s in top.settings.items()], "  ")]
    return "\n".join([*parts, EXAMPLES])


def _group(name: str, options: dict[str, Option], default: str | None) -> str:
    """A group's options, then the union of their settings."""
    listed = []
    for option, read in options.items():
        sets = ", ".join(f"{group}={choice}" for group, choice in read.chooses.items())
        mark = "*" if option == default else " "
        listed.append((f"{mark} {option}", read.about + (f" (sets {sets})" if sets else "")))
    return f"{name}=\n" + _lines(listed, "  ") + _lines(_settings(name, options, default), "      ")


def _settings(group: str, options: dict[str, Option], default: str | None) -> list[tuple[str, str]]:
    """`group.key=value` and what it sets; a key that only some options have names them.

    Where options say different things of a key, each of these has a line.
    """
    first = sorted(options.items(), key=lambda item: item[0] != default)  # the default option's value wins
    told: dict[str, dict[str, Setting]] = {}  # key -> what is said of it -> the first setting that is said of
    for _, option in first:
        for key, setting in option.settings.items():
            told.setdefault(key, {}).setdefault(setting.about, setting)
    lines = []
    for key, settings in told.items():
        for about, setting in settings.items():
            having = [name for name, option in options.items() if _about(option, key) == about]
            of = "" if len(having) == len(options) else f" ({', '.join(having)})"
            lines.append((f"{group}.{key}={setting.value}", about + of))
    return lines


def _about(option: Option, key: str) -> str | None:
    """What an option says of a key; None where it does not have it."""
    return option.settings[key].about if key in option.settings else None


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
