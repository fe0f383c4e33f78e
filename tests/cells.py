"""Finished runs of every kind of search, for the tests that open them again."""

from layouts import write_layout
from runner import SMALL, run

WORDS = "quantizer.centroids=16"
CELLS = {  # folder below outputs/ -> its command line; multirun/dense has one per compression
    "bm25": ["retriever=bm25"],
    "lookup": ["retriever=bpr", "search=hash_lookup", "search.candidates=20", "search.tables=2"],
    "bidr": ["retriever=bidr", "retriever.centroids=16", "search.candidates=20", "encoder.projection=16"],
    "towers": ["retriever=dpr", "encoder.shared=false", "encoder.normalize=false"],
}
DENSE = ["retriever=pretrained", "quantizer=flat,sq8,lsh,opq,rabitq", "encoder.query_prefix=query: "]


def make_cells(folder):
    """Run all cells in `folder`, over a corpus in folder/raw; returns the folder."""
    write_layout("beir", folder / "raw")
    where = ["data=beir", "data.path=raw", "encoder.precision=float32", *SMALL]
    for name, cell in CELLS.items():
        done = run(*cell, *where, f"hydra.run.dir=outputs/{name}", cwd=folder)
        assert done.returncode == 0, done.stderr
    for codes, more in ((DENSE[1].replace("opq,", ""), []), ("quantizer=opq", [WORDS, "quantizer.codebooks=4"])):
        name = "opq" if more else "dense"
        cell = [DENSE[0], codes, DENSE[2], *more, f"hydra.sweep.dir=multirun/{name}"]
        done = run("-m", *cell, *where, cwd=folder)
        assert done.returncode == 0, done.stderr
    return folder
