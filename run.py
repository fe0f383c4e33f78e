"""Train, index, search and score one cell, or with -m a matrix of cells.

python run.py retriever=dpr data=pydocs quantizer=opq
python run.py -m retriever=dpr,pretrained quantizer=flat,lsh,opq
python run.py --help
"""

import sys
from pathlib import Path

CONF = Path(__file__).resolve().parent / "conf"


def main() -> int:
    """Answer --help at once; otherwise launch the command line. Returns the exit code."""
    if {"--help", "-h"} & set(sys.argv[1:]):
        from labrador.launcher.help import help_text

        print(help_text(CONF))
        return 0
    from labrador.launcher.launch import launch

    return launch(CONF)


if __name__ == "__main__":
    sys.exit(main())
