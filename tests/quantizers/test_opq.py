"""The alternation of codebooks and rotation."""

import numpy as np

from labrador.quantizers.base import TrainingVectors
from labrador.quantizers.opq import OPQ, learn, means


def test_means_are_those_of_the_assigned_sub_vectors():
    rotated = np.array([[0, 0, 5, 5], [2, 4, 7, 7], [10, 10, 9, 9]], np.float32)  # two sub-spaces of two dimensions
    words = np.array([[0, 2], [0, 2], [1, 3]])  # rows of four words: two of each sub-space
    moved = means(rotated, words, np.zeros((4, 2), np.float32))
    assert moved.tolist() == [[1, 2], [10, 10], [6, 6], [9, 9]]


def test_a_word_without_sub_vectors_takes_half_of_the_most_used_of_its_own_codebook():
    rotated = np.array([[8, 8, 1, 1], [8, 8, 3, 3], [8, 8, 3, 3]], np.float32)
    words = np.array([[1, 2], [1, 3], [1, 3]])
    moved = means(rotated, words, np.zeros((4, 2), np.float32))
    assert np.allclose(moved[0], 8.008)
    assert np.allclose(moved[1], 7.992)
    assert moved[2:].tolist() == [[1, 1], [3, 3]]


def test_the_rotation_is_orthogonal_and_rounds_lower_the_error():
    x = np.random.default_rng(0).standard_normal((800, 16), dtype=np.float32) * np.linspace(
        2, 0.1, 16, dtype=np.float32
    )

    def after(rounds: int) -> float:
        rotation, codebooks = learn(x, 4, 16, rounds, seed=0)
        assert np.allclose(rotation @ rotation.T, np.eye(16), atol=1e-4)
        parts = (x @ rotation).reshape(800, 4, 1, 4)
        return float(((parts - codebooks.reshape(1, 4, 16, 4)) ** 2).sum(axis=3).min(axis=2).sum(axis=1).mean())

    errors = [after(rounds) for rounds in (1, 5, 25)]
    assert errors == sorted(errors, reverse=True)


def test_the_codec_decodes_to_the_learned_words_rotated_back():
    x = np.random.default_rng(0).standard_normal((300, 16), dtype=np.float32)
    rotation, codebooks = learn(x, 4, 16, 3, seed=7)
    codec = OPQ(codebooks=4, centroids=16, iterations=3).fit(TrainingVectors(x), 7)
    distances = (((x @ rotation).reshape(300, 4, 1, 4) - codebooks.reshape(1, 4, 16, 4)) ** 2).sum(axis=3)
    nearest = codebooks.reshape(4, 16, 4)[np.arange(4), distances.argmin(axis=2)].reshape(300, 16)
    assert np.allclose(codec.decode(codec.encode(x)), nearest @ rotation.T, atol=1e-4)


def test_rounds_are_shown(capsys):
    x = np.random.default_rng(0).standard_normal((100, 16), dtype=np.float32)
    learn(x, 4, 16, 3, seed=0)
    assert "learning codebooks and rotation: 100%|" in capsys.readouterr().err
