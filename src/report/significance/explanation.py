"""What the marks of a table mean: what was tested and how, and what a single seed leaves open."""

from collections.abc import Sequence

from ..systems import System
from .crossed import MOST_SEEDS
from .differences import ALPHA, Difference

MOST_NAMED = 4  # systems listed before "and 3 more"
OVER_QUERIES = "paired randomisation test over queries"
OVER_BOTH = "test over seeds and queries"


def explained(baselines: Sequence[System], found: Sequence[Difference], systems: Sequence[System]) -> tuple[str, ...]:
    """A line on what the marks in a table of `systems` mean, and another if some differences could not be tested."""
    names = " or ".join(dict.fromkeys(system.label for system in baselines))
    tested = [one for one in found if one.over != "one seed"]
    untested = [one for one in found if one.over == "one seed"]
    several_seeds = any(len(system.rows) > 1 for system in systems)
    lines = [_tested(names, tested, several_seeds)] if tested else []
    return (*lines, _untested(names, untested)) if untested else tuple(lines)


def _tested(names: str, tested: Sequence[Difference], several_seeds: bool) -> str:
    over_queries = sum(one.over == "queries" for one in tested)
    if over_queries == len(tested):
        how = OVER_QUERIES + (" (on means over seeds)" if several_seeds else "")
    elif not over_queries:
        how = OVER_BOTH
    else:
        how = (
            f"{OVER_BOTH} ({len(tested) - over_queries}) or, where two systems share all that their seeds drew, "
            f"{OVER_QUERIES} ({over_queries})"
        )
    comparisons = f"{len(tested)} comparison{'' if len(tested) == 1 else 's'}"
    return (
        f"▲ significantly better, ▼ significantly worse than {names}: {how}, two-sided, p < {ALPHA} after Holm "
        f"correction for {comparisons}"
    )


def _untested(names: str, untested: Sequence[Difference]) -> str:
    """Why single seeds have no mark, and how many seeds it takes for the first metric of each system."""
    first = {one.system: one for one in reversed(untested)}
    ordered = [first[label] for label in dict.fromkeys(one.system for one in untested)]
    single = dict.fromkeys(label for one in untested for label in one.one_seed)
    line = (
        f"Not tested against {names}: {_listed([one.system for one in ordered])}. Another seed trains another encoder "
        f"or fits another quantizer, and a single seed does not show how much that changes the scores (single seed: "
        f"{_listed([*single])}). "
    )
    known = [one for one in ordered if one.seed_error is not None]
    if not known:
        return f"{line}No system here has several seeds to estimate it from: run with seed=0,1,2"
    seeds = _listed([f"{_count(one)} for {one.system} ({one.metric} {one.difference:+.4f})" for one in known])
    return f"{line}If seeds vary as they do in other systems here, detecting these differences takes about {seeds}"


def _count(one: Difference) -> str:
    return f"over {MOST_SEEDS}" if one.seeds_needed is None else str(one.seeds_needed)


def _listed(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more} more" if more > 0 else "")
