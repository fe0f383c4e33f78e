"""What a run was composed of: which options and settings had a part in its result, in one spelling.

Settings are given twice. Those that differ from what their option's YAML says are for people: a report shows where
they differ. Those that differ from the defaults of the component's class say all that decides a result, also where a
YAML was changed.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .composed import Composed
from .errors import spelled
from .settings import Setting, declared, values

OUTSIDE = ("tracker",)  # groups that have no part in a result
WEIGHED = ("encoder.model", "encoder.revision")  # the hash of the weights says what these name


@dataclass(frozen=True)
class Chosen:
    """What had a part in a result, groups that had none left out.

    learned: whether anything was learned from judged questions; options: of each group; settings: those that differ
    from the option's own, "train.learning_rate" -> "0.0002"; components: those that differ from the defaults of the
    component's class, and the encoder's weights.
    """

    learned: bool
    options: Mapping[str, str]
    settings: Mapping[str, str]
    components: Mapping[str, str]


def chosen(run: Composed, unused: Sequence[str]) -> Chosen:
    """What of a run had a part in its result; `unused` are the groups that had none."""
    used = {group: part for group, part in run.parts.items() if group not in (*unused, *OUTSIDE)}
    shown: dict[str, str] = {}
    decides: dict[str, str] = {}
    for group, part in used.items():
        known = {key: setting for key, setting in declared(type(part)).items() if setting.decides}
        given, usual = (_spelled(settings[group]) for settings in (run.settings, run.defaults))
        shown |= {f"{group}.{key}": given[key] for key in known if given.get(key) != usual.get(key)}
        decides |= _decides(group, part, known)
    learned = "train" in used or ("quantizer" in used and used["quantizer"].supervised)
    return Chosen(learned, {group: run.options[group] for group in used}, shown, decides)


def _spelled(settings: Mapping[str, Any]) -> dict[str, str]:
    return {key: spelled(value) for key, value in settings.items()}


def _decides(group: str, part: Any, known: Mapping[str, Setting]) -> dict[str, str]:
    """What of a component decides a result: its class, and the settings that differ from its defaults."""
    decides = {} if group == "data" else {group: type(part).__name__}
    if group == "data":  # what else a source sets decides its passages and queries, which have fingerprints
        handled = {field.name for field in dataclasses.fields(part.handling)}
        known = {key: setting for key, setting in known.items() if key in handled}
    for key, value in values(part).items():
        if key in known and f"{group}.{key}" not in WEIGHED and value != known[key].default:
            decides[f"{group}.{key}"] = spelled(value)
    if group == "encoder":
        decides["encoder.weights"] = part.fingerprint()[:12]
    return decides
