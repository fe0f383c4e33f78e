from dataclasses import dataclass
from typing import Literal

import pytest

from labrador.components import build
from labrador.errors import LabradorError


@dataclass(frozen=True, kw_only=True)
class Part:
    size: int
    rate: float = 0.5
    name: str | None = None
    words: tuple[str, ...] = ()
    mode: Literal["a", "b"] = "a"
    kept: Literal["a", "b"] | None = None
    other: object = None


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    import sys
    import types

    module = types.ModuleType("made_up")
    module.Part, module.plain = Part, object
    monkeypatch.setitem(sys.modules, "made_up", module)


def made(**settings):
    return build("part", {"_target_": "made_up.Part", **settings}, other="another component")


@pytest.mark.parametrize("kept", [None, "b"])
def test_a_choice_may_be_left_open(kept):
    assert made(size=3, kept=kept).kept == kept


def test_fields_are_the_settings():
    part = made(size=3, rate=1, name="x", words=["a", "b"], mode="b")
    assert part == Part(size=3, rate=1.0, name="x", words=("a", "b"), mode="b", other="another component")
    assert isinstance(part.rate, float)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size": 3, "sizes": 4}, "part.sizes=4: no such setting of Part; its settings are: size, rate, name"),
        ({"size": "three"}, "part.size=three: a whole number was expected, this is text"),
        ({"size": True}, "part.size=True: a whole number was expected, this is true or false"),
        ({"kept": "c"}, "part.kept=c: one of a, b was expected"),
        ({"size": None}, "part.size=None: a whole number was expected, this is null"),
        ({"size": 3, "name": 5}, "part.name=5: text or null was expected"),
        ({"size": 3, "words": [1]}, "part.words=1: text was expected"),
        ({"size": 3, "mode": "c"}, "part.mode=c: one of a, b was expected"),
        ({"rate": 0.1}, "part.size: Part needs a value; set part.size="),
        ({"_target_": "made_up.Nothing"}, "part._target_=made_up.Nothing"),
        ({"_target_": "made_up.plain"}, "a component must be a dataclass"),
    ],
)
def test_a_wrong_setting_names_key_and_expectation(settings, message):
    with pytest.raises(LabradorError) as caught:
        made(**settings)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
