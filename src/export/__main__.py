"""`python -m labrador.export RUN DIR`: write a finished run as a folder that sentence-transformers and faiss load."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ..errors import LabradorError


def main(arguments: Sequence[str] | None = None) -> int:
    """Export. Returns the exit code: 2 for a run that cannot be exported or a folder that cannot be written."""
    parser = argparse.ArgumentParser(prog="python -m labrador.export", description=__doc__)
    parser.add_argument("run", help="a run's folder, or best: the run with the highest MRR@10 below outputs, multirun")
    parser.add_argument("folder", type=Path, help="folder to write; it must not exist yet, or be empty")
    parser.add_argument("--store", type=Path, help="store with the run's artifacts (where the run had it)")
    settings = parser.parse_args(arguments)
    try:
        from ..finished.runs import choose
        from .write import export

        run = choose(settings.run, settings.store)
        export(run, settings.folder)
    except LabradorError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; nothing is left of the export", file=sys.stderr)
        return 130
    print(f"{run.folder} is exported to {settings.folder}; its README.md says how to load it")
    return 0


if __name__ == "__main__":
    sys.exit(main())
