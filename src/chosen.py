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

OUTSIDE = ("tracker",)  # groups that have no part in a result
PLACES = (  # settings that decide no result
    "data.path",
    "data.name",
    "train.save_steps",
    "train.log_steps",
    "train.workers",
    "encoder.batch_tokens",
)
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
        shown |= _apart(group, run.settings[group], run.defaults[group])
        decides |= _decides(group, part)
    learned = "train" in used or ("quantizer" in used and used["quantizer"].supervised)
    return Chosen(learned, {group: run.options[group] for group in used}, shown, decides)


def _apart(group: str, settings: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, str]:
    """The settings of a group that differ from its defaults; without those that decide nothing."""
    own = {key: spelled(value) for key, value in defaults.items()}
    given = {key: spelled(value) for key, value in settings.items() if f"{group}.{key}" not in PLACES}
    return {f"{group}.{key}": value for key, value in given.items() if own.get(key) != value}


def _decides(group: str, part: Any) -> dict[str, str]:
    """What of a component decides a result: its class, and the fields that differ from its defaults."""
    fields = dataclasses.fields(part)
    if group == "data":  # what else a source sets decides its passages and questions, which have fingerprints
        handled = {field.name for field in dataclasses.fields(part.handling)}
        fields = tuple(field for field in fields if field.name in handled)
    decides = {} if group == "data" else {group: type(part).__name__}
    decides |= _changed(group, part, {field.name: _default(field) for field in fields})
    if group == "encoder":
        decides["encoder.weights"] = part.fingerprint()[:12]
    return decides


def _changed(group: str, part: Any, usual: Mapping[str, Any]) -> dict[str, str]:
    """The settings of a component, and of those nested in it, that differ from the `usual` values of its fields."""
    changed: dict[str, str] = {}
    for field in dataclasses.fields(part):
        name, value = f"{group}.{field.name}", getattr(part, field.name)
        if "nested" in field.metadata:
            changed |= _changed(group, value, vars(usual[field.name]))
        elif field.name in usual and name not in (*PLACES, *WEIGHED) and not dataclasses.is_dataclass(value):
            changed |= {name: spelled(value)} if value != usual[field.name] else {}
    return changed


def _default(field: "dataclasses.Field[Any]") -> Any:
    """A field's default; MISSING where it has none."""
    return field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
