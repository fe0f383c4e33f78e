"""The cells of a published table as runs of run.py, each in a folder of its own; what is finished is not run again."""

import subprocess
import sys
import time
from pathlib import Path

from ..report.systems import System
from ..results import FILE_NAME, read
from .measured import Line
from .request import ROOT, Request

OVERRIDES = "overrides.txt"  # beside a result: what it was made with
LOG = "output.log"
NOT_RUN = "published beside the others; not one of Labrador's methods"


def run_cells(request: Request) -> tuple[list[Line], int]:
    """Run what is not there yet, cell by cell and seed by seed; a line for each cell, and how many runs failed."""
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
    """Run one cell in `folder` unless its result is there, and tell so of `place`; returns its fault, or None."""
    told, result, log = folder / OVERRIDES, folder / FILE_NAME, folder / LOG
    asked = "\n".join(sorted(settings)) + "\n"
    if result.is_file() and told.is_file() and told.read_text(encoding="utf-8") == asked:
        print(f"{place}: is there", flush=True)
        return None
    folder.mkdir(parents=True, exist_ok=True)
    result.unlink(missing_ok=True)
    told.write_text(asked, encoding="utf-8")
    print(f"{place}: runs, see {log}", flush=True)
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


def _call(command: list[str], log: Path) -> int:
    """Run a command, its output into `log`; returns its exit code. It does not outlive this process's end."""
    with log.open("w", encoding="utf-8") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        try:
            return process.wait()
        except BaseException:
            process.terminate()
            process.wait()
            raise


def _fault(log: Path) -> str:
    """The error that a run told last, in one line; empty if it told none."""
    lines = [line.strip() for line in log.read_text(encoding="utf-8", errors="replace").splitlines()]
    told = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    return told[-1] if told else ""
