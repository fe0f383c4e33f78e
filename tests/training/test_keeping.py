"""The weights with the best dev rank are kept, also after a kill and in several processes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from labrador.training.keeping import looks
from training import toy

STILL = toy.Still(shared=True)
RANKS = {3: 5.0, 6: 2.0, 9: 2.0}  # of equal ranks the first is kept


class GivenRanks:
    """Dev queries with given ranks; keeps the weights ranked at each step, and is killed at step `killed_at`."""

    def __init__(self, killed_at: int | None = None) -> None:
        self.killed_at, self.seen = killed_at, {}
        self.steps = iter(sorted(RANKS))

    def average_rank(self, model: torch.nn.Module) -> float:
        step = next(self.steps)
        if step == self.killed_at:
            raise KeyboardInterrupt
        self.seen[step] = {name: value.clone() for name, value in model.towers.state_dict().items()}
        return RANKS[step]


def trained(texts: Path, out: Path, dev: Any, **settings: Any) -> dict[str, torch.Tensor]:
    return toy.run(texts, out, encoder=STILL, dev_rank=dev.average_rank, dev_from=0.0, **settings)


@pytest.mark.parametrize(
    ("given", "steps"),
    [
        ((40, 1, 0.75), [*range(30, 41)]),  # BPR's forty epochs: from the end of the thirtieth on
        ((9, 3, 0.0), [3, 6, 9]),
        ((10, 4, 0.0), [4, 8, 10]),  # the last epoch cut short
        ((60, 100, 0.75), [48, 54, 60]),  # within an epoch: tenths
        ((5, 5, 0.0), [1, 2, 3, 4, 5]),
        ((9, 3, 1.0), [9]),
    ],
)
def test_when_the_rank_is_taken(given: tuple[int, int, float], steps: list[int]):
    assert looks(*given) == steps


def test_the_first_of_the_best_is_written_and_the_curve_has_the_ranks(texts: Path, tmp_path: Path):
    dev = GivenRanks()
    kept = trained(texts, tmp_path, dev, learning_rate=1e-2)
    points = [line for line in toy.curve(tmp_path) if "dev_rank" in line]
    assert [(point["step"], point["dev_rank"]) for point in points] == list(RANKS.items())
    assert len([line for line in toy.curve(tmp_path) if "loss" in line]) == 9
    name = "embeddings.word_embeddings.weight"
    written = kept[f"towers/encoder/model.safetensors:{name}"]
    at = {step: next(value for key, value in seen.items() if key.endswith(name)) for step, seen in dev.seen.items()}
    assert torch.equal(written, at[6])
    assert not torch.equal(written, at[9])
    assert not (tmp_path / "trainer").exists()


def test_killed_and_run_again_it_keeps_the_same(texts: Path, tmp_path: Path):
    """Killed at the last rank: the checkpoint of step 8 knows that step 6 was best; those weights are next to it."""
    for name in ("whole", "killed"):
        (tmp_path / name).mkdir()
    whole = trained(texts, tmp_path / "whole", GivenRanks(), save_steps=4)
    with pytest.raises(KeyboardInterrupt):
        trained(texts, tmp_path / "killed", GivenRanks(killed_at=9), save_steps=4)
    assert [path.name for path in (tmp_path / "killed" / "trainer").glob("best*")] == ["best-6.safetensors"]
    again = GivenRanks()
    again.steps = iter([9])
    killed = trained(texts, tmp_path / "killed", again, save_steps=4)
    assert killed.keys() == whole.keys()
    assert all(torch.equal(killed[name], value) for name, value in whole.items())
    assert toy.curve(tmp_path / "killed") == toy.curve(tmp_path / "whole")


def keep(texts: Path, out: Path) -> None:
    trained(texts, out, toy.dev_questions(texts))


def test_two_processes_rank_and_keep_as_one_does(texts: Path, tmp_path: Path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    keep(texts, tmp_path / "one")
    assert toy.in_processes(keep, 2, texts, tmp_path / "two") == [0, 0]
    one, two = (
        [(line["step"], line["dev_rank"]) for line in toy.curve(tmp_path / name) if "dev_rank" in line]
        for name in ("one", "two")
    )
    assert [step for step, _ in one] == [step for step, _ in two] == [3, 6, 9]
    ranks = [[rank for _, rank in points] for points in (one, two)]
    assert ranks[1] == pytest.approx(ranks[0], abs=0.3)  # rounding turns a few of the untrained encoder's near ties
    assert np.argmin(ranks[0]) == np.argmin(ranks[1])
    for name, value in toy.weights(tmp_path / "one").items():
        assert (toy.weights(tmp_path / "two")[name] - value).abs().max() <= 1e-4, name
