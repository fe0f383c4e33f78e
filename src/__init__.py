"""Labrador: a laboratory for dense retrievers and their compressions.

Which dense retriever, under which compression, gives a corpus the best answers per byte and per
millisecond, and is the difference real? `python run.py --help` lists what can be combined.
"""

import os

# Threads of OpenMP libraries (torch, faiss) that wait for work sleep instead of spinning: on a machine with other work
# spinning makes training and search several times slower. Read when those libraries load, so it is set here.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

__version__ = "0.1.0"
