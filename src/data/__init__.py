"""Corpora and questions, from raw files to one schema.

    corpus = prepare(Beir(path="my-corpus", max_passages=30_000), store)
    corpus.passages.read([0, 7]); corpus.queries("test").texts; corpus.positives("train")

A source is one file here and one YAML in conf/data: it names its raw files and hands what it reads to a SchemaWriter
(writer.py), which checks and writes it. Corpus (corpus.py) opens the result. schema.py says how it lies on disk.
"""
