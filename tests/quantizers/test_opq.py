"""The alternation of codebooks and rotation."""

import numpy as np
import pytest
import torch

from labrador.machine.threads import threads
from labrador.quantizers import opq
from labrador.quantizers.base import TrainingVectors
from labrador.quantizers.opq import OPQ, Codebooks, learn
from labrador.quantizers.pq import PQ


def moved(codebooks, vectors):
    start = Codebooks(torch.tensor(codebooks))
    return start.moved([start.nearest(part) for part in vectors])


def test_codewords_move_to_the_means_of_the_nearest_sub_vectors():
    """Two sub-spaces of two dimensions with two codewords each; the vectors come in two blocks."""
    vectors = torch.tensor([[0.0, 0, 5, 5], [2, 4, 7, 7]]), torch.tensor([[10.0, 10, 9, 9]])
    codebooks = [[[1.0, 1], [9, 9]], [[6, 6], [10, 10]]]
    assert moved(codebooks, vectors).codewords.tolist() == [[[1, 2], [10, 10]], [[6, 6], [9, 9]]]


def test_a_codeword_without_sub_vectors_takes_half_of_the_most_used_of_its_own_codebook():
    vectors = [torch.tensor([[8.0, 8, 1, 1], [8, 8, 3, 3], [8, 8, 3, 3]])]
    codebooks = moved([[[-9.0, -9], [8, 8]], [[1, 1], [3, 3]]], vectors).codewords
    assert torch.allclose(codebooks[0], torch.tensor([[8.008, 8.008], [7.992, 7.992]]))
    assert codebooks[1].tolist() == [[1, 1], [3, 3]]


def test_decoded_are_the_codewords_of_each_sub_space():
    codebooks = Codebooks(torch.tensor([[[1.0, 1], [9, 9]], [[6, 6], [10, 10]]]))
    vectors = torch.tensor([[8.0, 8, 5, 5], [0, 0, 9, 9]])
    assert codebooks.decoded(codebooks.nearest(vectors).rows).tolist() == [[9, 9, 6, 6], [1, 1, 10, 10]]


@pytest.mark.parametrize("kind", [PQ, OPQ])
def test_the_number_of_threads_changes_nothing(kind, monkeypatch):
    monkeypatch.setattr(opq, "BLOCK", 100)
    x = np.random.default_rng(0).standard_normal((1000, 16), dtype=np.float32)
    found = []
    for count in (1, 3):
        with threads(count):
            found.append(kind(codebooks=4, centroids=16).fit(TrainingVectors(x), 0).state())
    for name, value in found[0].items():
        np.testing.assert_array_equal(value, found[1][name])


def test_the_rotation_is_orthogonal_and_rounds_lower_the_error():
    x = np.random.default_rng(0).standard_normal((800, 16), dtype=np.float32) * np.linspace(
        2, 0.1, 16, dtype=np.float32
    )

    def after(rounds: int) -> float:
        rotation, codebooks = learn(x, 4, 16, rounds, seed=0)
        assert np.allclose(rotation @ rotation.T, np.eye(16), atol=1e-4)
        parts = (x @ rotation).reshape(800, 4, 1, 4)
        return float(((parts - codebooks) ** 2).sum(axis=3).min(axis=2).sum(axis=1).mean())

    errors = [after(rounds) for rounds in (1, 5, 25)]
    assert errors == sorted(errors, reverse=True)


def test_the_codec_decodes_to_the_learned_codewords_rotated_back():
    x = np.random.default_rng(0).standard_normal((300, 16), dtype=np.float32)
    rotation, codebooks = learn(x, 4, 16, 3, seed=7)
    codec = OPQ(codebooks=4, centroids=16, iterations=3).fit(TrainingVectors(x), 7)
    distances = (((x @ rotation).reshape(300, 4, 1, 4) - codebooks) ** 2).sum(axis=3)
    nearest = codebooks[np.arange(4), distances.argmin(axis=2)].reshape(300, 16)
    assert np.allclose(codec.decode(codec.encode(x)), nearest @ rotation.T, atol=1e-4)


def test_rounds_are_shown(capsys):
    x = np.random.default_rng(0).standard_normal((100, 16), dtype=np.float32)
    learn(x, 4, 16, 3, seed=0)
    assert "learning codebooks and rotation: 100%|" in capsys.readouterr().err
