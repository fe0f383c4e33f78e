"""Errors in one line each: faults of the settings, the data or the machine; None for any other error.

What happens to a cell that fails is in sweeps.py.
"""

import errno
from concurrent.futures import BrokenExecutor

from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException, MissingConfigException
from omegaconf import DictConfig
from omegaconf.errors import ConfigAttributeError, ConfigKeyError, OmegaConfBaseException
from yaml import YAMLError

from ..errors import LabradorError

COMPOSITION = (HydraException, OmegaConfBaseException, ValueError, YAMLError)  # of a command line that is wrong
UNUSABLE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT)  # no rights, or no space
CLUSTERS = ("submitit", "ray")  # packages whose errors say that a cell's process is gone, since cells raise none
AGAIN = "started again, it continues from what is finished"


def fault_of(error: Exception) -> str | None:
    """The fault that made a cell fail."""
    if isinstance(error, OmegaConfBaseException):
        return interpolation_fault(error)
    return str(error) if isinstance(error, LabradorError) else refused(error)


def outer_fault(error: Exception) -> str | None:
    """The fault of what is outside the cells: a wrong command line, a killed process, a folder that is refused."""
    if isinstance(error, LabradorError):
        return str(error)
    if killed(error):
        return f"a process of the sweep was killed ({' '.join(str(error).split())[:200]}); {AGAIN}"
    cause = error if isinstance(error, OSError) else error.__cause__
    if isinstance(cause, OSError) and (fault := refused(cause)) is not None:
        return f"{fault} (hydra.run.dir=FOLDER, with -m hydra.sweep.dir=FOLDER)"
    if isinstance(error, RuntimeError) and "srun" in str(error):
        return f"hydra/launcher=submitit_slurm: {error}; start it where Slurm is, or use submitit_local or joblib"
    if isinstance(error, COMPOSITION) and not HydraConfig.initialized():
        return composition_fault(error)
    return None


def refused(error: Exception) -> str | None:
    """A file or folder that the system refuses."""
    if not isinstance(error, OSError) or error.errno not in UNUSABLE:
        return None
    where = error.filename or "the folder of the run"
    return f"{where}: cannot be read or written ({error.strerror}); expected a place that is yours, with free space"


def killed(error: Exception) -> bool:
    """Whether a launcher's error says that a process ended before its cell did: out of memory or time, preempted."""
    return isinstance(error, BrokenExecutor) or type(error).__module__.partition(".")[0] in CLUSTERS


def composition_fault(error: Exception) -> str:
    """Hydra's or OmegaConf's complaint about the command line, with the settings that are allowed."""
    cause = error.__cause__ if isinstance(error.__cause__, OmegaConfBaseException) else error
    parent = getattr(cause, "parent_node", None)
    if isinstance(cause, ConfigAttributeError | ConfigKeyError) and isinstance(parent, DictConfig):
        there = ", ".join(str(key) for key in parent if key not in ("_target_", "hydra")) or "none"
        return f"{cause.full_key}: no such setting; expected one of {there}"
    if "Ambiguous value for argument" in str(error):
        given = str(error).partition("'")[2].partition("'")[0]
        return f"{given}: expected one value; add -m to run a cell for each, or quote the value to keep its comma"
    if isinstance(error, MissingConfigException) and error.options:
        group, _, option = str(error.missing_cfg_file).rpartition("/")
        return f"{group}={option}: no such option; expected one of {', '.join(error.options)}"
    line = " ".join(str(error).partition("Config search path")[0].split())
    if "hydra.cc" in line or "LexerNoViableAlt" in line:
        line += "; quote a value with characters of Hydra's grammar twice, as in \"data.path='my (data)'\""
    return line


def interpolation_fault(error: OmegaConfBaseException) -> str:
    """OmegaConf's complaint about a value with ${...}, with the setting that it is in."""
    where = f"{error.full_key}: " if error.full_key else ""
    why = (str(error).splitlines() or [type(error).__name__])[0]
    return f"{where}{why}; ${{NAME}} stands for the setting NAME, and the text ${{ is written \\${{ within quotes"
