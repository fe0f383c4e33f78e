"""BM25 by bm25s: the passages that share words with a query (Robertson and Zaragoza, 2009).

words.py says what a word is. The index is bm25s' own (Lucene's variant) in bm25s' own files, memory-mapped. Building
and searching it are compiled in postings.py: no Python object per passage, and equal scores in the order of ties.
"""

from array import array
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Empty, SimpleQueue

import numpy as np
from numpy.typing import NDArray

from ..arrays.ragged import Ragged
from ..errors import LabradorError
from ..machine.progress_bar import bar
from ..machine.threads import usable_threads
from .base import Hits, Index, QueryTexts
from .terms import Analyzer

K1, B = 0.9, 0.4  # Anserini's defaults: the BM25 of the MS MARCO and DPR baselines
BLOCK = 64  # queries one thread searches at a time
ENGLISH = Analyzer("en")
MINED = 1 << 22  # passages ranked at a time where negatives are mined


def build_bm25(
    batches: Iterable[Sequence[tuple[str, str]]],
    folder: Path,
    total: int | None = None,
    analyzer: Analyzer = ENGLISH,
    k1: float = K1,
    b: float = B,
) -> None:
    """Index the passages, given as batches of (title, text), into `folder`; `total` is for the progress bar.

    Holds four bytes per word of the corpus, eight per distinct word of a passage and about 250 per word of the
    vocabulary, a Python dictionary. For the 21 million passages of Wikipedia, with some 60 words besides stopwords in
    each, that makes about 13 GB and 250 MB per million words of the vocabulary.
    Raises LabradorError when no passage has a word.
    """
    import bm25s

    from .postings import fill_postings, passage_frequencies

    ids, offsets, vocabulary = _numbered(batches, total, analyzer)
    if not vocabulary:
        raise LabradorError(
            f"BM25: no passage has a word besides stop words (language {analyzer.language}); expected at least one; "
            "check the corpus and data.language, or use a dense retriever with sampler=random"
        )
    frequencies = passage_frequencies(ids, offsets, len(vocabulary))
    starts = np.concatenate(([0], np.cumsum(frequencies)))
    passages = len(offsets) - 1
    idf = np.log1p((passages - frequencies + 0.5) / (frequencies + 0.5))
    rows, scores = np.empty(starts[-1], dtype=np.int32), np.empty(starts[-1], dtype=np.float32)
    fill_postings(ids, offsets, starts, idf, k1, b, rows, scores)
    index = bm25s.BM25(k1=k1, b=b, method="lucene")
    index.scores = {"data": scores, "indices": rows, "indptr": starts, "num_docs": passages}
    index.vocab_dict, index.nonoccurrence_array = vocabulary, None
    index.save(folder, show_progress=False)
    analyzer.save(folder)


def _numbered(
    batches: Iterable[Sequence[tuple[str, str]]], total: int | None, analyzer: Analyzer
) -> tuple[NDArray[np.int32], NDArray[np.int64], dict[str, int]]:
    """Word ids of all passages, where each passage's begin [N + 1], and the id of each word."""
    tokenizer = analyzer.tokenizer_of_bm25s()
    ids, lengths = array("i"), array("i")
    with bar("indexing words", " passages", total=total) as shown:
        for batch in batches:
            texts = (f"{title} {text}" for title, text in batch)
            for found in tokenizer.streaming_tokenize(texts, update_vocab=True, allow_empty=False):
                ids.extend(found)
                lengths.append(len(found))
            shown.update(len(batch))
    offsets = np.concatenate(([0], np.cumsum(np.frombuffer(lengths, dtype=np.int32), dtype=np.int64)))
    return np.frombuffer(ids, dtype=np.int32), offsets, tokenizer.get_vocab_dict()


class LexicalIndex(Index[QueryTexts]):
    """The index that `build_bm25` wrote into `folder`, memory-mapped."""

    def __init__(self, folder: Path, threads: int | None = None, ties_from: int = 0) -> None:
        """`threads` search at once; None: OMP_NUM_THREADS where it is set, else the usable cores."""
        import bm25s

        index = bm25s.BM25.load(folder, mmap=True, show_progress=False)
        self._tokenizer = Analyzer.load(folder).tokenizer_of_bm25s(index.vocab_dict)
        self._starts, self._rows, self._scores = (
            np.asarray(index.scores[name]) for name in ("indptr", "indices", "data")
        )
        super().__init__(int(index.scores["num_docs"]), ties_from)
        self._threads = threads or usable_threads()
        self._sums: SimpleQueue[NDArray[np.float32]] = SimpleQueue()  # working space [N] that no thread uses now

    def search(self, queries: QueryTexts, k: int) -> Hits:
        """The k passages of each query with the highest BM25 scores, without its own; k beyond the number of passages
        is cut to it.

        A passage that shares no term with the query is no hit: id -1, score -inf.
        """
        return self._without_own(queries.own, k, lambda count: self._top(queries.texts, count))

    def _top(self, texts: Sequence[str], k: int) -> Hits:
        words = list(self._tokenizer.streaming_tokenize(texts, update_vocab=False, allow_empty=False))
        shape = len(texts), k
        hits = Hits(np.full(shape, -1, dtype=np.int64), np.full(shape, -np.inf, dtype=np.float32))
        blocks = [slice(first, first + BLOCK) for first in range(0, len(words), BLOCK)]
        if len(blocks) == 1:
            self._search_block(words, hits.ids, hits.scores)
            return hits
        with ThreadPoolExecutor(self._threads) as pool:
            for done in [pool.submit(self._search_block, words[b], hits.ids[b], hits.scores[b]) for b in blocks]:
                done.result()
        return hits

    def _search_block(self, words: list[list[int]], ids: NDArray[np.int64], scores: NDArray[np.float32]) -> None:
        from .postings import best

        flat = np.array([word for text in words for word in text], dtype=np.int32)
        offsets = np.cumsum([0, *map(len, words)], dtype=np.int64)
        try:
            sums = self._sums.get_nowait()
        except Empty:
            sums = np.empty(self.size, dtype=np.float32)
        best(flat, offsets, self._starts, self._rows, self._scores, sums, self.ties_from, ids, scores)
        self._sums.put(sums)


def mine(index: LexicalIndex, texts: Sequence[str], spared: Ragged, depth: int) -> Ragged:
    """The top `depth` passages of each text in rank order, those `spared` left out: hard negatives by words."""
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
