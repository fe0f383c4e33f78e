"""Learned product quantization: it starts as OPQ, learns from judged queries, and its codes are what the layer gave."""

import numpy as np
import pytest
import torch
from configured import configured

from labrador import indexes
from labrador.errors import LabradorError
from labrador.indexes.base import QueryVectors
from labrador.losses.bidr import CODEBOOKS, ROTATION, SKEW, quantize, turned
from labrador.losses.module import ObjectiveModule
from labrador.quantizers.base import TrainingVectors
from labrador.quantizers.learned_pq import LearnedPQ
from labrador.quantizers.opq import OPQ
from labrador.quantizers.pq import PQ, ProductCodec

D = 32
SMALL = {"codebooks": 4, "centroids": 16, "iterations": 10}
QUICK = configured(LearnedPQ, **SMALL, steps=20, batch_size=16, depth=10)


def untrained(codec):
    """The state of a module that has taken over `codec` and made no step."""
    module = ObjectiveModule(QUICK.loss, D)
    module.start_from(codec.state())
    return {name: value.numpy() for name, value in module.state_dict().items()}


@pytest.mark.parametrize("kind", [PQ(codebooks=4, centroids=16), OPQ(**SMALL)])
def test_before_the_first_step_it_searches_exactly_like_what_it_starts_from(vectors, kind):
    start = kind.fit(vectors, 0)
    codec = QUICK.learned(untrained(start), D)
    for name, value in start.state().items():
        np.testing.assert_array_equal(codec.state()[name], value)
    codes = codec.encode(vectors.passages)
    np.testing.assert_array_equal(codes, start.encode(vectors.passages))
    found = []
    for each in (codec, start):
        index = indexes.of(each)
        index.add(codes)
        found.append(index.search(QueryVectors(vectors.judged.queries), 50))
    np.testing.assert_array_equal(found[0].ids, found[1].ids)
    np.testing.assert_array_equal(found[0].scores, found[1].scores)
    assert codec.side_bytes == start.side_bytes


@pytest.mark.parametrize("turn", [0.0, 0.2])
def test_exported_codes_are_what_the_layer_gave(vectors, turn):
    state = untrained(OPQ(**SMALL).fit(vectors, 0))
    generator = np.random.default_rng(0)
    state[SKEW] = (turn * generator.standard_normal((D, D))).astype(np.float32)
    state[CODEBOOKS] = state[CODEBOOKS] + 0.02 * generator.standard_normal(state[CODEBOOKS].shape).astype(np.float32)
    codec = QUICK.learned(state, D)
    rotation, codebooks = turned(*map(torch.from_numpy, (state[ROTATION], state[SKEW]))), state[CODEBOOKS]
    layer = quantize(torch.from_numpy(vectors.passages) @ rotation.T, torch.from_numpy(codebooks), D)
    codes = codec.encode(vectors.passages)
    np.testing.assert_allclose(codec.unpack(codes), layer.numpy(), atol=1e-6)
    np.testing.assert_allclose(codec.decode(codes), (layer @ rotation).numpy(), atol=1e-5)
    index = indexes.of(codec)
    index.add(codes)
    hits = index.search(QueryVectors(vectors.judged.queries), 600)
    expected = torch.from_numpy(vectors.judged.queries) @ rotation.T @ layer.T
    np.testing.assert_allclose(hits.scores, np.take_along_axis(expected.numpy(), hits.ids, axis=1), atol=1e-4)


def test_learning_ranks_positives_better_than_opq(vectors, rank_of_positives):
    opq = OPQ(**SMALL).fit(vectors, 0)
    settings = {"steps": 150, "batch_size": 32, "depth": 20, "learning_rate": 3e-3}
    learned = configured(LearnedPQ, **SMALL, **settings).fit(vectors, 0)
    assert rank_of_positives(learned, vectors) < 0.8 * rank_of_positives(opq, vectors)
    assert learned.code_bytes == opq.code_bytes


def test_a_seed_decides_everything_and_a_given_start_is_used(vectors):
    again = [QUICK.fit(vectors, seed) for seed in (3, 3, 4)]
    np.testing.assert_array_equal(again[0].state()[CODEBOOKS], again[1].state()[CODEBOOKS])
    assert not np.array_equal(again[0].state()[CODEBOOKS], again[2].state()[CODEBOOKS])
    start = QUICK.start(D).fit(vectors, 3).state()
    given = QUICK.fit(TrainingVectors(vectors.passages, vectors.judged, start), 3)
    np.testing.assert_array_equal(given.state()[CODEBOOKS], again[0].state()[CODEBOOKS])


@pytest.mark.parametrize("train_rotation", [True, False])
def test_its_rotation_stays_one_and_it_survives_saving(vectors, train_rotation, tmp_path):
    start = QUICK.start(D).fit(vectors, 0).state()
    settings = configured(
        LearnedPQ, **SMALL, steps=20, batch_size=16, learning_rate=1e-2, train_rotation=train_rotation
    )
    codec = settings.fit(TrainingVectors(vectors.passages, vectors.judged, start), 0)
    rotation = codec.state()[ROTATION]
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(D), atol=1e-5)
    assert np.allclose(rotation, start[ROTATION]) != train_rotation
    codec.save(tmp_path)
    codes = settings.load(tmp_path).encode(vectors.passages)
    np.testing.assert_array_equal(codes, codec.encode(vectors.passages))
    assert isinstance(settings.load(tmp_path), ProductCodec)


def test_longer_vectors_learn_the_same(vectors):
    """A learning rate means the same whatever the encoder's length, and the temperature divides inner products."""
    judged = vectors.judged
    start = QUICK.start(D).fit(vectors, 0).state()
    longer = TrainingVectors(
        16 * vectors.passages,
        type(judged)(4 * judged.queries, judged.positives, judged.negatives),
        {ROTATION: start[ROTATION], CODEBOOKS: 16 * start[CODEBOOKS]},
    )
    learning = {**SMALL, "steps": 40, "batch_size": 50, "learning_rate": 1e-2}
    short = configured(LearnedPQ, **learning, temperature=0.05).fit(TrainingVectors(vectors.passages, judged, start), 0)
    long = configured(LearnedPQ, **learning, temperature=0.05 * 16 * 4).fit(longer, 0)
    assert np.abs(short.state()[CODEBOOKS] - start[CODEBOOKS]).mean() > 0.01
    np.testing.assert_allclose(long.state()[CODEBOOKS], 16 * short.state()[CODEBOOKS], rtol=1e-3, atol=1e-3)
    np.testing.assert_array_equal(long.encode(longer.passages), short.encode(vectors.passages))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"codebooks": 0}, "codebooks=0"),
        ({"centroids": 100}, "centroids=100"),
        ({"temperature": 0.0}, "quantizer.temperature=0: "),
        ({"depth": 0}, "quantizer.depth=0"),
    ],
)
def test_a_setting_that_cannot_work_is_refused(settings, message):
    with pytest.raises(LabradorError, match=message):
        configured(LearnedPQ, **settings)


def test_vectors_that_cannot_be_divided_and_missing_judgements_are_refused(vectors):
    with pytest.raises(LabradorError, match="codebooks=5: expected a divisor"):
        configured(LearnedPQ, codebooks=5).check(D)
    with pytest.raises(LabradorError, match="at most one for each of 100 training vectors"):
        configured(LearnedPQ, codebooks=4).check(D, 100)
    with pytest.raises(LabradorError, match="expected a judged train query"):
        QUICK.fit(TrainingVectors(vectors.passages), 0)
