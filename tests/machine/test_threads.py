"""How many threads a search and a training use."""

import faiss
import pytest

from labrador.machine import threads
from labrador.machine.threads import faiss_threads, usable_threads, workers


@pytest.mark.parametrize(("said", "expected"), [("3", 3), ("4,2", 4)])
def test_threads_follow_the_environment(monkeypatch, said, expected):
    monkeypatch.setenv("OMP_NUM_THREADS", said)
    assert usable_threads() == expected


@pytest.mark.parametrize("said", ["", "0", "many"])
def test_threads_are_the_usable_cores_otherwise(monkeypatch, said):
    monkeypatch.setenv("OMP_NUM_THREADS", said)
    monkeypatch.setattr(threads.os, "sched_getaffinity", lambda pid: {0, 1, 5})
    assert usable_threads() == 3


def test_workers_are_as_many_as_faiss_has_threads_and_compute_with_one_each():
    with faiss_threads(3), workers("test") as pool:
        assert pool._max_workers == 3
        assert set(pool.map(lambda _: faiss.omp_get_max_threads(), range(20))) == {1}
        assert faiss.omp_get_max_threads() == 3
