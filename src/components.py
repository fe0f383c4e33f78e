"""Settings become components: a component's YAML keys are its dataclass's fields, checked before anything runs."""

import dataclasses
import importlib
import math
import types
import typing
from collections.abc import Mapping
from typing import Any, Literal

from .errors import LabradorError

KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text", type(None): "null"}


def build(group: str, settings: Mapping[str, Any], **parts: Any) -> Any:
    """The component that `settings` (with `_target_`, the class's dotted name) describes; `parts` are other components.

    `group` is the config group, put before the keys in messages; "" for settings outside the groups.

    Raises LabradorError naming the key at fault and what is allowed: an unknown key, a wrong type, a missing value.
    """
    cls = _find(group, settings)
    prefix = f"{group}." if group else ""
    fields = {field.name: field for field in dataclasses.fields(cls)}
    own = [name for name in fields if name not in parts]
    values: dict[str, Any] = {}
    types_of = typing.get_type_hints(cls)
    for key, value in settings.items():
        if key == "_target_":
            continue
        if key not in own:
            allowed = ", ".join(own) or "none"
            raise LabradorError(
                f"{prefix}{key}={value}: no such setting of {cls.__name__}; its settings are: {allowed}"
            )
        values[key] = _typed(f"{prefix}{key}", value, types_of[key])
    for name in own:
        field = fields[name]
        if name not in values and field.default is field.default_factory is dataclasses.MISSING:
            raise LabradorError(f"{prefix}{name}: {cls.__name__} needs a value; set {prefix}{name}=...")
    return cls(**values, **{name: part for name, part in parts.items() if name in fields})


def _find(group: str, settings: Mapping[str, Any]) -> Any:
    target = settings.get("_target_")
    module, _, name = str(target).rpartition(".")
    try:
        cls = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise LabradorError(f"{group}._target_={target}: the dotted name of a class was expected ({error})") from error
    if not dataclasses.is_dataclass(cls):
        raise LabradorError(f"{group}._target_={target}: a component must be a dataclass whose fields are its settings")
    return cls


def _spelled(choice: Any) -> str:
    """A choice as YAML has it."""
    return str(choice).lower() if isinstance(choice, bool) else str(choice)


def _typed(name: str, value: Any, expected: Any) -> Any:
    """`value` as `expected` (bool, int, float, str, None, Literal, unions, tuples), or a LabradorError."""
    union = typing.get_origin(expected) in (types.UnionType, typing.Union)  # the second of `Literal[...] | None`
    options = typing.get_args(expected) if union else (expected,)
    literals = [typing.get_args(option) for option in options if typing.get_origin(option) is Literal]
    choices = [choice for literal in literals for choice in literal]
    if choices:
        if value in choices or (value is None and type(None) in options):
            return value
        raise LabradorError(f"{name}={value}: one of {', '.join(map(_spelled, choices))} was expected")
    for option in options:
        if typing.get_origin(option) is tuple and isinstance(value, (list, tuple)):
            return tuple(_typed(name, item, typing.get_args(option)[0]) for item in value)
        if option is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        if isinstance(option, type) and type(value) is option:
            if isinstance(value, float) and not math.isfinite(value):
                raise LabradorError(f"{name}={value}: a finite number was expected")
            return value
        if option is type(None) and value is None:
            return None
    kinds = " or ".join(KINDS.get(option, "a list") for option in options)
    raise LabradorError(
        f"{name}={value}: {kinds} was expected, this is {KINDS.get(type(value), 'a list or a mapping')}"
    )
