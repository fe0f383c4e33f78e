"""Finished runs, opened again: what their folder and the store hold is enough to answer questions and to be exported.

Nothing is trained, encoded or written. The ranking of a run names, in its manifest, the artifacts it was made from, so
that a run is opened as it was made, whatever the recipe of its retriever has become since.
"""
