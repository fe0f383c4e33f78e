"""Encoders whose files lie in a folder of transformers' layout."""

from abc import abstractmethod
from functools import cached_property
from pathlib import Path
from typing import Any

from ..settings import component
from . import model_files
from .base import Encoder


@component
class FolderEncoder(Encoder):
    """What AutoModel reads, with weights in safetensors; a subclass says which folder."""

    @abstractmethod
    def folder(self) -> Path:
        """Where the files are. Raises LabradorError if they are unavailable."""

    def fingerprint(self) -> str:
        return self._fingerprint

    def tokenizer_fingerprint(self) -> str:
        return self._tokenizer_fingerprint

    @cached_property
    def _fingerprint(self) -> str:
        return model_files.fingerprint(self.folder())

    @cached_property
    def _tokenizer_fingerprint(self) -> str:
        return model_files.fingerprint(self.folder(), model_files.TOKENIZER)

    def width(self) -> int:
        return model_files.width(self.folder())

    def tokenizer(self) -> Any:
        folder = self.folder()
        self.check_lengths(model_files.longest_input(folder))
        tokenizer = model_files.read_tokenizer(folder)
        model_files.check_vocabulary(folder, len(tokenizer))
        return tokenizer

    def load_model(self, dropout: float | None = None) -> Any:
        folder = self.folder()
        self.check_lengths(model_files.longest_input(folder))
        return model_files.read_model(folder, dropout)

    def load_classifier(self, *, ready: bool, dropout: float | None = None) -> Any:
        folder = self.folder()
        self.check_lengths(model_files.longest_input(folder))
        return model_files.read_classifier(folder, ready=ready, dropout=dropout)
