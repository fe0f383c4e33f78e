"""The store: content-addressed artifacts on disk, each made once.

    store = Store(Path("artifacts"))
    artifact = store.make(Recipe("codes", config={"quantizer": describe(OPQ())}, inputs={"vectors": key}), write_codes)

An artifact is named by what it is made from (keys.py), written to a temporary folder and renamed when whole (store.py),
and checked against its manifest whenever it is found (artifact.py). `python -m labrador.store ls|verify|gc`.
"""

from .artifact import Artifact
from .keys import Recipe, describe
from .store import Store

__all__ = ["Artifact", "Recipe", "Store", "describe"]
