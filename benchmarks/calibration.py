"""How often the test of a report calls luck a difference: one system over many seeds, split into two that are the same.

    python run.py -m retriever=dpr encoder=tiny seed=0,1,2,3,4,5,6,7 ... hydra.sweep.dir=DIR
    OMP_NUM_THREADS=1 python benchmarks/calibration.py DIR

Draws two groups of 2, 3 and 5 seeds, as often as --draws says, tests each two as if they were two systems that were
trained apart, and prints a Markdown table of how many differ with p < 0.05: by the test over seeds and questions, which
must be 5 % or fewer, and by the paired t-test over the questions alone. The last columns say the same of a system that
is better by --gain on every question, which is the power. The groups share seeds, so that the shares are known no
better than the number of seeds allows.
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from labrador.report.significance.crossed import crossed_test, seed_variance, within
from labrador.report.significance.differences import ALPHA, Comparisons
from labrador.report.significance.paired import t_test
from labrador.report.significance.seeds import Family
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
        family = Family(pair, [figures[group] for group in groups])
        chances.append(family.chance(0, 1))
        values += [figures[group].mean(axis=0) for group in groups]
    pairs = np.arange(2 * draws).reshape(-1, 2)
    return Comparisons([("", system, system)] * draws, pairs, np.array(values), chances)


def marked(table: Comparisons, gain: float) -> tuple[float, float]:
    """The shares of pairs that differ by the test over seeds and questions, and over the questions alone."""
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
        f"| {system.label}, {len(system.rows)} seeds | mean | SD by the seed | of it by single questions | seeds ",
        end="",
    )
    print("| marked | by questions alone | a gain of", settings.gain, "is marked |")
    print("|---|---|---|---|---|---|---|---|")
    for metric in settings.metric:
        figures = system.by_seed(metric)[1]
        spread, noise = seed_variance(figures) ** 0.5, (within(figures) * len(figures)) ** 0.5
        for size in (size for size in GROUPS if 2 * size <= len(figures)):
            table = split(system, figures, size, settings.draws)
            crossed, alone = marked(table, 0.0)
            power, _ = marked(table, settings.gain)
            shares = " | ".join(f"{100 * share:.1f} %" for share in (crossed, alone, power))
            print(f"| {metric} | {np.nanmean(figures):.4f} | {spread:.4f} | {noise:.4f} | {size} | {shares} |")


if __name__ == "__main__":
    main()
