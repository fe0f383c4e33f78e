"""Completes the YAML files of conf/: settings that a file leaves out come from its component's declarations.

So a composed config holds every setting of its run, and `group.key=value` works for each, although a YAML file lists
only what differs from the class. Hydra finds these plugins through hydra_plugins/labrador_settings.py.
"""

from hydra._internal.core_plugins.file_config_source import FileConfigSource
from hydra.core.config_search_path import ConfigSearchPath
from hydra.plugins.config_source import ConfigResult
from hydra.plugins.search_path_plugin import SearchPathPlugin
from omegaconf import DictConfig, OmegaConf

from ..settings import RunSettings, component_of, defaults

SCHEME = "labrador"


class CompletedSource(FileConfigSource):
    """A folder of YAML files; those with the `_target_` of a component have all of its settings."""

    @staticmethod
    def scheme() -> str:
        """What paths of such folders begin with."""
        return SCHEME

    def load_config(self, config_path: str) -> ConfigResult:
        """A file's settings over the defaults of its component; of config.yaml over those of every run."""
        result = super().load_config(config_path)
        if isinstance(result.config, DictConfig):
            target = result.config.get("_target_")
            cls = RunSettings if config_path.removesuffix(".yaml") == "config" else component_of(target)
            if cls is not None:
                head = {} if target is None else {"_target_": target}
                result.config = OmegaConf.merge(head | defaults(cls), result.config)
        return result


class CompletedPath(SearchPathPlugin):
    """Has the main folder read by `CompletedSource`."""

    def manipulate_search_path(self, search_path: ConfigSearchPath) -> None:
        """Hydra calls it before it reads a file."""
        for element in search_path.get_path():
            if element.provider == "main" and element.path is not None:
                element.path = f"{SCHEME}://{element.path.removeprefix('file://')}"
