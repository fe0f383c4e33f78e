"""The cells of a published table as runs of run.py, each in its own folder; finished ones are not run again."""

import subprocess
import sys
import time
from pathlib import Path

from ..report.systems import System
from ..results import FILE_NAME, read
from .measured import Line
from .request import ROOT, Request

CONFIG = ".hydra/config.yaml"  # which Hydra writes into a run's folder
LOG = "output.log"
NOT_RUN = "published with the others; not one of Labrador's methods"


def run_cells(request: Request) -> tuple[list[Line], int]:
    """Run every cell with every seed; returns a line for each cell, and how many runs failed."""
    lines: list[Line] = []
    faults = 0
    for number, cell in enumerate(request.table.cells, start=1):
        if cell.overrides is None:
            lines.append(Line(cell, None, NOT_RUN))
            continue
        files: list[Path] = []
        why = ""
        for seed in request.seeds:
            folder = request.folder / cell.slug / str(seed)
            place = f"[{number}/{len(request.table.cells)}] {cell.name}, seed {seed}"
            fault = run_cell(place, folder, [*request.settings(cell), f"seed={seed}"], request.processes)
            if fault:
                faults, why = faults + 1, f"failed: {fault}"
            else:
                files.append((folder / FILE_NAME).resolve())
        rows = tuple(read(file) for file in files)
        lines.append(Line(cell, System(cell.name, rows, tuple(files)) if rows else None, why))
    return lines, faults


def run_cell(place: str, folder: Path, settings: list[str], processes: int) -> str | None:
    """Run one cell in `folder`, unless a result of the same settings is there; returns why it failed, or None.

    place: the cell and its seed, for what is printed.
    """
    result, log = folder / FILE_NAME, folder / LOG
    if result.is_file() and (folder / CONFIG).is_file() and (folder / CONFIG).read_text() == composed(settings):
        print(f"{place}: already there", flush=True)
        return None
    folder.mkdir(parents=True, exist_ok=True)
    result.unlink(missing_ok=True)
    print(f"{place}: running, see {log}", flush=True)
    several = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"] if processes > 1 else []
    command = [sys.executable, *several, str(ROOT / "run.py"), *settings, f"hydra.run.dir={folder.as_posix()}"]
    start = time.monotonic()
    code = _call(command, log)
    if code == 0 and result.is_file():
        print(f"{place}: done in {time.monotonic() - start:,.0f} s", flush=True)
        return None
    fault = _fault(log) or f"exit code {code}, see {log}"
    print(f"{place}: failed, the others go on: {fault}", file=sys.stderr, flush=True)
    return fault


def composed(settings: list[str]) -> str:
    """The config that run.py composes from these settings: what makes two runs of a cell the same."""
    command = [sys.executable, str(ROOT / "run.py"), *settings, "--cfg", "job"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.rstrip("\n") + "\n"


def _call(command: list[str], log: Path) -> int:
    """Run a command with its output in `log`; returns its exit code. It ends with this process."""
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        try:
            return process.wait()
        except BaseException:
            process.terminate()
            process.wait()
            raise


def _fault(log: Path) -> str:
    """The last error that a run reported; empty if it reported none."""
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines()]
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    return errors[-1] if errors else ""
