"""Components and their settings: one declaration holds a setting's type, default, limits and help line.

    @component
    class Hash(Quantizer):
        steps: int = setting(300, "optimizer steps on frozen vectors", ge=1)
        loss: BPRLoss = nested(BPRLoss)  # its settings are keys of its owner: quantizer.alpha=0.2

A component is a frozen dataclass whose values are checked whenever one is made. The composed config, `--help` and the
errors all come from its declarations. A field declared in any other way is no setting: only code sets it.
"""

import dataclasses
import functools
import importlib
import types
import typing
from collections.abc import Callable, Collection, Mapping
from typing import Any, Literal, TypeVar, dataclass_transform

from pydantic import ConfigDict, ValidationError
from pydantic.dataclasses import dataclass as checked_dataclass

from .errors import SettingError, spelled

T = TypeVar("T")
REQUIRED: Any = dataclasses.MISSING  # the default of a setting that must be given
MAX_SEED = 2**32 - 1
UNSET = "???"  # its value in a composed config until it is
CHECKS = ConfigDict(strict=True, allow_inf_nan=False, extra="forbid")
KINDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text", type(None): "null"}
LIMITS = {"ge": ">= {}", "gt": "> {}", "le": "<= {}", "lt": "< {}", "multiple_of": "a multiple of {}"}


def setting(
    default: Any,
    about: str,
    *,
    key: bool | Literal["unless default"] = True,
    decides: bool = True,
    path: bool = False,
    **limits: float,
) -> Any:
    """Declare a setting: its default, its line in --help, and its limits by name (`LIMITS`).

    key: whether it is part of an artifact's key (store/keys.py); decides: whether it has a part in a run's result at
    all; path: whether it names a file or folder.
    """
    if unknown := limits.keys() - LIMITS.keys():
        raise TypeError(f"{', '.join(unknown)}: no such limit; expected {', '.join(LIMITS)}")
    metadata = {"description": about, "key": key if decides else False, "decides": decides, "path": path, **limits}
    return dataclasses.field(default=default, metadata=metadata)


def nested(part: type[Any], *, leave_out: Collection[str] = (), **defaults: Any) -> Any:
    """Declare a component within a component: the settings of `part` are settings of its owner, under the same keys.

    leave_out: those that the owner gives it in code; defaults: values that replace the part's own defaults here.
    A key that the owner and a part, or two parts, both declare is an error of the declaration: leave it out of one.
    """
    make: Callable[..., Any] = part
    metadata = {"nested": part, "leave_out": leave_out}
    return dataclasses.field(default_factory=functools.partial(make, **defaults), metadata=metadata)


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(dataclasses.field,))
def component(cls: type[T]) -> type[T]:
    """Make `cls` a frozen dataclass; making an instance raises SettingError for a value that its field cannot have."""
    made: Any = checked_dataclass(cls, frozen=True, kw_only=True, config=CHECKS)
    if not made.__pydantic_complete__:  # it would be made again at its first use, without what follows
        raise TypeError(f"{cls.__name__}: a field has a type that is not known here; import it at run time")
    validate: Callable[..., None] = made.__init__

    @functools.wraps(validate)
    def checked(self: Any, **values: Any) -> None:
        try:
            validate(self, **values)
        except ValidationError as error:
            raise _fault(type(self), error) from None

    made.__init__ = checked
    _ = declared(made)  # raises TypeError for keys in conflict
    kept: type[T] = made
    return kept


@dataclasses.dataclass(frozen=True)
class Setting:
    """A declared setting; part: the field with the nested component that it belongs to, "" for the owner itself."""

    kind: Any  # its type
    default: Any  # REQUIRED: it has none
    about: str
    path: bool
    decides: bool
    limits: tuple[str, ...]  # in words: ">= 1"
    part: str = ""

    @property
    def options(self) -> tuple[Any, ...]:
        """The types of a union, or its one type."""
        union = typing.get_origin(self.kind) in (types.UnionType, typing.Union)
        return typing.get_args(self.kind) if union else (self.kind,)

    @property
    def choices(self) -> tuple[Any, ...]:
        """The values it can have, where its type lists them."""
        listed = [typing.get_args(kind) for kind in self.options if typing.get_origin(kind) is Literal]
        return tuple(choice for choices in listed for choice in choices)

    @property
    def text(self) -> bool:
        """Whether its value is free text."""
        return str in self.options

    @property
    def expected(self) -> str:
        """What its value must be: "a whole number >= 1, or null"."""
        kinds = [KINDS.get(kind, "a list") for kind in self.options if kind is not type(None)]
        what = f"one of {', '.join(map(spelled, self.choices))}" if self.choices else " or ".join(kinds)
        null = ", or null" if type(None) in self.options else ""
        return " ".join([what, ", ".join(self.limits)]).rstrip() + null


def declared(cls: type[Any]) -> dict[str, Setting]:
    """The settings of a component by key, in the order of their declaration, those of nested components included.

    Raises TypeError for a key that is declared twice.
    """
    found: dict[str, Setting] = {}
    for field in dataclasses.fields(cls):
        own: dict[str, Setting] = {}
        if "description" in field.metadata:
            own = {field.name: _setting(cls, field)}
        elif "nested" in field.metadata:
            factory: Any = field.default_factory
            for key, inner in declared(field.metadata["nested"]).items():
                if key not in field.metadata["leave_out"]:
                    default = factory.keywords.get(key, inner.default)
                    own[key] = dataclasses.replace(inner, default=default, part=field.name)
        if twice := own.keys() & found.keys():
            raise TypeError(f"{cls.__name__}.{', '.join(twice)}: declared twice; see nested(..., leave_out=...)")
        found |= own
    return found


