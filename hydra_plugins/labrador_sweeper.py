"""The sweeper of conf/hydra/sweeper/distinct.yaml. It is here because Hydra takes plugins from this namespace alone."""

from collections.abc import Sequence

import hydra
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.types import Override

from labrador.launcher.cells import Option, distinct


class DistinctSweeper(BasicSweeper):
    """Hydra's own sweeper without the settings that a cell's options do not have, each cell once."""

    def split_arguments(  # type: ignore[override]  # Hydra's is static
        self, overrides: list[Override], max_batch_size: int | None
    ) -> list[list[list[str]]]:
        """The overrides of each cell, in batches. Raises LabradorError for a setting that no cell has."""
        (cells,) = BasicSweeper.split_arguments(overrides, None)
        return list(self.split_overrides_to_chunks(distinct(cells, self._options), max_batch_size))

    def _options(self, choices: Sequence[str]) -> dict[str, Option]:
        """What `choices` (retriever=bpr, ...) compose, by group."""
        assert self.config is not None
        composed = hydra.compose(self.config.hydra.job.config_name, list(choices), return_hydra_config=True)
        names = composed.hydra.runtime.choices
        groups = [str(group) for group in names if group in composed]
        return {
            group: Option(str(names[group]), [key for key in composed[group] if key != "_target_"]) for group in groups
        }
