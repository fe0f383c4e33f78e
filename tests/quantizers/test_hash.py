"""The learned hash: what it promises as a quantizer, and that it learns what judged questions want."""

from dataclasses import replace

import numpy as np
import pytest
from configured import configured

from labrador.arrays.ragged import Ragged
from labrador.errors import LabradorError
from labrador.losses.bpr import LAYER
from labrador.quantizers.base import JudgedQueries, TrainingVectors
from labrador.quantizers.hash import Hash, HashCodec
from labrador.quantizers.learned_pq import LearnedPQ
from labrador.quantizers.supervised import batches, tensors
from labrador.samplers.base import Example

D = 32
QUICK = Hash(steps=40, batch_size=16, depth=10)


def test_learning_makes_codes_better_than_the_signs_of_the_vectors(vectors, rank_of_positives):
    signs = HashCodec(None, D)
    learned = Hash(steps=150, batch_size=32, depth=20).fit(vectors, 0)
    assert rank_of_positives(learned, vectors) < 0.6 * rank_of_positives(signs, vectors)


def test_a_seed_decides_everything(vectors):
    weights = [QUICK.fit(vectors, seed).weight for seed in (3, 3, 4)]
    np.testing.assert_array_equal(weights[0], weights[1])
    assert not np.array_equal(weights[0], weights[2])


@pytest.mark.parametrize("bits", [None, 16, 64])
def test_codes_have_the_bits_asked_for_and_survive_saving(vectors, bits, tmp_path):
    codec = configured(Hash, steps=3, bits=bits).fit(vectors, 0)
    codec.save(tmp_path)
    loaded = configured(Hash, bits=bits).load(tmp_path)
    codes = codec.encode(vectors.passages)
    assert codes.shape == (600, (bits or D) // 8)
    np.testing.assert_array_equal(loaded.encode(vectors.passages), codes)
    np.testing.assert_array_equal(loaded.decode(codes), codec.decode(codes))
    assert codec.side_bytes == sum(path.stat().st_size for path in tmp_path.iterdir())


def test_the_projected_query_scores_signs_as_the_query_scores_decoded_codes(vectors):
    codec = QUICK.fit(vectors, 0)
    codes, queries = codec.encode(vectors.passages), vectors.judged.queries
    by_signs = codec.project(queries) @ codec.unpack(codes).T
    np.testing.assert_allclose(by_signs, queries @ codec.decode(codes).T, atol=1e-4)


def test_a_hash_without_a_layer_is_the_signs_themselves(vectors, tmp_path):
    codec = Hash().learned({}, D)
    signs = np.where(vectors.passages >= 0, 1.0, -1.0)
    np.testing.assert_array_equal(codec.decode(codec.encode(vectors.passages)), signs)
    codec.save(tmp_path)
    assert Hash().load(tmp_path).weight is None


def test_a_layer_learned_with_an_encoder_is_taken_as_it_is(vectors):
    weight = np.random.default_rng(1).standard_normal((16, D)).astype(np.float32)
    codec = Hash().learned({LAYER: weight}, D)
    signs = np.where(vectors.passages @ weight.T >= 0, 1.0, -1.0)
    np.testing.assert_array_equal(codec.unpack(codec.encode(vectors.passages)), signs)


def test_the_length_of_the_vectors_does_not_matter(vectors):
    scaled = TrainingVectors(
        vectors.passages * 7,
        JudgedQueries(vectors.judged.queries * 3, vectors.judged.positives, vectors.judged.negatives),
    )
    weight = QUICK.fit(vectors, 0).weight
    same = configured(Hash, steps=40, batch_size=16, depth=10, temperature=0.05 * 21).fit(scaled, 0).weight
    np.testing.assert_allclose(same, weight, atol=1e-4)


def test_every_question_is_seen_once_an_epoch_and_no_positive_is_a_negative(vectors):
    epochs = batches(vectors, Hash(batch_size=64, negatives=3, depth=10), 0)
    for _ in range(2):
        examples = [example for _ in range(4) for example in next(epochs)]
        assert sorted(example.query for example in examples) == list(range(200))
        for example in examples:
            near = vectors.judged.negatives[example.query][:10]
            assert set(example.negatives) <= set(near.tolist())
            assert example.positive not in example.negatives


def test_without_judged_questions_it_says_so(vectors):
    with pytest.raises(LabradorError, match=r"expected a judged train query.*train split"):
        QUICK.fit(TrainingVectors(vectors.passages), 0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"bits": 12}, "quantizer.bits=12: expected .*multiple of 8"),
        ({"steps": 0}, "quantizer.steps=0"),
        ({"learning_rate": 0.0}, "quantizer.learning_rate=0"),
        ({"temperature": 0.0}, "quantizer.temperature=0"),
        ({"alpha": -1.0}, "quantizer.alpha=-1"),
        ({"gamma": float("inf")}, "quantizer.gamma=inf"),
        ({"negatives": 60}, "quantizer.negatives=60: expected at most depth=50"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings, message):
    with pytest.raises(LabradorError, match=message):
        configured(Hash, **settings)


def test_dimensions_that_do_not_fill_bytes_are_refused():
    with pytest.raises(LabradorError, match=r"quantizer\.bits=null: .* each of 30 dimensions .*; set it to 24"):
        Hash().check(30)
    configured(Hash, bits=16).check(30)
    with pytest.raises(LabradorError, match=r"quantizer\.negatives=40: expected fewer than the 30 passages"):
        configured(Hash, bits=16, negatives=40).check(30, 30)


def test_a_training_that_diverges_is_refused(vectors):
    with pytest.raises(LabradorError, match=r"expected a finite loss, it is .*quantizer\.learning_rate"):
        configured(Hash, steps=3, temperature=1e-42).fit(vectors, 0)


def test_another_positive_of_a_question_is_masked_in_its_batch(vectors):
    judged = JudgedQueries(vectors.judged.queries[:2], Ragged.from_lists([[7, 9], [9]]), Ragged.from_lists([[3], [4]]))
    x = TrainingVectors(vectors.passages, judged)
    batch = tensors([Example(0, 7, (3,)), Example(1, 9, (4,))], x, (2.0, 4.0), step=5)
    assert batch.masked.tolist() == [[False, True, False, False], [False] * 4]  # passages 7, 9, 3, 4
    assert batch.positives.tolist() == [0, 1]
    assert batch.step == 5
    np.testing.assert_allclose(batch.queries.numpy(), judged.queries / 2)
    np.testing.assert_allclose(batch.passages.numpy(), vectors.passages[[7, 9, 3, 4]] / 4)


@pytest.mark.parametrize("quantizer", [Hash(), configured(LearnedPQ, codebooks=4)])
def test_one_passage_alone_is_refused(quantizer):
    with pytest.raises(LabradorError) as caught:
        quantizer.check(32, 1)
    refused = f"quantizer={quantizer.option}: expected two passages or more to tell apart, the corpus has 1"
    assert str(caught.value).startswith(refused)
    with pytest.raises(LabradorError, match=r"negatives=5: expected fewer than the 3 .*set quantizer.negatives=2"):
        replace(quantizer, negatives=5).check(32, 3)
