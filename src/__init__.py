"""Labrador: a laboratory for dense retrievers and their compressions.

Which dense retriever, under which compression, gives a corpus the best answers per byte and per
millisecond, and is the difference real? `python run.py --help` lists what can be combined.
"""

__version__ = "0.1.0"
