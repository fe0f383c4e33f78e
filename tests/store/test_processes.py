"""The store under torchrun: the main process decides and finishes, the others help or wait."""

import json
import subprocess
import sys

SCRIPT = """
import json, sys
from pathlib import Path
from labrador.machine import processes
from labrador.store import Recipe, Store

root = Path(sys.argv[1])
processes.start()
store = Store(root / "store")
calls = []

def together(folder):
    calls.append("together")
    (folder / f"share-{processes.rank()}").write_text("done")

def alone(folder):
    calls.append("alone")
    (folder / "text").write_text("done")

for _ in range(2):
    shares = store.make(Recipe("together", collective=True, resumable=True), together)
    text = store.make(Recipe("alone", {}, {"shares": shares.key}), alone)
files = sorted(shares.manifest["files"]) + sorted(text.manifest["files"])
(root / f"seen-{processes.rank()}.json").write_text(json.dumps([calls, files]))
"""


def test_two_processes_share_a_step_and_one_does_the_rest(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", str(script)]
    done = subprocess.run([*command, str(tmp_path)], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    files = ["share-0", "share-1", "text"]
    assert json.loads((tmp_path / "seen-0.json").read_text()) == [["together", "alone"], files]
    assert json.loads((tmp_path / "seen-1.json").read_text()) == [["together"], files]
