"""The error that is meant for people."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager


class LabradorError(Exception):
    """A mistake in the input or the settings, told in one line: the value, what was expected, how to fix it.

    The runner prints the line and ends with exit code 2; any other exception is a fault of Labrador's own
    and keeps its traceback.
    """


@contextmanager
def settings_of(component: str) -> Iterator[None]:
    """Say of a setting at fault whose it is: "alpha=-1: ..." becomes "retriever.alpha=-1: ..."."""
    try:
        yield
    except LabradorError as error:
        raise LabradorError(f"{component}.{error}") from error


def is_disk_full(error: BaseException) -> bool:
    """Whether an error says that a disk or its quota is full: an OSError, or what faiss and safetensors make of one."""
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    return os.strerror(errno.ENOSPC) in str(error)
