"""Token ids of many texts: tokenized once, stored in one flat file, read by slices or rows."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arrays import npy
from ..machine.progress_bar import bar

if TYPE_CHECKING:
    from torch import Tensor

Ids = NDArray[np.unsignedinteger]
Text = str | tuple[str, str]  # a text, or a (title, text)
IDS, OFFSETS = "ids.npy", "offsets.npy"
SECOND = 1 << 31  # added to the ids of a pair's second text; the highest bit on disk, also of uint16
CHARACTERS = 8  # of a long text are read for each token kept, then LONG times as many, ...
LONG = 4  # times CHARACTERS for each token make a text long
MARGIN = 256  # characters


class Tokens:
    """The token ids of N texts, in the folder that `write_tokens` filled.

    ids.npy holds the ids of all texts, offsets.npy int64 [N + 1] where each begins. Both are read by position, so
    resident memory does not grow with the corpus.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        self._ids = npy.layout(self.folder / IDS)
        self._count = npy.layout(self.folder / OFFSETS).shape[0] - 1

    def __len__(self) -> int:
        return self._count

    def slice(self, first: int, last: int) -> list[Ids]:
        """The token ids of texts first..last (exclusive)."""
        if not 0 <= first <= last <= len(self):
            raise IndexError(f"texts {first}..{last} of {len(self)}")
        offsets = npy.read_rows(self.folder / OFFSETS, first, last + 1)
        ids = npy.read_rows(self.folder / IDS, int(offsets[0]), int(offsets[-1]))
        return np.split(ids, offsets[1:-1] - offsets[0]) if last > first else []

    def rows(self, rows: ArrayLike) -> list[Ids]:
        """The token ids of the given texts, in the given order."""
        wanted = np.asarray(rows, dtype=np.int64)
        if len(wanted) and not 0 <= wanted.min() <= wanted.max() < len(self):
            raise IndexError(f"texts {wanted.min()}..{wanted.max()} of {len(self)}")
        offsets = np.load(self.folder / OFFSETS, mmap_mode="r")
        starts, ends = offsets[wanted], offsets[wanted + 1]
        size = self._ids.dtype.itemsize
        with (self.folder / IDS).open("rb", buffering=0) as file:
            return [
                np.frombuffer(
                    os.pread(file.fileno(), (end - start) * size, self._ids.start + start * size), self._ids.dtype
                )
                for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
            ]


@dataclass(frozen=True)
class Form:
    """How texts are presented to a tokenizer.

    prefix: put before the title or text. segments: a (title, text) is a pair even if one of them is empty, and `SECOND`
    is added to the ids of its second text, whose token type is 1.
    """

    prefix: str = ""
    segments: bool = False


PLAIN = Form()


def tokenize(tokenizer: Any, texts: Sequence[Text], max_length: int, form: Form = PLAIN) -> list[list[int]]:
    """Token ids with special tokens, at most `max_length` of each text.

    A (title, text) becomes title [SEP] text, or text if the title is empty. The longer of the two is cut first, which
    is the text unless a title fills half the length. A space separates them if the tokenizer puts nothing between.
    """
    settings = {
        "truncation": "longest_first",
        "max_length": max_length,
        "return_attention_mask": False,
        "return_token_type_ids": form.segments,
    }
    pairs = [_parts(text, form.segments) for text in texts]
    result: list[list[int]] = [[]] * len(pairs)
    for paired in (False, True):
        rows = [row for row, (_, second) in enumerate(pairs) if (second is not None) == paired]
        if not rows:
            continue
        space = " " if paired and not separates(tokenizer) else ""
        first = [clipped(tokenizer, form.prefix + pairs[row][0], max_length) for row in rows]
        second = [clipped(tokenizer, space + str(pairs[row][1]), max_length) for row in rows] if paired else None
        found = tokenizer(first, second, **settings)
        for place, row in enumerate(rows):
            result[row] = found["input_ids"][place]
            if form.segments:
                types = np.asarray(found["token_type_ids"][place], np.int64)
                result[row] = (np.asarray(result[row], np.int64) + types * SECOND).tolist()
    return result


def _parts(text: Text, segments: bool) -> tuple[str, str | None]:
    """The one or two texts to tokenize together."""
    if isinstance(text, str):
        return text, None
    title, body = text
    if segments or (title and body):
        return title, body
    return title or body, None


