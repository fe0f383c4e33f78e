"""Batches: their parts, each process's share, and which passages are masked."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from labrador.arrays.ragged import Ragged
from labrador.encoders.tokens import Form, Tokens, write_tokens
from labrador.encoders.towers import load_towers
from labrador.losses.contrastive import Contrastive
from labrador.samplers.base import Example
from labrador.samplers.batch import distinct_passages, other_positives, other_queries, roles_of
from labrador.training.batches import Collate, Part, Parts, share
from labrador.training.encoder import TrainableEncoder
from training import toy


def batches_of(*sizes: int) -> list[list[Example]]:
    return [[Example(query, 0, ()) for query in range(size)] for size in sizes]


def test_roles_of_batches():
    parts = Parts(lambda epoch: batches_of(8, 8, 5), batch_size=8, accumulation=4)
    assert [(len(part.examples), part.batch) for part in parts] == [(2, 8)] * 8 + [(2, 5), (2, 5), (1, 5)]
    assert (len(parts), parts.steps) == (11, 3)
    assert [example.query for part in parts for example in part.examples] == [*range(8), *range(8), *range(5)]


def test_an_epoch_has_its_own_batches():
    parts = Parts(lambda epoch: [[Example(epoch, 0, ())]], batch_size=1, accumulation=1)
    for epoch in (0, 2, 1, 1):
        parts.set_epoch(epoch)
        assert [part.examples[0].query for part in parts] == [epoch]


@pytest.mark.parametrize("second", [(8, 5, 8), (8, 8), (8, 8, 8, 5), (8, 8, 9), (7, 8, 5)])
def test_a_sampler_that_breaks_its_contract(second: tuple[int, ...]):
    parts = Parts(lambda epoch: batches_of(*((8, 8, 5) if epoch == 0 else second)), batch_size=8, accumulation=2)
    with pytest.raises(ValueError, match="epoch 1"):
        parts.set_epoch(1)


@given(st.integers(0, 50), st.integers(1, 9))
def test_shares_cover_all_rows_once_and_evenly(count: int, world: int):
    parts = [share(count, rank, world) for rank in range(world)]
    assert [row for part in parts for row in range(count)[part]] == list(range(count))
    sizes = [part.stop - part.start for part in parts]
    assert max(sizes) - min(sizes) <= 1


def test_passages_are_distinct_with_positives_first():
    examples = [Example(0, 7, (9, 3)), Example(1, 5, (7, 9)), Example(2, 7, (4,))]
    passages, positives = distinct_passages(examples)
    assert passages.tolist() == [7, 5, 9, 3, 4]
    assert positives.tolist() == [0, 1, 0]


def test_other_positives_of_a_query_are_masked_and_its_own_is_not():
    judged = Ragged.from_lists([[7, 9], [5], [7, 4, 8]])
    masked = other_positives(np.array([0, 1, 2]), np.array([0, 1, 0]), np.array([7, 5, 9, 3, 4]), judged)
    assert masked.tolist() == [
        [False, False, True, False, False],
        [False, False, False, False, False],
        [False, False, False, False, True],
    ]


def test_the_roles_of_the_passages_of_a_batch():
    """9 is a positive and a hard negative of another query, 7 a hard negative of both kinds."""
    examples = [Example(0, 9, (4, 7), (7,)), Example(1, 5, (9,), (8, 4))]
    passages, _ = distinct_passages(examples)
    assert passages.tolist() == [9, 5, 4, 7, 8]
    parts = roles_of(examples, passages)
    assert parts.positive.tolist() == [True, True, False, False, False]
    assert parts.drawn.tolist() == [True, False, True, True, False]
    assert parts.lexical.tolist() == [False, False, True, True, True]


def test_other_queries_that_share_a_positive():
    """Queries 4, 0, 2 of a batch; this process has the last two, with the positives 7 and 8."""
    judged = Ragged.from_lists([[9, 7], [7], [8, 7], [], [1, 8]])
    shared = other_queries(np.array([4, 0, 2]), np.array([1, 2]), np.array([7, 8]), judged)
    assert shared.tolist() == [[False, False, True], [True, False, False]]
    assert other_queries(np.array([0]), np.array([], dtype=int), np.array([], dtype=int), judged).shape == (0, 1)


def collate(texts: Path, rank: int, world: int, gathered: bool = True) -> Collate:
    return Collate(Tokens(texts / "queries"), Tokens(texts / "passages"), toy.positives(), 0, rank, world, gathered)


EXAMPLES = [Example(3, 3, (4, 30)), Example(4, 4, (30, 31)), Example(6, 6, (31, 32))]  # 4 is a positive of 3, too


def test_one_process_takes_everything(texts: Path):
    inputs = collate(texts, 0, 1)(Part(EXAMPLES, 5))
    passages = Tokens(texts / "passages").rows([3, 4, 6, 30, 31, 32])
    assert inputs["passages"]["kept"] == inputs["passages"]["attention_mask"].shape[0] == 6
    for row, ids in enumerate(passages):
        length = len(ids)
        assert inputs["passages"]["input_ids"][row, :length].tolist() == ids.tolist()
        assert inputs["passages"]["attention_mask"][row].sum() == length
    assert inputs["positives"].tolist() == [0, 1, 2]
    assert inputs["masked"].nonzero().tolist() == [[0, 1]]
    assert inputs["passage_counts"] == [6]
    assert inputs["weight"] == 1 / 5


def test_processes_take_shares_that_make_up_the_whole(texts: Path):
    whole = collate(texts, 0, 1)(Part(EXAMPLES, 5))
    shares = [collate(texts, rank, 2)(Part(EXAMPLES, 5)) for rank in range(2)]
    assert [part["queries"]["kept"] for part in shares] == [1, 2]
    assert [part["passages"]["kept"] for part in shares] == [3, 3] == shares[0]["passage_counts"]
    for name in ("positives", "masked"):
        assert torch.equal(torch.cat([part[name] for part in shares]), whole[name])
    lengths = torch.cat([part["passages"]["attention_mask"].sum(dim=1) for part in shares])
    assert torch.equal(lengths, whole["passages"]["attention_mask"].sum(dim=1))
    assert {part["weight"] for part in shares} == {2 / 5}
    for part in shares:
        for name, marks in whole["roles"].items():
            assert torch.equal(part["roles"][name], marks)
        assert "everyone" not in part


def test_an_objective_that_crosses_queries_gets_those_of_all_processes(texts: Path):
    """4, the positive of the second query, is one of the first, too."""
    given = Tokens(texts / "queries"), Tokens(texts / "passages"), toy.positives(), 0
    for gathered, counts, owns, shared in (
        (True, [[1, 2]] * 2, [[0], [1, 2]], [[[False] * 3], [[True, False, False], [False] * 3]]),
        (False, [[1], [2]], [[0], [0, 1]], [[[False]], [[False] * 2] * 2]),
    ):
        for rank in range(2):
            everyone = Collate(*given, rank, 2, gathered, crosses_queries=True)(Part(EXAMPLES, 5))["everyone"]
            assert everyone["counts"] == counts[rank]
            assert everyone["own"].tolist() == owns[rank]
            assert everyone["shared"].tolist() == shared[rank]


def test_a_process_without_a_query_encodes_one_and_keeps_none(texts: Path):
    inputs = collate(texts, 0, 2)(Part(EXAMPLES[:1], 1))
    assert inputs["queries"]["kept"] == 0
    assert inputs["queries"]["input_ids"].shape[0] == 1
    assert inputs["masked"].shape == (0, 3)


def test_without_gathering_a_process_takes_the_passages_of_its_own_queries(texts: Path):
    shares = [collate(texts, rank, 2, gathered=False)(Part(EXAMPLES, 5)) for rank in range(2)]
    assert [part["queries"]["kept"] for part in shares] == [1, 2]
    assert [part["passage_counts"] for part in shares] == [[3], [5]]  # 31 comes twice in the second share
    for part, rows in zip(shares, ([3, 4, 30], [4, 6, 30, 31, 32]), strict=True):
        lengths = [len(ids) for ids in Tokens(texts / "passages").rows(rows)]
        assert part["passages"]["attention_mask"].sum(dim=1).tolist() == lengths
    assert [part["positives"].tolist() for part in shares] == [[0], [0, 1]]
    assert shares[0]["masked"].tolist() == [[False, True, False]]
    assert not shares[1]["masked"].any()
    assert {part["weight"] for part in shares} == {2 / 5}


def test_without_gathering_a_process_without_a_query_keeps_no_passage_either(texts: Path):
    inputs = collate(texts, 0, 2, gathered=False)(Part(EXAMPLES[:1], 1))
    assert (inputs["queries"]["kept"], inputs["passages"]["kept"], inputs["passage_counts"]) == (0, 0, [0])
    assert inputs["queries"]["input_ids"].shape[0] == inputs["passages"]["input_ids"].shape[0] == 1
    assert inputs["masked"].shape == (0, 0)
    assert inputs["positives"].tolist() == []


def test_one_process_gathers_nothing(texts: Path):
    one, other = (collate(texts, 0, 1, gathered)(Part(EXAMPLES, 5)) for gathered in (True, False))
    assert one["passage_counts"] == other["passage_counts"]
    assert torch.equal(one["passages"]["input_ids"], other["passages"]["input_ids"])
    assert torch.equal(one["masked"], other["masked"])


def test_segments_of_passages_reach_training(tmp_path):
    """Type 1 has a vector of its own, which a gradient reaches only through the texts of passages."""
    encoder = toy.Still(pooling="mean", segments=True)
    passages = [("title", f"text {number}") for number in range(3)]
    queries = write_tokens([["q a", "q b"]], 2, encoder.tokenizer(), 16, tmp_path / "q")
    tokens = write_tokens([passages], 3, encoder.tokenizer(), 16, tmp_path / "p", Form(segments=True))
    positives = Ragged.from_lists([[0], [1]])
    for segments in (True, False):
        towers = load_towers(replace(encoder, segments=segments))
        typed = write_tokens([passages], 3, encoder.tokenizer(), 16, tmp_path / "plain")
        collate = Collate(queries, tokens if segments else typed, positives, 0, segments=towers.segments("passage"))
        model = TrainableEncoder(towers, Contrastive())
        model(collate(Part([Example(0, 0, (2,)), Example(1, 1, ())], 2)), 0)["loss"].backward()
        table = towers.passage.model.embeddings.token_type_embeddings.weight.grad
        assert bool(table[1].abs().sum() > 0) == segments
        assert (towers.query.model.embeddings.token_type_embeddings.weight.grad[1] == 0).all()
