"""Token ids of many texts: tokenized once, kept flat on disk, read back by slices or rows."""

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..progress import bar
from . import npyfile

if TYPE_CHECKING:
    from torch import Tensor

Ids = NDArray[np.unsignedinteger]
Text = str | tuple[str, str]  # a text, or a (title, text)
IDS, OFFSETS = "ids.npy", "offsets.npy"


class Tokens:
    """The token ids of N texts, in the folder that `write_tokens` filled.

    ids.npy holds all ids one text after the other, offsets.npy int64 [N + 1] where each begins. Both are read by
    position, so that resident memory does not grow with the corpus.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)
        self._ids = npyfile.layout(self.folder / IDS)
        self._count = npyfile.layout(self.folder / OFFSETS).shape[0] - 1

    def __len__(self) -> int:
        return self._count

    def slice(self, first: int, last: int) -> list[Ids]:
        """The token ids of texts first..last (without last)."""
        if not 0 <= first <= last <= len(self):
            raise IndexError(f"texts {first}..{last} of {len(self)}")
        offsets = npyfile.read_rows(self.folder / OFFSETS, first, last + 1)
        ids = npyfile.read_rows(self.folder / IDS, int(offsets[0]), int(offsets[-1]))
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


def tokenize(tokenizer: Any, texts: Sequence[Text], max_length: int, prefix: str = "") -> list[list[int]]:
    """Token ids with special tokens, at most `max_length` of each text.

    A (title, text) becomes title [SEP] text; an empty title leaves the text alone. The longer of the two is cut
    first, which is the text unless a title fills half the length. `prefix` goes before the title or the text.
    """
    settings = {
        "truncation": "longest_first",
        "max_length": max_length,
        "return_attention_mask": False,
        "return_token_type_ids": False,
    }
    pairs = [(text, "") if isinstance(text, str) else text if text[0] else (text[1], "") for text in texts]
    result: list[list[int]] = [[]] * len(pairs)
    for paired in (False, True):
        rows = [row for row, (_, second) in enumerate(pairs) if bool(second) == paired]
        if rows:
            first = [prefix + pairs[row][0] for row in rows]
            second = [pairs[row][1] for row in rows] if paired else None
            for row, ids in zip(rows, tokenizer(first, second, **settings)["input_ids"], strict=True):
                result[row] = ids
    return result


def write_tokens(
    batches: Iterable[Sequence[Text]], total: int, tokenizer: Any, max_length: int, folder: Path, prefix: str = ""
) -> Tokens:
    """Tokenize `total` texts, given in batches of some thousand, into `folder`; holds one batch in memory.

    Ids are uint16 where the vocabulary allows it, else uint32. The same texts, tokenizer, length and prefix give the
    same files. Raises ValueError when the batches do not hold `total` texts.
    """
    folder.mkdir(parents=True, exist_ok=True)
    offsets = np.zeros(total + 1, dtype=np.int64)

    def chunks() -> Iterator[Ids]:
        done = 0
        for batch in batches:
            ids = tokenize(tokenizer, batch, max_length, prefix)
            if done + len(ids) > total:
                raise ValueError(f"more than the {total} texts announced")
            lengths = np.fromiter(map(len, ids), np.int64, len(ids))
            offsets[done + 1 : done + len(ids) + 1] = offsets[done] + np.cumsum(lengths)
            done += len(ids)
            shown.update(len(ids))
            yield np.concatenate([np.asarray(row, dtype=dtype) for row in ids]) if ids else np.empty(0, dtype)
        if done != total:
            raise ValueError(f"{done} texts, {total} were announced")

    dtype = np.uint16 if len(tokenizer) <= 1 << 16 else np.uint32
    with bar("tokenizing", " texts", total=total) as shown:
        npyfile.write_stream(folder / IDS, chunks(), dtype)
    np.save(folder / OFFSETS, offsets)
    return Tokens(folder)


def pad(rows: Sequence[Ids], pad_id: int) -> "tuple[Tensor, Tensor]":
    """Token ids of B texts as input_ids and attention_mask, both int64 [B, L], L the longest text's length."""
    import torch

    lengths = np.fromiter(map(len, rows), np.int64, len(rows))
    mask = np.arange(lengths.max()) < lengths[:, None]
    ids = np.full(mask.shape, pad_id, dtype=np.int64)
    ids[mask] = np.concatenate(rows)
    return torch.from_numpy(ids), torch.from_numpy(mask.astype(np.int64))
