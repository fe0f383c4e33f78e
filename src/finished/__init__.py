"""Finished runs, opened again from their folder and the store: to query them, and to export them.

Nothing is trained, encoded or written. The manifest of a run's ranking names the artifacts it was made from, so a run
is opened as it was made, whatever its retriever's recipe has become since.
"""