def separates(tokenizer: Any) -> bool:
    """Whether a tokenizer puts a special token between two texts, such as BERT's [SEP]."""
    whose = tokenizer("a", "b").sequence_ids(0)
    return bool(None in whose[whose.index(0) : whose.index(1)])


def clipped(tokenizer: Any, text: str, count: int) -> str:
    """`text`, or the beginning that decides its first `count` tokens, so that the end of a long text costs no time.

    A beginning is long enough if token `count` is in an earlier word than its last and `MARGIN` characters before its
    end. The rest can then change nothing: words are tokenized separately, and what spans several (combining characters,
    special tokens spelled out) is shorter than that.
    """
    length = CHARACTERS * count
    if len(text) <= LONG * length:
        return text
    while length < len(text):
        found = tokenizer(text[:length], add_special_tokens=False, truncation=False, verbose=False).encodings[0]
        last = found.word_ids[count - 1] if len(found.ids) >= count else None
        if last is not None and last != found.word_ids[-1] and found.offsets[count - 1][1] + MARGIN <= length:
            return text[:length]
        length *= LONG
    return text


def write_tokens(
    batches: Iterable[Sequence[Text]],
    total: int,
    tokenizer: Any,
    max_length: int,
    folder: Path,
    form: Form = PLAIN,
) -> Tokens:
    """Tokenize `total` texts, given in batches of a few thousand, into `folder`; memory holds one batch.

    Ids are uint16 if the vocabulary allows it, else uint32; with `form.segments` the highest bit marks the second text
    of a pair. Raises ValueError if the batches do not hold `total` texts.
    """
    folder.mkdir(parents=True, exist_ok=True)
    offsets = np.zeros(total + 1, dtype=np.int64)

    def chunks() -> Iterator[Ids]:
        done = 0
        for batch in batches:
            ids = tokenize(tokenizer, batch, max_length, form)
            if done + len(ids) > total:
                raise ValueError(f"more than the {total} texts announced")
            lengths = np.fromiter(map(len, ids), np.int64, len(ids))
            offsets[done + 1 : done + len(ids) + 1] = offsets[done] + np.cumsum(lengths)
            done += len(ids)
            shown.update(len(ids))
            yield _packed(ids, dtype, form.segments)
        if done != total:
            raise ValueError(f"{done} texts, {total} were announced")

    dtype = np.dtype(np.uint16 if len(tokenizer) <= 1 << (15 if form.segments else 16) else np.uint32)
    with bar("tokenizing", " texts", total=total) as shown:
        npy.write_stream(folder / IDS, chunks(), dtype)
    np.save(folder / OFFSETS, offsets)
    return Tokens(folder)


def _packed(rows: Sequence[Sequence[int]], dtype: np.dtype[Any], segments: bool) -> Ids:
    """The token ids of all texts as `dtype`, `SECOND` as its highest bit."""
    ids = np.concatenate([np.asarray(row, np.int64) for row in rows]) if rows else np.empty(0, np.int64)
    if segments:
        ids = np.where(ids >= SECOND, ids - SECOND + _highest(dtype), ids)
    packed: Ids = ids.astype(dtype)
    return packed


def _highest(dtype: np.dtype[Any]) -> int:
    """The highest bit of an unsigned type."""
    return 1 << (8 * dtype.itemsize - 1)


class Padded(NamedTuple):
    """Token ids of B texts, int64 [B, L] with the length L of the longest; token_type_ids None: all 0."""

    input_ids: "Tensor"
    attention_mask: "Tensor"
    token_type_ids: "Tensor | None" = None


def pad(rows: Sequence[Ids], pad_id: int, segments: bool = False) -> Padded:
    """B texts as one batch; `segments`: the highest bit of an id is its token type, as in `write_tokens`."""
    import torch

    lengths = np.fromiter(map(len, rows), np.int64, len(rows))
    mask = np.arange(lengths.max()) < lengths[:, None]
    flat = np.concatenate(rows)
    types = None
    if segments:
        highest = _highest(flat.dtype)
        types = np.zeros(mask.shape, dtype=np.int64)
        types[mask] = flat >= highest
        flat = np.bitwise_and(flat, flat.dtype.type(highest - 1))
    ids = np.full(mask.shape, pad_id, dtype=np.int64)
    ids[mask] = flat
    placed = None if types is None else torch.from_numpy(types)
    return Padded(torch.from_numpy(ids), torch.from_numpy(mask.astype(np.int64)), placed)
