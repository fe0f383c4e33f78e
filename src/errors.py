"""The error that is meant for people."""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
NO_ROOM_IN_WORDS = (
    *(re.compile(re.escape(os.strerror(number))) for number in NO_ROOM),
    re.compile(r"\d+ requested and \d+ written"),  # numpy
    re.compile(r"inline_container.*(unexpected pos|failed writing)|PytorchStreamWriter failed", re.DOTALL),  # torch
)


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
    """Whether an error, or one that it was raised from, says that a disk or its quota is full or a file at its limit.

    An OSError does so by its number; numpy's `tofile` raises one without, and faiss, safetensors, tokenizers and torch
    raise errors of their own.
    """
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno is not None:
            if seen.errno in NO_ROOM:
                return True
        elif any(words.search(str(seen)) for words in NO_ROOM_IN_WORDS):
            return True
        seen = seen.__cause__ or seen.__context__
    return False
