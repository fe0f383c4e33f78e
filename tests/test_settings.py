"""One declaration of a setting: its type, default, limits and help line; what builds and refuses by it."""

import copy
import dataclasses
import sys
import types
from abc import ABC, abstractmethod
from typing import Any, ClassVar, Literal

import pytest

from labrador.errors import SettingError
from labrador.settings import REQUIRED, build, component, declared, defaults, nested, setting, values


@component
class Loss:
    alpha: float = setting(0.1, "margin", ge=0)
    gamma: float = setting(0.1, "how fast", ge=0, le=1)
    normalized: bool = False


@component
class Part(ABC):
    version: ClassVar[int] = 1

    size: int = setting(REQUIRED, "how large", ge=1)
    rate: float = setting(0.5, "how fast", gt=0)
    name: str | None = setting(None, "what it is called", key=False)
    words: tuple[str, ...] = setting((), "several")
    mode: Literal["a", "b"] = setting("a", "how")
    kept: Literal[True, False, "auto"] | None = setting(None, "what stays")
    bits: int | None = setting(None, "bits", ge=8, multiple_of=8)
    depth: int = setting(100, "how deep", ge=1)
    other: Any = None

    def __post_init__(self) -> None:
        if self.size > self.depth:
            raise SettingError("size", self.size, f"at most depth={self.depth}", "lower it, or raise depth")

    @abstractmethod
    def run(self) -> int: ...


@component
class Whole(Part):
    version = 2

    loss: Loss = nested(Loss, gamma=0.5, normalized=True)
    depth: int = 50  # not to be set here

    def run(self) -> int:
        return self.size


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    module = types.ModuleType("made_up")
    module.Whole, module.plain = Whole, object
    monkeypatch.setitem(sys.modules, "made_up", module)


def made(**settings):
    return build("part", {"_target_": "made_up.Whole", **settings}, other="another component", unused=3)


def test_settings_are_fields():
    part = made(size=3, rate=1, name="x", words=["a", "b"], mode="b", alpha=0.2)
    assert part == Whole(
        size=3, rate=1.0, name="x", words=("a", "b"), mode="b", other="another component", loss=nested_loss(alpha=0.2)
    )
    assert isinstance(part.rate, float)
    assert copy.deepcopy(part) == part
    assert hash(part) == hash(dataclasses.replace(part))


def nested_loss(**settings):
    return Loss(**{"gamma": 0.5, "normalized": True, **settings})


@pytest.mark.parametrize("kept", [None, True, "auto"])
def test_a_choice_may_be_left_open(kept):
    assert made(size=3, kept=kept).kept == kept


def test_defaults_stay_plain_and_metadata_is_kept():
    fields = {field.name: field for field in dataclasses.fields(Whole)}
    assert (Whole.rate, fields["rate"].default, fields["depth"].default) == (0.5, 0.5, 50)
    assert fields["name"].metadata["key"] is False
    assert Whole.version == 2


def test_a_component_nested_in_another_shares_its_keys():
    assert made(size=3).loss == nested_loss()
    assert made(size=3, alpha=0.3, gamma=0.2).loss == nested_loss(alpha=0.3, gamma=0.2)


def test_a_key_that_is_declared_twice_is_an_error_of_the_declaration():
    with pytest.raises(TypeError, match=r"Twice\.alpha: declared twice"):

        @component
        class Twice:
            alpha: float = setting(0.1, "margin")
            loss: Loss = nested(Loss)

    @component
    class Once:
        alpha: float = setting(0.1, "margin")
        loss: Loss = nested(Loss, leave_out=("alpha",))

    assert list(declared(Once)) == ["alpha", "gamma"]
    assert declared(Once)["alpha"].part == ""


