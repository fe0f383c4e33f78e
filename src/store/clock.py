"""The time spent on an artifact by all processes that worked on it, killed ones included."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..machine.files import atomically

EVERY = 10.0  # seconds between two notes, which is the most that a killed process loses


class Clock:
    """Counts seconds from its creation on; notes them in `file` for whoever continues after a kill."""

    def __init__(self, file: Path, going_on: bool) -> None:
        """`going_on`: count the seconds that earlier processes noted in `file`, too."""
        self._file = file
        self._before = self._noted() if going_on else 0.0
        self._start = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Seconds so far, those of earlier processes included."""
        return self._before + time.perf_counter() - self._start

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Note the seconds every `EVERY` seconds and at the end."""
        ended = threading.Event()

        def note() -> None:
            while not ended.wait(EVERY):
                self._note()

        thread = threading.Thread(target=note, name="clock", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
            self._note()

    def _noted(self) -> float:
        try:
            return float(self._file.read_text())
        except (OSError, ValueError):
            return 0.0

    def _note(self) -> None:
        with suppress(OSError), atomically(self._file) as file:  # the work itself meets a full disk
            file.write_text(f"{self.seconds:.3f}")
