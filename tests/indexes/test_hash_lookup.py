"""Hash tables against brute force: what is found, in which order, and what happens where too little is found."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from labrador.errors import LabradorError
from labrador.indexes import hash_lookup
from labrador.indexes.base import QueryVectors
from labrador.indexes.hash_lookup import HashLookup, LookupIndex, bits_of_keys, keys
from labrador.indexes.scan import Scan
from labrador.indexes.search import Searchable
from labrador.indexes.two_stage import TwoStage
from labrador.machine.threads import faiss_threads
from labrador.quantizers.base import TrainingVectors
from labrador.quantizers.flat import Flat
from labrador.quantizers.hash import HashCodec
from labrador.quantizers.lsh import LSH
from labrador.quantizers.pq import PQ


@pytest.fixture
def no_scan(monkeypatch):
    """Keys are looked up however many there are."""
    monkeypatch.setattr(hash_lookup, "KEY_COST", 0)


def signs(seed: int, count: int, bits: int) -> np.ndarray:
    """Random vectors of -1 and 1: HashCodec(None, bits) gives them a bit for each number."""
    return np.random.default_rng(seed).choice(np.array([-1, 1], np.float32), (count, bits))


def clustered(seed: int, count: int, bits: int) -> tuple[np.ndarray, np.ndarray]:
    """Passages around 20 centres, and 30 queries nearer to centres, as vectors of signs."""
    generator = np.random.default_rng(seed)
    centres = signs(seed, 20, bits)

    def near(rows: int, flipped: float) -> np.ndarray:
        return centres[generator.integers(0, 20, rows)] * np.where(generator.random((rows, bits)) < flipped, -1, 1)

    return near(count, 0.2).astype(np.float32), near(30, 0.1).astype(np.float32)


def built(x: np.ndarray, tables: int, key_bits: int, flips: int, parts: int = 1) -> LookupIndex:
    codec = HashCodec(None, x.shape[1])
    index = LookupIndex.empty(codec, tables, key_bits, flips)
    for part in np.array_split(codec.encode(x), parts):
        index.add(part)
    return index


def brute_force(x, q, tables: int, key_bits: int, flips: int, k: int) -> tuple[list[int], list[int]]:
    """Rows and distances for one query; flips are raised until k are found."""
    differ = x != q
    keyed = differ[:, : tables * key_bits].reshape(len(x), tables, key_bits).sum(axis=2).min(axis=1)
    while (keyed <= flips).sum() < k:
        flips += 1
    distances = differ.sum(axis=1)
    rows = sorted(np.flatnonzero(keyed <= flips).tolist(), key=lambda row: (distances[row], row))[:k]
    return rows, distances[rows].tolist()


@pytest.mark.parametrize(("bits", "tables", "key_bits"), [(24, 3, 8), (64, 4, 7), (80, 5, 11), (8, 1, 8)])
@pytest.mark.parametrize(("flips", "k"), [(0, 1), (1, 20), (2, 150), (0, 400)])
def test_what_has_a_near_key_is_found_and_ranked_by_whole_distance(no_scan, bits, tables, key_bits, flips, k):
    x, q = signs(0, 400, bits), signs(1, 12, bits)
    x[200:] = x[:200]  # ties
    hits = built(x, tables, key_bits, flips, parts=3).search(QueryVectors(q), k)
    for row, query in enumerate(q):
        ids, distances = brute_force(x, query, tables, key_bits, flips, k)
        assert hits.ids[row].tolist() == ids
        assert hits.scores[row].tolist() == [-distance for distance in distances]


@pytest.mark.parametrize("flips", [0, 1, 2])
def test_every_code_within_the_certain_distance_is_found(no_scan, flips):
    tables, key_bits, bits, near = 4, 9, 64, 40
    certain = tables * (flips + 1) - 1
    generator = np.random.default_rng(flips)
    x, q = signs(0, 500, bits), signs(1, 1, bits)
    for row in range(near):  # as far as that, with any bits
        x[row] = q
        x[row, generator.choice(bits, certain, replace=False)] *= -1
    hits = built(x, tables, key_bits, flips).search(QueryVectors(q), near)
    assert hits.ids[0].tolist() == list(range(near))
    assert (hits.scores == -certain).all()


def test_where_keys_cost_more_than_codes_all_codes_are_compared():
    x, q = signs(0, 300, 64), signs(1, 9, 64)
    index = built(x, 4, 12, 3)
    assert hash_lookup.KEY_COST * 4 * keys(12, 3) > 300
    for k in (1, 50, 300):
        assert index.search(QueryVectors(q), k).ids.tolist() == [brute_force(x, query, 1, 64, 64, k)[0] for query in q]


def test_queries_that_find_enough_are_looked_up_and_the_others_scanned(monkeypatch):
    x, q = signs(0, 500, 64), signs(1, 9, 64)
    x[:100, :8] = q[0, :8]  # a key that has a hundred passages more,
    q[1:, :8] = -q[0, :8]  # far from the others' keys
    monkeypatch.setattr(hash_lookup, "KEY_COST", 500 // keys(8, 1))
    first, *others = built(x, 1, 8, 1).search(QueryVectors(q), 100).ids.tolist()
    assert first == brute_force(x, q[0], 1, 8, 1, 100)[0] != brute_force(x, q[0], 1, 8, 8, 100)[0]
    assert others == [brute_force(x, query, 1, 8, 8, 100)[0] for query in q[1:]]


@pytest.mark.parametrize("count", [1, 2, 7, 64])
@pytest.mark.parametrize("alike", [True, False])
def test_a_saved_index_gives_the_same_answers(no_scan, tmp_path: Path, count, alike):
    x, q = signs(0, count, 40), signs(1, 5, 40)
    if alike:
        x[:, :8] = x[0, :8]  # one key has all passages
    index = built(x, 4, 8, 1)
    index.save(tmp_path)
    codes = HashCodec(None, 40).encode(x)
    again = LookupIndex.load(HashCodec(None, 40), codes, tmp_path, 1)
    for k in {1, count // 2 + 1, count}:
        wanted = [brute_force(x, query, 4, 8, 1, k)[0] for query in q]
        assert index.search(QueryVectors(q), k).ids.tolist() == again.search(QueryVectors(q), k).ids.tolist() == wanted
    with pytest.raises(ValueError, match=f"of {count} codes, there are {count - 1}"):
        LookupIndex.load(HashCodec(None, 40), codes[1:], tmp_path)


def searched(search: HashLookup, codec, codes, folder: Path, vectors=None):
    search.prepare(codec, codes, folder)
    return search.build(Searchable(codec, codes, vectors=vectors, prepared=folder))


def test_most_candidates_of_a_scan_are_found_among_clusters(tmp_path: Path):
    x, q = clustered(0, 6000, 128)
    codec = HashCodec(None, 128)
    codes = codec.encode(x)
    scan = TwoStage(candidates=100).build(Searchable(codec, codes)).first.search(QueryVectors(q), 100)
    recalls = []
    for flips in (0, 1, 2):
        hits = searched(HashLookup(candidates=100, flips=flips), codec, codes, tmp_path).first.search(
            QueryVectors(q), 100
        )
        assert (hits.scores == -(q[:, None] != x[hits.ids]).sum(axis=2)).all()
        assert (hits.scores <= scan.scores).all()
        recalls.append(np.mean([np.isin(a, b).mean() for a, b in zip(scan.ids, hits.ids, strict=True)]))
    assert recalls == sorted(recalls)
    assert recalls[1] > 0.8


@pytest.mark.parametrize("rerank", ["codes", "dense"])
def test_the_rerank_is_brute_force_over_the_same_candidates(tmp_path: Path, rerank):
    x = np.random.default_rng(0).standard_normal((3000, 32), dtype=np.float32)
    q = np.random.default_rng(1).standard_normal((70, 32), dtype=np.float32)
    codec = LSH(bits=64).fit(TrainingVectors(x), 0)
    np.save(tmp_path / "codes.npy", codec.encode(x))
    codes = np.load(tmp_path / "codes.npy", mmap_mode="r")
    index = searched(HashLookup(candidates=40, rerank=rerank, flips=1), codec, codes, tmp_path, x)
    found, hits = index.first.search(QueryVectors(q), 40), index.search(QueryVectors(q), 20)
    scores = q @ (codec.decode(codes) if rerank == "codes" else x).T
    for row in range(len(q)):
        best = np.sort(scores[row, found.ids[row]])[::-1][:20]
        assert np.allclose(scores[row, hits.ids[row]], best, rtol=1e-4, atol=1e-4)
        assert np.allclose(hits.scores[row], best, rtol=1e-4, atol=1e-4)
        assert np.isin(hits.ids[row], found.ids[row]).all()


def test_fewer_passages_than_candidates_are_all_found(tmp_path: Path):
    x, q, codec = signs(0, 100, 32), signs(1, 4, 32), HashCodec(None, 32)
    hits = searched(HashLookup(), codec, codec.encode(x), tmp_path).search(QueryVectors(q), 500)
    assert hits.ids.shape == (4, 100)
    assert (hits.ids == TwoStage().build(Searchable(codec, codec.encode(x))).search(QueryVectors(q), 500).ids).all()


def test_the_same_codes_give_the_same_files_and_answers(no_scan, tmp_path: Path):
    x, q = clustered(0, 900, 64)
    indexes, files, answers = [built(x, 4, 5, 1) for _ in range(2)], [], []
    for index in indexes:
        answers += [
            index.search(QueryVectors(q), 60).ids,
            np.vstack([index.search(QueryVectors(one[None]), 60).ids for one in q]),
        ]
        index.save(tmp_path)
        files.append((tmp_path / hash_lookup.FILE).read_bytes())
    assert files[0] == files[1]
    assert all((ids == answers[0]).all() for ids in answers)


def test_searches_at_the_same_time_do_not_disturb_each_other(no_scan):
    x, q = clustered(0, 900, 64)
    with faiss_threads(3):
        index = built(x, 4, 8, 0)
        depths = [1, 20, 200] * 2  # widened more and less
        alone = [index.search(QueryVectors(q), k).ids for k in depths]
        with ThreadPoolExecutor(4) as pool:
            together = list(pool.map(lambda k: index.search(QueryVectors(q), k).ids, depths))
    assert all((a == b).all() for a, b in zip(alone, together, strict=True))


def test_giving_pages_back_loses_no_codes(tmp_path: Path):
    codes = HashCodec(None, 64).encode(signs(0, 350, 64))
    np.save(tmp_path / "codes.npy", codes)
    for mode in ("r", "r+", "c"):
        stored = np.load(tmp_path / "codes.npy", mmap_mode=mode)
        if mode == "c":
            stored[0] = codes[0] = 7  # a copy-on-write map would lose it with its pages
        hash_lookup.release(stored)
        assert (stored == codes).all()


@pytest.mark.parametrize(
    ("passages", "tables", "bits", "key_bits"),
    [(1, 4, 768, 1), (72, 4, 768, 2), (30_000, 4, 768, 10), (21_015_324, 4, 768, 20), (10**8, 4, 64, 16)],
)
def test_keys_have_about_as_many_passages_whatever_the_corpus(passages, tables, bits, key_bits):
    assert bits_of_keys(passages, tables, bits) == key_bits
    assert key_bits in (1, bits // tables) or 18 <= passages / 2**key_bits < 36


def test_what_names_the_tables():
    assert Scan().structure() is None
    assert HashLookup(flips=1, k=7, rerank="dense").structure() == {"tables": 4}
    assert HashLookup(tables=2, key_bits=9).structure() == {"tables": 2, "key_bits": 9}


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: HashLookup(device="cuda"), r"device=cuda: expected one of cpu"),
        (lambda: HashLookup(tables=0), "tables=0: expected a whole number >= 1"),
        (lambda: HashLookup(key_bits=0), "key_bits=0: expected a whole number >= 1"),
        (lambda: HashLookup(flips=-1), "flips=-1: expected a whole number >= 0"),
        (
            lambda: HashLookup().check(Flat(), 64),
            "search=hash_lookup: expected a quantizer with binary codes",
        ),
        (lambda: HashLookup().check(PQ(), 64), "not pq; set quantizer=hash or lsh"),
        (
            lambda: HashLookup(key_bits=17).check(LSH(bits=64), 64),
            "search.key_bits=17: expected at most 16",
        ),
        (lambda: HashLookup(tables=65).check(LSH(bits=64), 64), "search.tables=65: expected at most 64"),
    ],
)
def test_settings_without_meaning_are_refused(make, says):
    with pytest.raises(LabradorError, match=says):
        make()


@pytest.mark.parametrize("settings", [{"key_bits": 17}, {"tables": 65}])
def test_keys_beyond_codes_are_refused_before_tables_are_filled(tmp_path: Path, settings):
    search, codec = HashLookup(**settings), HashCodec(None, 64)
    with pytest.raises(LabradorError, match=r"expected at most (16|64)"):
        search.check(LSH(), 64)
    with pytest.raises(LabradorError, match=r"expected at most (16|64)"):
        search.prepare(codec, codec.encode(signs(0, 50, 64)), tmp_path)


def test_unusable_queries_and_missing_tables_are_refused(tmp_path: Path):
    x, codec = signs(0, 50, 64), HashCodec(None, 64)
    index = searched(HashLookup(), codec, codec.encode(x), tmp_path)
    with pytest.raises(LabradorError, match="vector of query 0: all zeros"):
        index.search(QueryVectors(0 * x), 5)
    with pytest.raises(ValueError, match="folder that its `prepare` wrote"):
        HashLookup().build(Searchable(codec, codec.encode(x)))
    with pytest.raises(ValueError, match="the 50 passages' full vectors"):
        HashLookup(rerank="dense").build(Searchable(codec, codec.encode(x), prepared=tmp_path))
