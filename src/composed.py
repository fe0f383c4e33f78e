"""A composed config as components, and next to them what their options alone would have set."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from .settings import build

GROUPS = ("data", "encoder", "train", "sampler", "quantizer", "search", "retriever", "tracker")

Settings = Mapping[str, Mapping[str, Any]]  # of each group


@dataclass(frozen=True)
class Composed:
    """The option of each group, its component, the settings that this was built from, and the option's own settings."""

    options: Mapping[str, str]
    parts: Mapping[str, Any]
    settings: Settings
    defaults: Settings


def compose(config: DictConfig) -> Composed:
    """The components of a composed config, and what their options alone would set.

    Raises LabradorError for a setting that a component does not have, or a value that it cannot have.
    """
    settings: dict[str, Any] = {group: OmegaConf.to_container(config[group], resolve=True) for group in GROUPS}
    parts = {group: build(group, settings[group]) for group in GROUPS if group != "retriever"}
    own = {group: parts[group] for group in ("encoder", "sampler")}
    parts["retriever"] = build("retriever", settings["retriever"], **own)
    options = {group: str(HydraConfig.get().runtime.choices[group]) for group in GROUPS}
    return Composed(options, parts, settings, _defaults(config, options))


def _defaults(config: DictConfig, options: Mapping[str, str]) -> dict[str, Any]:
    """Each group's settings as its option has them; what refers to another group has that one's value in `config`."""
    choices = [f"{group}={option}" for group, option in options.items()]
    alone = hydra.compose(HydraConfig.get().job.config_name, choices)
    defaults: dict[str, Any] = {}
    for group in GROUPS:
        here = config.copy()
        OmegaConf.set_struct(here, False)
        here[group] = alone[group]
        defaults[group] = OmegaConf.to_container(here[group], resolve=True)
    return defaults
