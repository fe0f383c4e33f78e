"""The options of conf/: what each YAML file says it is, its component, and which settings it changes."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from ..settings import Setting, component_of, declared

NOT_SETTINGS = ("_target_", "defaults", "hydra")


@dataclass(frozen=True)
class Option:
    """One YAML file: its first comment, its component (None: it has none), what it sets, there and in other groups."""

    about: str
    component: type[Any] | None
    given: Mapping[str, Any]
    chooses: Mapping[str, str]  # group -> option

    @cached_property
    def settings(self) -> dict[str, Setting]:
        """The declarations of its settings by key."""
        return {} if self.component is None else declared(self.component)

    def value(self, key: str) -> Any:
        """What a setting is where the command line says nothing."""
        return self.given.get(key, self.settings[key].default)


def read_option(path: Path) -> Option:
    """What a YAML file says; a file that it names in its `defaults`, of the same folder, comes before it."""
    text = path.read_text(encoding="utf-8")
    content = yaml.safe_load(text) or {}
    first = text.partition("\n")[0]
    cls = component_of(content.get("_target_"))
    given: dict[str, Any] = {}
    chooses: dict[str, str] = {}
    for entry in content.get("defaults", []):
        if isinstance(entry, Mapping):
            ((group, choice),) = entry.items()
            chooses[group.removeprefix("override ").partition("@")[0].strip("/")] = choice
        elif entry != "_self_":
            base = read_option(path.parent / f"{entry.partition('@')[0]}.yaml")
            cls, given = cls or base.component, {**given, **base.given}
    given |= {key: value for key, value in content.items() if key not in NOT_SETTINGS}
    chooses = {group: choice for group, choice in chooses.items() if not group.startswith("hydra/")}
    return Option(first.lstrip("# ") if first.startswith("#") else "", cls, given, chooses)


def read_group(folder: Path) -> dict[str, Option]:
    """The options of a group by name."""
    return {file.stem: read_option(file) for file in sorted(folder.glob("*.yaml"))}


def read_groups(conf: Path) -> dict[str, dict[str, Option]]:
    """Every group of the folder `conf` and its options, by name."""
    folders = sorted(folder for folder in conf.iterdir() if folder.is_dir() and folder.name != "hydra")
    return {folder.name: options for folder in folders if (options := read_group(folder))}
