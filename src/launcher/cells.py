"""The cells of a sweep: every combination of what the command line lists, each once.

A setting that an option does not have is left out of that option's cells: `quantizer=flat,pq quantizer.codebooks=4,8`
is three cells, flat, pq with 4 and pq with 8.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ..errors import LabradorError
from ..machine import processes

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Option:
    """The option chosen of a group: its name and its settings."""

    name: str
    settings: Sequence[str]


OptionsOf = Callable[[Sequence[str]], Mapping[str, Option]]  # "retriever=bpr", ... -> the options composed, by group


class Fitting:
    """Gives each cell the settings that its options have, and remembers what was left out."""

    def __init__(self, options_of: OptionsOf) -> None:
        self._options_of = options_of
        self._known: dict[tuple[str, ...], Mapping[str, Option]] = {}
        self.lacking: dict[str, dict[str, Option]] = {}  # setting -> options without it, by name
        self.had: set[str] = set()

    def fit(self, cell: Sequence[str]) -> list[str]:
        """The overrides of a cell, without settings that its options do not have."""
        choices = tuple(override for override in cell if "." not in _key(override) and override[0] not in "+~")
        return [kept for override in cell if (kept := self._fitted(override, choices)) is not None]

    def _fitted(self, override: str, choices: tuple[str, ...]) -> str | None:
        """An override as the cell gets it, `++quantizer.bits=8` as `quantizer.bits=8`; None = left out."""
        group, _, name = _key(override).partition(".")
        if not name or group == "hydra" or override.startswith("~"):
            return override
        if choices not in self._known:
            self._known[choices] = self._options_of(choices)
        option = self._known[choices].get(group)
        if option is None:
            return override
        if name.partition(".")[0] in option.settings:
            self.had.add(_key(override))
            return override if "." in name else override.lstrip("+")
        self.lacking.setdefault(_key(override), {})[option.name] = option
        return None


def distinct(cells: Sequence[Sequence[str]], options_of: OptionsOf) -> list[list[str]]:
    """The distinct cells of a sweep, each a list of overrides without settings that its options do not have.

    Logs once what is left out. Raises LabradorError, naming the settings there are, for one that no cell has.
    """
    fitting = Fitting(options_of)
    kept = [list(cell) for cell in dict.fromkeys(tuple(fitting.fit(cell)) for cell in cells)]
    for key, options in fitting.lacking.items():
        if key not in fitting.had:
            raise LabradorError(_unknown(key, cells, options))
    if processes.is_main():
        for key, options in fitting.lacking.items():
            log.info("%s: left out of the cells of %s, which have no such setting", key, " and ".join(options))
        if len(kept) < len(cells):
            log.info("%d cells instead of %d: equal ones run once", len(kept), len(cells))
    return kept


def forced(arguments: Sequence[str], groups: Sequence[str]) -> list[str]:
    """The command line of a sweep with `group.key=value` as `++group.key=value`.

    Hydra checks a plain setting against the default option, before it looks at the swept ones; `distinct` checks the
    forced ones.
    """
    ours = tuple(f"{group}." for group in groups)
    return [f"++{argument}" if argument.startswith(ours) else argument for argument in arguments]


def _key(override: str) -> str:
    return override.lstrip("+~").partition("=")[0]


def _unknown(key: str, cells: Sequence[Sequence[str]], options: Mapping[str, Option]) -> str:
    """The error for a setting that no option of a sweep has, with the settings that each has."""
    group = key.partition(".")[0]
    values = dict.fromkeys(one.partition("=")[2] for cell in cells for one in cell if _key(one) == key)
    there = "; ".join(f"{group}={name} has {', '.join(option.settings) or 'none'}" for name, option in options.items())
    return f"{key}={','.join(values)}: no such setting; {there}"
