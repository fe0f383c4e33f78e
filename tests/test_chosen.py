"""What a row says of the components that made it: by their values, not by the words of the command line."""

from pathlib import Path

import hydra
import pytest
from hydra.core.hydra_config import HydraConfig

from labrador.chosen import chosen
from labrador.composed import compose
from labrador.errors import spelled

CONF = Path(__file__).resolve().parents[1] / "conf"


@pytest.fixture
def of():
    """A function that composes a command line and gives what was chosen."""
    former = HydraConfig.instance().cfg

    def choose(*overrides):
        config = hydra.compose("config", [*overrides], return_hydra_config=True)
        HydraConfig.instance().set_config(config)
        composed = compose(config)
        return chosen(composed, composed.parts["retriever"].unused(composed.parts["search"]))

    with hydra.initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        yield choose
    HydraConfig.instance().cfg = former


def test_values_have_one_spelling():
    values = [2e-4, 0.0002, 1.0, 1, 1e-12, True, None, "cls", [1, 2.0], (1, 2), {"r": 16}]
    assert [spelled(value) for value in values] == [
        *("0.0002", "0.0002", "1", "1", "1e-12", "true", "null", "cls", "[1,2]", "[1,2]", "{r:16}"),
    ]


@pytest.mark.parametrize("rate", ["2e-4", "2.0e-4", "0.0002"])
def test_a_value_is_one_however_it_is_spelled(of, rate):
    assert of("encoder=tiny", f"train.learning_rate={rate}").settings == {"train.learning_rate": "0.0002"}


def test_a_default_that_is_spelled_out_is_the_default(of):
    spelled_out = of("encoder=tiny", "search.k=1000", "train.epochs=1", "quantizer=pq", "quantizer.codebooks=48")
    assert spelled_out == of("encoder=tiny", "quantizer=pq")
    assert spelled_out.settings == {}


def test_options_are_told_apart_by_their_values_too(of):
    quick, paper = of("encoder=tiny"), of("encoder=tiny", "train=paper")
    assert (quick.options["train"], paper.options["train"]) == ("quick", "paper")
    assert quick.settings == paper.settings == {}
    assert paper.components["train.epochs"] == "40"
    assert "train.epochs" not in quick.components  # the class's own
    assert quick.components["train.max_steps"] == "60"


def test_what_refers_to_another_group_is_no_change_of_its_own(of):
    found = of("encoder=tiny", "encoder.temperature=0.2", "retriever=bpr", "quantizer=hash")
    assert found.settings == {"encoder.temperature": "0.2"}
    assert found.components["retriever.temperature"] == found.components["quantizer.temperature"] == "0.2"


def test_what_changes_no_result_is_left_out(of):
    places = ["data=beir", "data.path=/somewhere", "data.name=mine", "train.save_steps=7", "train.workers=1"]
    more = ["train.log_steps=3", "tracker=wandb", "tracker.project=p", "store=elsewhere", "device=cpu", "seed=3"]
    found, bare = of("encoder=tiny", *places, *more), of("encoder=tiny", "data=beir")
    assert found == bare
    assert not {name for name in found.options if name == "tracker"}
    assert of("encoder=tiny", "search.device=cuda").settings == {"search.device": "cuda"}  # its times are of that


def test_groups_without_a_part_are_left_out(of):
    lexical = of("retriever=bm25", "encoder=tiny", "train.epochs=7", "sampler=ann", "encoder.pooling=cls")
    assert lexical.settings == {}
    assert set(lexical.options) == {"data", "retriever"}
    assert lexical.components == {"retriever": "BM25"}
    assert not lexical.learned
    pretrained = of("retriever=pretrained", "encoder=tiny", "train=paper", "encoder.pooling=cls")
    assert pretrained.settings == {"encoder.pooling": "cls"}
    assert "train" not in pretrained.options
    assert not pretrained.learned
    assert of("retriever=pretrained", "encoder=tiny", "quantizer=hash").learned
    assert of("encoder=tiny").learned


def test_what_decides_the_corpus_is_left_to_its_fingerprint(of):
    found = of("encoder=tiny", "data=beir", "data.max_passages=100", "data.split=dev", "data.exclude_self=false")
    assert found.settings == {"data.max_passages": "100", "data.split": "dev", "data.exclude_self": "false"}
    assert {name for name in found.components if name.startswith("data")} == {"data.exclude_self"}


def test_the_weights_of_an_encoder_count_and_not_where_they_lie(of):
    one, other = of("encoder=tiny"), of("encoder=tiny", "encoder.weights_seed=1")
    assert one.components["encoder.weights"] != other.components["encoder.weights"]


def test_what_no_key_holds_counts_unless_it_is_known_to_decide_nothing(of):
    """Which checkpoint is kept is in no key as it is asked for, yet tells two systems apart."""
    best, last = of("encoder=tiny", "train.keep=best"), of("encoder=tiny", "train.keep=last")
    assert best.settings == {"train.keep": "best"}
    assert best.components != last.components
