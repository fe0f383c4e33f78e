"""When a step claims a GPU: a stand-in counts the claims."""

import pytest

from labrador.lab import Bench, artifacts
from labrador.machine.gpus import Lease
from labrador.store import Store
from labrador.training.settings import TrainSettings


class Asked(Lease):
    """Counts."""

    times = 0

    def take(self) -> None:
        self.times += 1


@pytest.fixture
def bench(tmp_path):
    return Bench(Store(tmp_path), None, TrainSettings(), seed=0, device="cuda", gpu=Asked(tmp_path))


def make(bench, name, device, write=lambda folder: (folder / "it").write_text(folder.name) and None):
    return bench.make(artifacts.TOKENS.recipe({"name": name}, {}), write, device=device)


def test_a_step_that_computes_on_a_gpu_asks_for_one_before_it_has_the_stores_lock(bench):
    locked = []

    def write(folder):
        locked.append(bench.gpu.times)
        (folder / "it").touch()

    make(bench, "a", "cuda", write)
    assert locked == [1]


def test_a_step_on_the_cpu_asks_for_none(bench):
    make(bench, "a", "cpu")
    assert bench.gpu.times == 0


def test_what_is_in_the_store_asks_for_none(bench):
    artifact = make(bench, "a", "cuda")
    assert make(bench, "a", "cuda").key == artifact.key
    assert bench.gpu.times == 1
    (artifact.folder / "it").write_text("broken")  # is made again, on a GPU
    make(bench, "a", "cuda")
    assert bench.gpu.times == 2
