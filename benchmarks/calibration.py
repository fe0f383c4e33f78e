"""How often the report's test finds a difference where there is none: one system over many seeds, split in two.

    python run.py -m retriever=dpr encoder=tiny seed=0,1,2,3,4,5,6,7 ... hydra.sweep.dir=DIR
    OMP_NUM_THREADS=1 python benchmarks/calibration.py DIR

Draws two groups of 2, 3 and 5 seeds --draws times, tests each pair as if they were two systems trained separately, and
prints a Markdown table of how many differ with p < 0.05: by the test over seeds and queries, which must be at most 5 %,
and by the paired t-test over queries alone. The last column is the power: the same for a system that is better by
--gain on every query. The groups share seeds, so these shares are only as precise as the number of seeds allows.
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from labrador.report.significance.crossed import crossed_test, interaction, seed_variance
from labrador.report.significance.differences import ALPHA, Comparisons
from labrador.report.significance.paired import t_test
from labrador.report.significance.seeds import SeedVariances
from labrador.report.systems import System, systems
from labrador.results import find

GROUPS = (2, 3, 5)


def split(system: System, figures: NDArray[np.float64], size: int, draws: int) -> Comparisons:
    """`draws` pairs of disjoint groups of `size` seeds, as pairs of systems; figures [S, Q] of all seeds."""
    rng = np.random.default_rng(size)
    chances, values = [], []
    for _ in range(draws):
        drawn = rng.permutation(len(figures))[: 2 * size]
        groups = [np.sort(drawn[:size]), np.sort(drawn[size:])]
        pair = [
            System(
                str(group),
                tuple(system.rows[place] for place in group),
                tuple(system.files[place] for place in group),
            )
            for group in groups
        ]
        variances = SeedVariances(pair, [figures[group] for group in groups])
        chances.append(variances.chance(0, 1))
        values += [figures[group].mean(axis=0) for group in groups]
    pairs = np.arange(2 * draws).reshape(-1, 2)
    return Comparisons([("", system, system)] * draws, pairs, np.array(values), chances)


def marked(table: Comparisons, gain: float) -> tuple[float, float]:
    """The shares of pairs that differ by the test over seeds and queries, and over queries alone."""
    apart = table.apart + gain
    variances, degrees = table.parts(apart)
    crossed = crossed_test(np.nanmean(apart, axis=1), variances, degrees)
    return float(np.mean(crossed < ALPHA)), float(np.mean(t_test(apart) < ALPHA))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", type=Path, help="folder with the runs of one system over several seeds")
    parser.add_argument("--metric", nargs="+", default=["MRR@10", "R@20"])
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--gain", type=float, default=0.01)
    settings = parser.parse_args()
    (system,) = systems(find([settings.runs]))
    print(
        f"| {system.label}, {len(system.rows)} seeds | mean | SD over seeds | SD by seed x query | seeds ",
        end="",
    )
    print("| significant | over queries alone | a gain of", settings.gain, "|")
    print("|---|---|---|---|---|---|---|---|")
    for metric in settings.metric:
        figures = system.by_seed(metric)[1]
        spread, noise = seed_variance(figures) ** 0.5, (interaction(figures) * len(figures)) ** 0.5
        for size in (size for size in GROUPS if 2 * size <= len(figures)):
            table = split(system, figures, size, settings.draws)
            crossed, alone = marked(table, 0.0)
            power, _ = marked(table, settings.gain)
            shares = " | ".join(f"{100 * share:.1f} %" for share in (crossed, alone, power))
            print(f"| {metric} | {np.nanmean(figures):.4f} | {spread:.4f} | {noise:.4f} | {size} | {shares} |")


if __name__ == "__main__":
    main()