def values(part: Any) -> dict[str, Any]:
    """The values of a component's settings by key."""
    found: dict[str, Any] = {}
    for field in dataclasses.fields(part):
        value = getattr(part, field.name)
        if "description" in field.metadata:
            found[field.name] = value
        elif "nested" in field.metadata:
            found |= {key: inner for key, inner in values(value).items() if key not in field.metadata["leave_out"]}
    return found


def defaults(cls: type[Any]) -> dict[str, Any]:
    """The settings of a component with their defaults, as YAML has them: UNSET for one that must be given."""
    known = {key: declaration.default for key, declaration in declared(cls).items()}
    plain = {key: list(value) if isinstance(value, tuple) else value for key, value in known.items()}
    return {key: UNSET if value is REQUIRED else value for key, value in plain.items()}


def build(group: str, settings: Mapping[str, Any], **parts: Any) -> Any:
    """The component that `settings` (with `_target_`, the class's dotted name) describes; `parts` are other components.

    `group` is the config group, put before the keys in messages; "" for settings outside the groups.

    Raises SettingError for an unknown key, a wrong value or a missing one, naming what is allowed.
    """
    cls = _find(group, settings)
    values = {key: value for key, value in settings.items() if key != "_target_"}
    try:
        return _made(cls, values, parts)
    except SettingError as error:
        raise error if error.component else error.of(group) from error


def is_component(cls: Any) -> bool:
    """Whether a class was made by `component`."""
    return "__pydantic_fields__" in vars(cls)


def _made(cls: type[Any], values: Mapping[str, Any], parts: Mapping[str, Any]) -> Any:
    """An instance of `cls` with its settings' `values` by key; parts: values of other fields, those it has are used."""
    known = declared(cls)
    for key, value in values.items():
        if key not in known:
            expected = f"one of the settings {', '.join(known)}" if known else "no setting of this option"
            raise SettingError(key, value, expected)
    for key, declaration in known.items():
        if declaration.default is REQUIRED and values.get(key, UNSET) == UNSET:
            raise SettingError(key, UNSET, declaration.expected, "it has no default")
    own: dict[str, Any] = {}
    shares: dict[str, dict[str, Any]] = {}
    for key, value in values.items():
        share = shares.setdefault(known[key].part, {}) if known[key].part else own
        share[key] = tuple(value) if isinstance(value, list) else value
    for field in dataclasses.fields(cls):
        if field.name in shares:
            factory: Any = field.default_factory
            share = shares[field.name]
            others = {key: value for key, value in factory.keywords.items() if key not in share}
            own[field.name] = _made(factory.func, share, others)
        elif field.name in parts:
            own[field.name] = parts[field.name]
    return cls(**own)


def _setting(cls: type[Any], field: "dataclasses.Field[Any]") -> Setting:
    kind = cls.__pydantic_fields__[field.name].annotation
    limits = {name: field.metadata[name] for name in LIMITS if name in field.metadata}
    span = [f"from {limits.pop('ge')} to {limits.pop('le')}"] if {"ge", "le"} <= limits.keys() else []
    words = (*span, *(LIMITS[name].format(limit) for name, limit in limits.items()))
    about, path, decides = (field.metadata[name] for name in ("description", "path", "decides"))
    return Setting(kind, field.default, about, path, decides, words)


def _fault(cls: type[Any], error: ValidationError) -> SettingError:
    """The first fault of a component's values; raises TypeError where it is one of the code, not of a setting."""
    first = error.errors(include_url=False)[0]
    key = str(first["loc"][0])
    own = {field.name for field in dataclasses.fields(cls) if "description" in field.metadata}
    if key not in own:
        raise TypeError(f"{cls.__name__}.{key}: {first['msg']}")
    value, expected = first["input"], declared(cls)[key].expected
    if first["type"].endswith("_type"):
        expected += f", not {KINDS.get(type(value), 'a list or a mapping')}"
    elif first["type"] == "finite_number":
        expected = expected.replace("a number", "a finite number")
    return SettingError(key, value, expected)


def _find(group: str, settings: Mapping[str, Any]) -> Any:
    target = settings.get("_target_")
    try:
        cls = named(str(target))
    except (ImportError, AttributeError, ValueError) as error:
        raise SettingError("_target_", target, f"the dotted name of a class ({error})", component=group) from error
    if not is_component(cls):
        raise SettingError("_target_", target, "a component", "see labrador.settings", group)
    return cls


def component_of(target: Any) -> type[Any] | None:
    """The component with that dotted name; None where it names none."""
    try:
        cls = named(str(target))
    except (ImportError, AttributeError, ValueError):
        return None
    return cls if is_component(cls) else None


def named(target: str) -> Any:
    """The class of a dotted name. Raises ImportError, AttributeError or ValueError where there is none."""
    module, _, name = target.rpartition(".")
    return getattr(importlib.import_module(module), name)


@component
class RunSettings:
    """The settings outside the groups."""

    seed: int = setting(
        0, "decides every random choice of a run; data.seed decides those of its data", ge=0, le=MAX_SEED
    )
    store: str = setting("artifacts", "folder of the artifacts, shared by all runs", path=True)
    device: Literal["auto", "cpu", "cuda"] = setting(
        "auto", "where encoders train and encode; CUDA_VISIBLE_DEVICES chooses a GPU"
    )

    def __post_init__(self) -> None:
        if not self.store.strip():
            raise SettingError("store", self.store, "a folder", "use store=artifacts")
