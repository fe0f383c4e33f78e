import pytest

from labrador.machine.hardware import read_processor, this_machine

TWO_CORES_OF_TWO_THREADS = "\n\n".join(
    f"processor\t: {thread}\nmodel name\t: Xeon 8480+\nphysical id\t: 0\ncore id\t\t: {core}"
    for thread, core in enumerate((0, 1, 0, 1))
)
ARM = "processor\t: 0\nBogoMIPS\t: 50.00\n\nprocessor\t: 1\nBogoMIPS\t: 50.00\n\nHardware\t: board"


@pytest.mark.parametrize(("cpus", "cores"), [({0, 1, 2, 3}, 2), ({0, 2}, 1), ({1, 2}, 2)])
def test_the_cores_are_those_of_the_threads_that_may_be_used(cpus, cores):
    assert read_processor(TWO_CORES_OF_TWO_THREADS, frozenset(cpus)) == ("Xeon 8480+", cores)


def test_a_processor_that_the_kernel_does_not_name(monkeypatch):
    monkeypatch.setattr("labrador.machine.hardware._named_by_lscpu", lambda: "")
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    assert read_processor(ARM, frozenset({0, 1})) == ("aarch64", 2)
    assert read_processor("", frozenset({0, 1, 2})) == ("aarch64", 3)


def test_this_machine(monkeypatch):
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: {0})
    machine = this_machine("cpu")
    assert machine.processor
    assert (machine.cores, machine.threads, machine.gpu) == (1, 1, None)
    monkeypatch.setattr("torch.cuda.get_device_name", lambda: "NVIDIA H100")
    assert this_machine("cuda:0").gpu == "NVIDIA H100"
    monkeypatch.setenv("WORLD_SIZE", "8")
    assert this_machine("cuda:0").gpu == "8 x NVIDIA H100"
