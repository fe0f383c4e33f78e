"""The seconds of an artifact that several processes worked on."""

import shutil
import subprocess
import sys

import pytest

from labrador.errors import LabradorError
from labrador.store import Recipe, Store


def test_seconds_are_those_of_all_processes_that_made_it(tmp_path, monkeypatch):
    now = 0.0
    monkeypatch.setattr("labrador.store.clock.time.perf_counter", lambda: now)

    def write(seconds, then=None):
        def work(folder):
            nonlocal now
            (folder / "shard").write_text("done")
            now += seconds
            if then:
                raise then

        return work

    def make(*how, **options):
        return Store(tmp_path).make(Recipe("step", **options), write(*how))

    for seconds in (100, 20):
        with pytest.raises(KeyboardInterrupt):
            make(seconds, KeyboardInterrupt(), resumable=True)
    made = make(3, resumable=True)
    assert (made.seconds, made.manifest["resumed"]) == (123, True)
    assert not list((tmp_path / "step").glob(".*.seconds*"))
    shutil.rmtree(made.folder)
    with pytest.raises(LabradorError):
        make(50, LabradorError("line 3: bad"), resumable=True)  # nothing is left to go on with
    assert make(4, resumable=True).seconds == 4
    shutil.rmtree(made.folder)
    with pytest.raises(KeyboardInterrupt):
        make(60, KeyboardInterrupt())
    assert make(5).seconds == 5


MAKE_UNTIL_KILLED = """
import sys, time
from pathlib import Path
from labrador.store import Recipe, Store, clock

clock.EVERY = 0.05

def write(folder):
    if (folder / "shard").exists():
        return
    (folder / "shard").write_text("done")
    time.sleep(0.5)
    print("half done", flush=True)
    time.sleep(600)

print(Store(Path(sys.argv[1])).make(Recipe("step", resumable=True), write).seconds)
"""


def test_seconds_of_a_process_that_was_killed_at_once_count(tmp_path):
    command = [sys.executable, "-c", MAKE_UNTIL_KILLED, str(tmp_path)]
    killed = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert killed.stdout.readline() == "half done\n"
    killed.kill()
    killed.communicate()
    seconds = float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    assert 0.4 < seconds < 60
