"""The settings of a training."""

import pytest

from labrador.errors import LabradorError, spelled
from labrador.store import describe
from labrador.training.settings import TrainSettings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", 0),
        ("max_steps", 0),
        ("batch_size", 0),
        ("learning_rate", 0.0),
        ("learning_rate", float("nan")),
        ("warmup", 1.5),
        ("warmup_steps", -1),
        ("weight_decay", -0.1),
        ("max_grad_norm", -1.0),
        ("dropout", 1.0),
        ("optimizer", "sgd"),
        ("precision", "float16"),
        ("save_steps", 0),
        ("log_steps", 0),
        ("workers", -1),
        ("gradient_accumulation", 5),
    ],
)
def test_a_value_that_cannot_work_is_named(name: str, value: float):
    with pytest.raises(LabradorError, match=f"^{name}={spelled(value)}: expected "):
        TrainSettings(**{name: value})


def test_only_what_changes_the_result_is_in_the_key():
    keyed = describe(TrainSettings())
    assert not {"save_steps", "log_steps", "workers"} & keyed.keys()
    assert {"epochs", "batch_size", "gradient_accumulation", "precision", "learning_rate"} <= keyed.keys()


def test_an_optimizer_that_came_later_changes_the_key_of_no_training_without_it():
    keyed = describe(TrainSettings())
    assert "optimizer" not in keyed
    assert describe(TrainSettings(optimizer="lamb")) == keyed | {"optimizer": "lamb"}


def test_steps_are_those_of_the_epochs_or_fewer():
    assert TrainSettings(epochs=3).steps(10) == 30
    assert TrainSettings(epochs=3, max_steps=7).steps(10) == 7
    assert TrainSettings(epochs=3, max_steps=70).steps(10) == 30


def test_the_learning_rate_rises_for_a_share_of_the_steps_or_for_so_many():
    assert TrainSettings(warmup=0.06).rising(1000) == 60
    assert TrainSettings(warmup=0.06, warmup_steps=7).rising(1000) == 7
    assert TrainSettings(warmup=0.06, warmup_steps=0).rising(1000) == 0
    assert TrainSettings(warmup_steps=10).rising(10) == 10


def test_a_rise_longer_than_the_training_is_refused():
    with pytest.raises(LabradorError, match=r"^train\.warmup_steps=11: this training has 10 steps"):
        TrainSettings(warmup_steps=11).rising(10)


def test_a_rise_counted_in_steps_changes_the_key_of_no_training_without_it():
    keyed = describe(TrainSettings())
    assert describe(TrainSettings(warmup_steps=7)) == keyed | {"warmup_steps": 7}


def test_a_chosen_precision_is_kept():
    assert TrainSettings(precision="float32").resolved("cuda").precision == "float32"
    assert TrainSettings(precision="auto").resolved("cpu").precision in ("float32", "bfloat16")
