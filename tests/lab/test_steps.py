"""When a step waits for a GPU: a stand-in counts how often one is asked for, there is none here."""

import pytest

from labrador.lab.steps import Steps
from labrador.machine.gpus import Lease
from labrador.store import Store
from labrador.training.settings import TrainSettings


class Asked(Lease):
    """Counts."""

    times = 0

    def take(self) -> None:
        self.times += 1


@pytest.fixture
def steps(tmp_path):
    return Steps(Store(tmp_path), None, TrainSettings(), seed=0, device="cuda", gpu=Asked(tmp_path))


def make(steps, name, device, write=lambda folder: (folder / "it").write_text(folder.name) and None):
    return steps.make("train", "tokens", {"name": name}, {}, write, device=device)


def test_a_step_that_computes_on_a_gpu_asks_for_one_before_it_has_the_stores_lock(steps):
    locked = []

    def write(folder):
        locked.append(steps.gpu.times)
        (folder / "it").touch()

    make(steps, "a", "cuda", write)
    assert locked == [1]


def test_a_step_on_the_cpu_asks_for_none(steps):
    make(steps, "a", "cpu")
    assert steps.gpu.times == 0


def test_what_is_in_the_store_asks_for_none(steps):
    artifact = make(steps, "a", "cuda")
    assert make(steps, "a", "cuda").key == artifact.key
    assert steps.gpu.times == 1
    (artifact.folder / "it").write_text("broken")  # is made again, on a GPU
    make(steps, "a", "cuda")
    assert steps.gpu.times == 2
