"""Measurements on a machine take turns and notice other work, also that of killed processes."""

import os
import select
import signal
import subprocess
import sys
import tempfile

import pytest

from labrador.machine.measuring import measuring, working

HOLD = """
import sys
from labrador.machine import measuring
with getattr(measuring, sys.argv[1])():
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture(autouse=True)
def machine(tmp_path, monkeypatch):
    """Locks that no other test holds."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.fixture
def other():
    """Starts a process that holds `working` or `measuring` until its standard input is closed."""
    started = []

    def start(what):
        command = [sys.executable, "-c", HOLD, what]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def held(process):
    assert process.stdout.readline() == "held\n"
    return process


def test_nothing_disturbs_a_measurement_on_an_idle_machine():
    with working():
        pass
    with measuring() as disturbed:
        assert not disturbed()


def test_what_worked_when_it_began_disturbs_a_measurement(other):
    worker = held(other("working"))
    with measuring() as disturbed:
        worker.communicate("\n")
        assert disturbed()
    with measuring() as disturbed:
        assert not disturbed()


def test_what_begins_to_work_disturbs_a_measurement_even_when_it_has_ended(other):
    with measuring() as disturbed:
        assert not disturbed()
        held(other("working")).communicate("\n")
        assert disturbed()


def test_work_within_work_is_still_work():
    with working():
        with working():
            pass
        with measuring() as disturbed:
            assert disturbed()


def test_a_killed_process_leaves_nothing(other):
    for what in ("working", "measuring"):
        process = held(other(what))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    with measuring() as disturbed:
        assert not disturbed()


def test_two_measurements_take_turns(other):
    with measuring():
        second = other("measuring")
        assert not select.select([second.stdout], [], [], 0.5)[0]
    held(second)
