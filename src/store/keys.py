"""The name of an artifact: a hash of everything that decides its content.

What that is, artifact by artifact, is in lab/artifacts.py, and for corpora in data/prepare.py.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from functools import cached_property
from typing import Any

KEY_LENGTH = 20  # hex digits: 80 bits


def describe(component: Any, leave_out: tuple[str, ...] = ()) -> dict[str, Any]:
    """A component (a dataclass instance) as plain values: its class and the fields that can change a result.

    Without fields declared with `metadata={"key": False}` (paths, devices), those named in `leave_out`, and defaults of
    fields declared with `metadata={"key": "unless default"}`, which were added later: older artifacts keep their keys.
    With the class's `version` above 1; raise it when the same settings give another result. Labrador's own classes go
    by their bare names, so moving a file renames no artifact.
    """
    cls = type(component)
    inside = cls.__module__.split(".")[0] == "labrador"
    described: dict[str, Any] = {"class": cls.__qualname__ if inside else f"{cls.__module__}.{cls.__qualname__}"}
    if getattr(cls, "version", 1) != 1:
        described["version"] = cls.version
    for setting in fields(component):
        value, rule = getattr(component, setting.name), setting.metadata.get("key", True)
        part = value != setting.default if rule == "unless default" else rule
        if part and setting.name not in leave_out:
            described[setting.name] = describe(value) if is_dataclass(value) else value
    return described


@dataclass(frozen=True)
class Recipe:
    """What an artifact is made from, which decides its key, and how it is made.

    In the key: step; config: plain values; inputs: the keys of other artifacts by role; version: of the step's code.
    Not in the key: about: what the log calls it; stage: the part of a run that its seconds count in; resumable: what a
    killed process left is continued; collective: all processes of a distributed run make it together.
    """

    step: str
    config: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)
    version: int = 1
    about: str = ""
    stage: str = ""
    resumable: bool = False
    collective: bool = False

    @property
    def made_by(self) -> dict[str, Any]:
        """What decides the content, as a manifest has it."""
        return {"step": self.step, "version": self.version, "config": dict(self.config), "inputs": dict(self.inputs)}

    @cached_property
    def key(self) -> str:
        """The artifact's name. Raises TypeError for a value that has no JSON form."""
        text = json.dumps(self.made_by, sort_keys=True, separators=(",", ":"), allow_nan=False)
        return hashlib.sha256(text.encode()).hexdigest()[:KEY_LENGTH]

    @property
    def title(self) -> str:
        """What the log calls the artifact."""
        return f"{self.step} {self.key[:8]}" + (f" ({self.about})" if self.about else "")
