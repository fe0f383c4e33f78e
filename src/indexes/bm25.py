"""BM25: the passages that share terms with a query (Robertson and Zaragoza, 2009).

terms.py says what a term is. The index is bm25s' own (Lucene's variant) in bm25s' own files, memory-mapped. Building it
is ours, since bm25s takes twice the memory and time (benchmarks/bm25.py); so is searching it, as fast as bm25s' numba
backend, which gives equal scores in no order. Both are compiled in postings.py.
"""

from array import array
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import local
from typing import TYPE_CHECKING

import numpy as np

from ..arrays.ragged import Ragged
from ..errors import LabradorError
from ..machine.progress_bar import bar
from ..machine.threads import usable_threads
from .base import Floats, Hits, Index, Ints, QueryTexts
from .terms import Analyzer

if TYPE_CHECKING:
    from .postings import Lists

K1, B = 0.9, 0.4  # Anserini's defaults: the BM25 of the MS MARCO and DPR baselines
BLOCK = 64  # queries that a thread searches at a time
ENGLISH = Analyzer("en")
MINED = 1 << 22  # passages ranked at a time when negatives are mined


def build_bm25(
    batches: Iterable[Sequence[tuple[str, str]]],
    folder: Path,
    total: int | None = None,
    analyzer: Analyzer = ENGLISH,
    k1: float = K1,
    b: float = B,
) -> None:
    """Write the index of passages, given as batches of (title, text), into `folder`; `total` is for the progress bar.

    Holds four bytes per term of the corpus, eight per distinct term of a passage and about 250 per term of the
    vocabulary, a Python dictionary. For the 21 million passages of Wikipedia, with some 60 terms in each, that makes
    about 13 GB and 250 MB per million terms of the vocabulary. Raises LabradorError when no passage has a term.
    """
    import bm25s

    from .postings import Postings, fill, passage_frequencies

    corpus, vocabulary = _numbered(batches, total, analyzer)
    if not vocabulary:
        raise LabradorError(
            f"BM25: expected a term that is not a stop word (language {analyzer.language}), the passages have none; "
            "check the corpus and data.language, or use a dense retriever with sampler=random"
        )
    frequencies = passage_frequencies(corpus, len(vocabulary))
    starts = np.concatenate(([0], np.cumsum(frequencies)))
    passages = len(corpus.offsets) - 1
    idf = np.log1p((passages - frequencies + 0.5) / (frequencies + 0.5))
    postings = Postings(starts, np.empty(starts[-1], dtype=np.int32), np.empty(starts[-1], dtype=np.float32))
    fill(postings, corpus, idf, k1, b)
    index = bm25s.BM25(k1=k1, b=b, method="lucene")
    index.scores = {"data": postings.scores, "indices": postings.passages, "indptr": starts, "num_docs": passages}
    index.vocab_dict, index.nonoccurrence_array = vocabulary, None
    index.save(folder, show_progress=False)
    analyzer.save(folder)


def _numbered(
    batches: Iterable[Sequence[tuple[str, str]]], total: int | None, analyzer: Analyzer
) -> tuple["Lists", dict[str, int]]:
    """The terms of all passages, and the number of each term."""
    from .postings import Lists

    tokenizer = analyzer.tokenizer_of_bm25s()
    ids, lengths = array("i"), array("i")
    with bar("indexing terms", " passages", total=total) as shown:
        for batch in batches:
            texts = (f"{title} {text}" for title, text in batch)
            for found in tokenizer.streaming_tokenize(texts, update_vocab=True, allow_empty=False):
                ids.extend(found)
                lengths.append(len(found))
            shown.update(len(batch))
    offsets = np.concatenate(([0], np.cumsum(np.frombuffer(lengths, dtype=np.int32), dtype=np.int64)))
    return Lists(np.frombuffer(ids, dtype=np.int32), offsets), tokenizer.get_vocab_dict()


class BM25Index(Index[QueryTexts]):
    """The index that `build_bm25` wrote into `folder`, memory-mapped."""

    def __init__(self, folder: Path, threads: int | None = None, ties_from: int = 0) -> None:
        """threads: how many search at once; None: OMP_NUM_THREADS where it is set, else the usable cores."""
        import bm25s

        index = bm25s.BM25.load(folder, mmap=True, show_progress=False)
        self._tokenizer = Analyzer.load(folder).tokenizer_of_bm25s(index.vocab_dict)
        self._postings = [np.asarray(index.scores[name]) for name in ("indptr", "indices", "data")]
        super().__init__(int(index.scores["num_docs"]), ties_from)
        self._threads = threads or usable_threads()
        self._of_thread = local()

    def search(self, queries: QueryTexts, k: int) -> Hits:
        """The k passages of each query with the highest BM25 scores, without its own; k beyond the number of passages
        is cut to it.

        A passage that shares no term with the query is no hit: id -1, score -inf.
        """
        return self._without_own(queries.own, k, lambda count: self._top(queries.texts, count))

    def _top(self, texts: Sequence[str], k: int) -> Hits:
        terms = list(self._tokenizer.streaming_tokenize(texts, update_vocab=False, allow_empty=False))
        shape = len(texts), k
        hits = Hits(np.full(shape, -1, dtype=np.int64), np.full(shape, -np.inf, dtype=np.float32))
        blocks = [slice(first, first + BLOCK) for first in range(0, len(terms), BLOCK)]
        if len(blocks) == 1:
            self._search_block(terms, hits.ids, hits.scores)
            return hits
        with ThreadPoolExecutor(self._threads) as pool:
            for done in [pool.submit(self._search_block, terms[b], hits.ids[b], hits.scores[b]) for b in blocks]:
                done.result()
        return hits

    def _search_block(self, terms: list[list[int]], ids: Ints, scores: Floats) -> None:
        from .postings import Lists, Postings, best

        if not hasattr(self._of_thread, "sums"):
            self._of_thread.sums = np.empty(self.size, dtype=np.float32)
        flat = np.array([term for query in terms for term in query], dtype=np.int32)
        queries = Lists(flat, np.cumsum([0, *map(len, terms)], dtype=np.int64))
        best(Postings(*self._postings), queries, self.ties_from, self._of_thread.sums, ids, scores)


def mine(index: BM25Index, texts: Sequence[str], spared: Ragged, depth: int) -> Ragged:
    """The top `depth` passages of each text in rank order, those `spared` left out: BM25's hard negatives."""
    size = index.size
    values, counts = [np.empty(0, dtype=np.int64)], [np.zeros(1, dtype=np.int64)]
    with bar("mining negatives", " queries", total=len(texts)) as shown:
        first = 0
        while first < len(texts):
            widths = depth + np.maximum.accumulate(spared.lengths[first : first + MINED])
            rows = first + np.arange(max(1, int((np.arange(1, len(widths) + 1) * widths <= MINED).sum())))
            known = spared.take(rows)
            ids = index.search(QueryTexts(texts[first : first + len(rows)]), int(widths[len(rows) - 1])).ids
            keys = np.repeat(np.arange(len(rows)), known.lengths) * size + known.values
            kept = (ids >= 0) & ~np.isin(np.arange(len(rows))[:, None] * size + ids, keys)
            kept &= np.cumsum(kept, axis=1) <= depth
            values.append(ids[kept])
            counts.append(kept.sum(axis=1))
            first += len(rows)
            shown.update(len(rows))
    return Ragged(np.concatenate(values), np.cumsum(np.concatenate(counts)))
