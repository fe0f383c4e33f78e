"""The error that is meant for people."""

import errno
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
NO_ROOM_IN_WORDS = (
    *(re.compile(re.escape(os.strerror(number))) for number in NO_ROOM),
    re.compile(r"\d+ requested and \d+ written"),  # numpy
    re.compile(r"inline_container.*(unexpected pos|failed writing)|PytorchStreamWriter failed", re.DOTALL),  # torch
)


class LabradorError(Exception):
    """A mistake in the input or the settings, reported on one line: where, the value, what is expected, how to fix it.

    The runner prints the line and ends with exit code 2; any other exception is a fault of Labrador's own
    and keeps its traceback.
    """


class SettingError(LabradorError):
    """A setting with a value it cannot have: `component.key=value: expected X; remedy`.

    A component raises it without a `component`, since it does not know its group; who does adds it (`of`).
    """

    def __init__(self, key: str, value: Any, expected: str, remedy: str = "", component: str = "") -> None:
        super().__init__(key, value, expected, remedy, component)
        self.key, self.value, self.expected, self.remedy, self.component = key, value, expected, remedy, component

    def of(self, component: str, key: str | None = None) -> "SettingError":
        """The same fault as a setting of `component`, where it may have another `key`."""
        return SettingError(key or self.key, self.value, self.expected, self.remedy, component)

    def __str__(self) -> str:
        name = f"{self.component}.{self.key}" if self.component else self.key
        return f"{name}={spelled(self.value)}: expected {self.expected}" + (f"; {self.remedy}" if self.remedy else "")


def spelled(value: Any) -> str:
    """A setting's value in one spelling, as on the command line: 2e-4 and 0.0002 give "0.0002", 1.0 gives "1"."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float):
        return repr(value).removesuffix(".0")
    if isinstance(value, Mapping):
        return f"{{{','.join(f'{key}:{spelled(item)}' for key, item in value.items())}}}"
    if isinstance(value, (list, tuple)):
        return f"[{','.join(map(spelled, value))}]"
    return str(value)


@contextmanager
def settings_of(component: str) -> Iterator[None]:
    """Report a setting at fault as one of `component`, where it has its value."""
    try:
        yield
    except SettingError as error:
        raise error.of(component) from error


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
