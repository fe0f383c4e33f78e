"""The average rank of dev queries' positives, worked out by hand, by each objective's scores."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from labrador.arrays.ragged import Ragged
from labrador.encoders.towers import load_towers
from labrador.losses.bidr import CODEBOOKS, BiDRLoss
from labrador.losses.bpr import BPRLoss
from labrador.losses.contrastive import Contrastive
from labrador.losses.module import ObjectiveModule
from labrador.training.dev_rank import DevQuestions
from labrador.training.encoder import TrainableEncoder
from labrador.training.frozen import FrozenPassages
from training import toy

QUERIES = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], dtype=np.float32)
PASSAGES = np.array([[3.0, 0.0], [1.0, 1.0], [2.0, 2.0], [0.0, 9.0], [9.0, 9.0]], dtype=np.float32)


class Towers(torch.nn.Module):
    """Stand-ins with a device: vectors are given as they are."""

    dimension, pad_id = 2, 0

    def __init__(self) -> None:
        super().__init__()
        self.here = torch.nn.Parameter(torch.zeros(1))


def rank(positives: list[int], pool: list[int], spared: list[list[int]] | None = None) -> float:
    """The average rank of all three questions; the last passage, in no pool, would be better than any."""
    towers: Any = Towers()
    texts: Any = FrozenPassages(QUERIES.__getitem__), FrozenPassages(PASSAGES.__getitem__)
    lists = Ragged.from_lists(spared or [[place] for place in positives])
    given = np.arange(3), np.array(positives), np.array(pool), lists
    return DevQuestions(*texts, *given).average_rank(TrainableEncoder(towers, Contrastive()))


def test_ranks_worked_out_by_hand():
    """First: positive (1, 1) scores 1, (3, 0) 3 and (2, 2) 2 are above: 2. Second: (2, 2) 2, (0, 9) above: 1. Third:
    (0, 9) 9, none above: 0."""
    assert rank([1, 2, 3], [0, 1, 2, 3]) == pytest.approx((2 + 1 + 0) / 3)


def test_an_equal_score_is_not_above():
    """(1, 1) and (2, 2) by the third question: 2 and 4; (3, 0) has 3."""
    assert rank([0, 2, 0], [0, 2]) == pytest.approx((0 + 0 + 1) / 3)


def test_other_positives_of_a_question_do_not_count_against_it():
    assert rank([1, 2, 3], [0, 1, 2, 3], [[0, 1], [2, 3], [3]]) == pytest.approx((1 + 0 + 0) / 3)


def test_the_objective_says_what_ranks():
    queries, passages = torch.tensor([[0.3, -2.0]]), torch.tensor([[0.1, -5.0], [-0.2, 4.0]])
    module = ObjectiveModule(BPRLoss(), 2)
    asked, codes = module.ranked(queries, passages)
    assert torch.equal(asked, queries)
    assert codes.tolist() == [[1.0, -1.0], [-1.0, 1.0]]  # h(p): BPR's rerank
    module = ObjectiveModule(BiDRLoss(codebooks=1, centroids=2), 2)
    module.start_from({CODEBOOKS: np.array([[[0.0, -1.0], [0.0, 1.0]]], dtype=np.float32)})
    assert module.ranked(queries, passages)[1].tolist() == [[0.0, -1.0], [0.0, 1.0]]  # C(p): the sparse search


def test_frozen_passages_of_two_kinds_rank_by_both_products():
    passages = FrozenPassages(PASSAGES.__getitem__, QUERIES.__getitem__)
    rows = np.arange(3)
    np.testing.assert_allclose(QUERIES @ passages.summed(rows).T, QUERIES @ PASSAGES[rows].T + QUERIES @ QUERIES.T)


def test_the_model_goes_on_training_as_it_was(texts: Path):
    towers = load_towers(toy.Still(shared=True))
    model = TrainableEncoder(towers, Contrastive()).train()
    state = torch.random.get_rng_state()
    first, second = (toy.dev_questions(texts).average_rank(model) for _ in range(2))
    assert first == second
    assert model.training
    assert torch.equal(torch.random.get_rng_state(), state)
