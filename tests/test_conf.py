"""Every YAML of conf/ composes and builds its component, alone and over the defaults."""

from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.errors import ConfigCompositionException
from omegaconf import OmegaConf

from labrador.composed import GROUPS
from labrador.settings import RunSettings, build, component_of, declared

CONF = Path(__file__).resolve().parents[1] / "conf"
OPTIONS = sorted((path.parent.name, path.stem) for path in CONF.glob("*/*.yaml"))


def roles_of(*overrides):
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        config = compose("config", overrides=list(overrides))
    settings = {group: OmegaConf.to_container(config[group], resolve=True) for group in GROUPS}
    parts = {group: build(group, settings[group]) for group in GROUPS if group != "retriever"}
    parts["retriever"] = build("retriever", settings["retriever"], encoder=parts["encoder"], sampler=parts["sampler"])
    return parts


def test_every_group_of_conf_is_known():
    assert {group for group, _ in OPTIONS} == set(GROUPS)


@pytest.mark.parametrize(("group", "option"), OPTIONS, ids="=".join)
def test_every_option_composes_and_builds(group, option):
    part = roles_of(f"{group}={option}")[group]
    if group == "quantizer":
        assert part.option == option  # the name that messages use
    assert type(part).__module__.startswith(f"labrador.{'indexes' if group == 'search' else group}") or group in (
        "encoder",
        "quantizer",
        "sampler",
        "retriever",
        "train",
    )


def test_the_published_sets_bring_their_backbone_and_training():
    assert roles_of("data=nq")["encoder"] == roles_of("encoder=bert_base")["encoder"]
    assert roles_of("data=msmarco")["train"] == roles_of("train=paper")["train"]
    assert roles_of("data=beir")["encoder"] == roles_of("encoder=minilm")["encoder"]


def test_the_command_line_wins_over_what_data_brings():
    parts = roles_of("data=nq", "encoder=tiny", "train=quick")
    assert parts["encoder"] == roles_of("encoder=tiny")["encoder"]
    assert parts["train"] == roles_of("train=quick")["train"]


def test_the_temperature_of_the_encoder_reaches_the_objective():
    assert roles_of("retriever=dpr", "encoder=minilm")["retriever"].loss.temperature == 0.05
    assert roles_of("retriever=dpr", "encoder=bert_base")["retriever"].loss.temperature == 1.0
    assert roles_of("retriever=dpr", "retriever.temperature=0.1")["retriever"].loss.temperature == 0.1


@pytest.mark.parametrize(("group", "option"), OPTIONS, ids="=".join)
def test_a_composed_config_holds_every_setting_of_its_components(group, option):
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        config = compose("config", overrides=[f"{group}={option}"])
    for name in GROUPS:
        assert set(config[name]) == {"_target_", *declared(component_of(config[name]["_target_"]))}
    assert set(config) == {*GROUPS, *declared(RunSettings)}


def test_every_setting_can_be_set_and_no_other():
    assert roles_of("quantizer=opq", "quantizer.iterations=3")["quantizer"].iterations == 3
    assert roles_of("retriever=bpr", "retriever.alpha=0.2")["retriever"].loss.alpha == 0.2
    with pytest.raises(ConfigCompositionException, match=r"quantizer\.iteration"):
        roles_of("quantizer=opq", "quantizer.iteration=3")
