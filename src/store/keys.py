"""The name of an artifact: a hash of everything that decides its content."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Any

KEY_LENGTH = 20  # hex digits: 80 bits


def describe(component: Any, leave_out: tuple[str, ...] = ()) -> dict[str, Any]:
    """A component (a dataclass instance) as plain values: its class and the fields that can change a result.

    Fields declared with `metadata={"key": False}` (paths, devices) and those named in `leave_out` are not part of it;
    with `metadata={"key": "unless default"}`, for a field that came later, one that has its default is not, so that
    artifacts made before keep their keys. The class's `version`, above 1, is part of it: it is raised when the same
    settings come to give another result.
    Labrador's own classes go by their bare name, so that moving a file renames no artifact.
    """
    cls = type(component)
    inside = cls.__module__.split(".")[0] == "labrador"
    described: dict[str, Any] = {"class": cls.__qualname__ if inside else f"{cls.__module__}.{cls.__qualname__}"}
    if getattr(cls, "version", 1) != 1:
        described["version"] = cls.version
    for field in dataclasses.fields(component):
        value, rule = getattr(component, field.name), field.metadata.get("key", True)
        part = value != field.default if rule == "unless default" else rule
        if part and field.name not in leave_out:
            described[field.name] = describe(value) if dataclasses.is_dataclass(value) else value
    return described


def artifact_key(step: str, version: int, config: Mapping[str, Any], inputs: Mapping[str, str]) -> str:
    """The key of what `step` makes from `config` (plain values) and `inputs` (the keys of other artifacts).

    Raises TypeError for a value that has no JSON form.
    """
    made_by = {"step": step, "version": version, "config": config, "inputs": inputs}
    text = json.dumps(made_by, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:KEY_LENGTH]
