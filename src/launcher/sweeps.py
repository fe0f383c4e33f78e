"""The cells of a sweep in whatever processes a launcher runs them: which failed is told through files.

A launcher (joblib, submitit, ray) runs cells in other processes or on other machines. What these share with the one
that started the sweep is the sweep's folder: a cell that fails leaves `failed.txt` in its own folder there.
"""

import errno
import re
import shutil
from concurrent.futures import BrokenExecutor
from pathlib import Path
from typing import Any, ClassVar

from hydra.experimental.callback import Callback
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

FAILED = "failed.txt"  # in the folder of a cell that failed: why, in one line
UNUSABLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT)  # no rights, or no space
AGAIN = "started again, it continues from what is finished"
DATED = re.compile(r"(outputs|multirun)(/\d{4}-\d{2}-\d{2})?$")  # folders that Hydra makes for a run's own
CLUSTERS = ("submitit", "ray")  # packages whose errors say that a cell's process is gone, since cells raise none


class Sweeps(Callback):
    """Hydra calls it in the process that starts a sweep; it keeps the folder of the last one."""

    folder: ClassVar[Path | None] = None
    config: ClassVar[DictConfig | None] = None

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        """A sweep that is started again in its folder starts without the failures of the last time."""
        Sweeps.folder, Sweeps.config = Path(str(config.hydra.sweep.dir)), config
        for file in Sweeps.folder.rglob(FAILED):
            file.unlink()


def leave_failure(folder: Path, why: str) -> None:
    """Say in the folder of a cell why it failed; a line break becomes a blank."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FAILED).write_text(" ".join(why.split()) + "\n", encoding="utf-8")


def clear(folder: Path, job: str) -> None:
    """Remove what Hydra wrote into the folder of a cell that failed, and the folder if nothing else is in it.

    So are those above it that Hydra names by the day, outputs/2026-01-31.
    """
    if folder.resolve() == Path.cwd() or (folder / "result.json").exists():  # a result that a tracker did not get
        return
    shutil.rmtree(folder / ".hydra", ignore_errors=True)
    (folder / f"{job}.log").unlink(missing_ok=True)
    for place in (folder, *(parent for parent in folder.parents[:2] if DATED.search(parent.as_posix()))):
        if place.is_dir() and not any(place.iterdir()):
            place.rmdir()


def failures(folder: Path) -> list[str]:
    """Why cells below the folder of a sweep failed, in the order of their numbers, each with the folders it is of."""
    where: dict[str, list[str]] = {}
    for file in sorted(folder.rglob(FAILED), key=lambda file: _natural(file.relative_to(folder))):
        where.setdefault(file.read_text(encoding="utf-8").strip(), []).append(str(file.parent))
    return [f"{why} (in {', '.join(folders)})" for why, folders in where.items()]


def outer_fault(error: Exception) -> str | None:
    """What to say of an error that is not Labrador's: a killed process, a place that cannot be used, no Slurm.

    None for any other.
    """
    if killed(error):
        return f"a process of the sweep was killed ({' '.join(str(error).split())[:200]}); {AGAIN}"
    cause = error if isinstance(error, OSError) else error.__cause__
    if isinstance(cause, OSError) and (fault := refused(cause)) is not None:
        return f"{fault} (hydra.run.dir=FOLDER, with -m hydra.sweep.dir=FOLDER)"
    if isinstance(error, RuntimeError) and "srun" in str(error):
        return f"hydra/launcher=submitit_slurm: {error}; start it where Slurm is, or use submitit_local or joblib"
    return None


def refused(error: Exception) -> str | None:
    """What to say of a file or folder that the system refuses; None for any other error."""
    if not isinstance(error, OSError) or error.errno not in UNUSABLE:
        return None
    where = error.filename or "the folder of the run"
    return f"{where}: cannot be read or written ({error.strerror}); expected a place that is yours, with free space"


def killed(error: Exception) -> bool:
    """Whether a launcher's error says that a process ended before its cell did: out of memory or time, preempted."""
    return isinstance(error, BrokenExecutor) or type(error).__module__.partition(".")[0] in CLUSTERS


def composition_fault(error: Exception) -> str:
    """Hydra's or OmegaConf's complaint about the command line in one line, with the settings that are allowed."""
    cause = error.__cause__ if isinstance(error.__cause__, OmegaConfBaseException) else error
    line = " ".join(str(error).partition("Config search path")[0].split())
    if "hydra.cc" in line or "LexerNoViableAlt" in line:
        line += "; a value with marks of Hydra's own is quoted twice, as in \"data.path='my (data)'\""
    parent = getattr(cause, "parent_node", None)
    if isinstance(parent, DictConfig):
        line += f"; settings there: {', '.join(str(key) for key in parent if key != '_target_')}"
    return line


def interpolation_fault(error: OmegaConfBaseException) -> str:
    """OmegaConf's complaint about a value with ${...} in one line, with the setting that it is in."""
    where = f"{error.full_key}: " if error.full_key else ""
    why = (str(error).splitlines() or [type(error).__name__])[0]
    return f"{where}{why}; ${{NAME}} stands for the setting NAME, and the text ${{ is written \\${{ within quotes"


def _natural(path: Path) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", str(path))]
