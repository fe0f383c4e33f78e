"""Query a finished run: the top passages of its index, with scores and the stage that gave them.

python search.py run=best "how do I read a csv in chunks"
python search.py run=multirun/2026-01-31/12-00-00/3 k=5
python search.py --help
"""

import sys


def main() -> int:
    """Hand the command line to the prompt. Returns the exit code."""
    from labrador.finished.prompt import main as prompt

    return prompt(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
