"""What the marks of a table say, in words: what was tested and how, and what one seed leaves open."""

from collections.abc import Sequence

from ..systems import System
from .crossed import MOST_SEEDS
from .differences import ALPHA, Difference

NAMED = 4  # systems that a line names

BY_QUESTIONS = "paired randomisation test over the questions"
BY_BOTH = "test over seeds and questions"


def explained(baselines: Sequence[System], found: Sequence[Difference], systems: Sequence[System]) -> tuple[str, ...]:
    """What the marks of a table of `systems` say, a line; another one where differences could not be tested."""
    names = " or ".join(dict.fromkeys(system.label for system in baselines))
    tested = [one for one in found if one.over != "one seed"]
    untested = [one for one in found if one.over == "one seed"]
    return (*_tested(names, tested, systems), *_untested(names, untested))


def _tested(names: str, tested: Sequence[Difference], systems: Sequence[System]) -> tuple[str, ...]:
    if not tested:
        return ()
    of_seeds = " (of each the mean over the seeds)" if any(len(system.rows) > 1 for system in systems) else ""
    by_questions = sum(one.over == "questions" for one in tested)
    if by_questions == len(tested):
        how = f"{BY_QUESTIONS}{of_seeds}"
    elif not by_questions:
        how = BY_BOTH
    else:
        crossed = len(tested) - by_questions
        how = f"{BY_BOTH} ({crossed}), or, where a seed draws no difference, {BY_QUESTIONS} ({by_questions})"
    plural = "" if len(tested) == 1 else "s"
    return (
        f"▲ better, ▼ worse than {names}: {how}, two-sided, p < {ALPHA} after Holm's correction for {len(tested)} "
        f"comparison{plural}",
    )


def _untested(names: str, untested: Sequence[Difference]) -> tuple[str, ...]:
    """Why differences of one seed have no mark, and how many seeds it takes, by the first metric of each system."""
    if not untested:
        return ()
    first = {one.system: one for one in reversed(untested)}
    ordered = [first[label] for label in dict.fromkeys(one.system for one in untested)]
    single = dict.fromkeys(label for one in untested for label in one.one_seed)
    line = (
        f"No mark between {names} and {_listed([one.system for one in ordered])}: training, or fitting a quantizer, "
        f"with another seed gives other figures, and one seed leaves open how far apart (of one: {_listed([*single])})"
    )
    seen = [one for one in ordered if one.seed_error is not None]
    if not seen:
        return (f"{line}. No system here has several seeds to show how far they spread: run with seed=0,1,2",)
    seeds = _listed([f"{_count(one)} for {one.system} ({one.metric} {one.difference:+.4f})" for one in seen])
    return (f"{line}. By the spread over seeds of others here, a difference of that size takes about {seeds}",)


def _count(one: Difference) -> str:
    return f"over {MOST_SEEDS}" if one.seeds_needed is None else str(one.seeds_needed)


def _listed(names: Sequence[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")
