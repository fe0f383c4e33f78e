"""How long an artifact has been worked on, over all the processes that did: a killed one's time is not forgotten."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..machine.files import atomically

EVERY = 10.0  # seconds between two notes: at most so much of a process that was killed at once is not counted


class Clock:
    """Counts seconds from its making on; `file` holds those so far, for whoever goes on after a kill."""

    def __init__(self, file: Path, going_on: bool) -> None:
        """`going_on`: the seconds that former processes have left in `file` are counted."""
        self._file = file
        self._before = self._noted() if going_on else 0.0
        self._start = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Seconds so far, former processes' with them."""
        return self._before + time.perf_counter() - self._start

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Note the seconds every `EVERY` seconds, and when this ends."""
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