def test_a_declaration_says_what_is_expected():
    known = declared(Whole)
    assert list(known) == ["size", "rate", "name", "words", "mode", "kept", "bits", "alpha", "gamma"]
    assert {key: declaration.expected for key, declaration in known.items()} == {
        "size": "a whole number >= 1",
        "rate": "a number > 0",
        "name": "text, or null",
        "words": "a list",
        "mode": "one of a, b",
        "kept": "one of true, false, auto, or null",
        "bits": "a whole number >= 8, a multiple of 8, or null",
        "alpha": "a number >= 0",
        "gamma": "a number from 0 to 1",
    }
    assert (known["gamma"].default, known["gamma"].about, known["size"].default) == (0.5, "how fast", REQUIRED)
    assert [key for key, declaration in known.items() if declaration.text] == ["name"]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"sizes": 4},
            "part.sizes=4: expected one of the settings size, rate, name, words, mode, kept, bits, alpha, gamma",
        ),
        ({"depth": 4}, "part.depth=4: expected one of the settings size, rate"),
        ({"size": "three"}, "part.size=three: expected a whole number >= 1, not text"),
        ({"size": "3"}, "part.size=3: expected a whole number >= 1, not text"),
        ({"size": True}, "part.size=true: expected a whole number >= 1, not true or false"),
        ({"size": None}, "part.size=null: expected a whole number >= 1, not null"),
        ({"size": 51}, "part.size=51: expected at most depth=50; lower it, or raise depth"),
        ({"rate": 0}, "part.rate=0: expected a number > 0"),
        ({"rate": float("nan")}, "part.rate=nan: expected a finite number > 0"),
        ({"rate": float("inf")}, "part.rate=inf: expected a finite number > 0"),
        ({"rate": True}, "part.rate=true: expected a number > 0, not true or false"),
        ({"kept": "c"}, "part.kept=c: expected one of true, false, auto, or null"),
        ({"name": 5}, "part.name=5: expected text, or null, not a whole number"),
        ({"words": "a"}, "part.words=a: expected a list, not text"),
        ({"words": [1]}, "part.words=1: expected a list"),
        ({"mode": "c"}, "part.mode=c: expected one of a, b"),
        ({"bits": 12}, "part.bits=12: expected a whole number >= 8, a multiple of 8, or null"),
        ({"alpha": -1.0}, "part.alpha=-1: expected a number >= 0"),
        ({"gamma": 2.0}, "part.gamma=2: expected a number from 0 to 1"),
        ({"size": "???"}, "part.size=???: expected a whole number >= 1; it has no default"),
        ({"_target_": "made_up.Nothing"}, "part._target_=made_up.Nothing: expected the dotted name of a class"),
        ({"_target_": "made_up.plain"}, "part._target_=made_up.plain: expected a component"),
    ],
)
def test_a_wrong_setting_names_key_and_expectation(settings, message):
    with pytest.raises(SettingError) as caught:
        made(**{"size": 3, **settings})
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def test_a_setting_without_default_is_needed():
    with pytest.raises(SettingError, match=r"^part\.size=\?\?\?: expected a whole number >= 1; it has no default"):
        made()


def test_replacing_a_value_checks_it():
    with pytest.raises(SettingError, match=r"^rate=0: expected a number > 0"):
        dataclasses.replace(made(size=3), rate=0)


def test_an_error_can_be_that_of_another_component():
    fault = SettingError("alpha", -1, "a number >= 0", "raise it")
    assert str(fault) == "alpha=-1: expected a number >= 0; raise it"
    assert str(fault.of("retriever")) == "retriever.alpha=-1: expected a number >= 0; raise it"
    assert str(fault.of("retriever", key="margin")) == "retriever.margin=-1: expected a number >= 0; raise it"
    assert str(copy.deepcopy(fault.of("retriever"))) == str(fault.of("retriever"))


def test_a_fault_of_the_code_is_no_setting_error():
    with pytest.raises(TypeError, match=r"Whole\.loss: "):
        Whole(size=3, loss=3)
    with pytest.raises(TypeError, match=r"Whole\.nothing: "):
        Whole(size=3, nothing=3)


def test_a_saved_config_keeps_its_values_when_a_default_changes(monkeypatch):
    saved = {"_target_": "made_up.Whole", **defaults(Whole), "size": 3}

    @component
    class Later(Whole):
        rate: float = setting(7.0, "how fast", gt=0)
        loss: Loss = nested(Loss, gamma=0.25)
        fresh: int = setting(1, "declared after the run")

    monkeypatch.setattr(sys.modules["made_up"], "Whole", Later)
    later = build("part", saved)
    assert {key: value for key, value in values(later).items() if key != "fresh"} == values(Whole(size=3))
    assert later.fresh == 1
    assert build("part", {"_target_": "made_up.Whole", "size": 3}).rate == 7.0


def test_defaults_are_a_complete_config():
    assert defaults(Whole) == {
        **{"size": "???", "rate": 0.5, "name": None, "words": [], "mode": "a", "kept": None, "bits": None},
        **{"alpha": 0.1, "gamma": 0.5},
    }
