"""Any transformers model: from a local folder or by its name on the Hugging Face hub."""

from functools import cached_property
from pathlib import Path
from typing import Any

from ..errors import SettingError
from ..settings import REQUIRED, component, setting
from . import model_files, model_settings
from .folder import FolderEncoder

CONVERTER = "SFconvertbot"  # the hub's own account that adds safetensors to repositories without them
EXPECTED = "a model's folder or its name on the hub"
OFFLINE = "offline, name a folder, or use encoder=minilm"


@component
class HubEncoder(FolderEncoder):
    """BERT, RoBERTa, ELECTRA, ERNIE, MiniLM ...: what AutoModel reads, with weights in safetensors."""

    model: str = setting(REQUIRED, "a local folder or a name on the Hugging Face hub", key=False, path=True)
    revision: str | None = setting(None, "a commit, tag or branch on the hub; null: the newest", key=False)

    def folder(self) -> Path:
        """Where the files are, downloaded if necessary.

        Raises LabradorError, naming what works offline, if they are unavailable.
        """
        local = Path(self.model).expanduser()
        if local.is_dir():
            return local
        if self.model.startswith((".", "/", "~")):
            raise SettingError("model", self.model, EXPECTED, "there is no such folder", "encoder")
        return self._downloaded

    @cached_property
    def _downloaded(self) -> Path:
        return _download(self.model, self.revision)

    def check(self) -> None:
        model_settings.check_settings(self.folder(), self, f"encoder.model={self.model}")
        super().check()

    def load_classifier(self, *, ready: bool, dropout: float | None = None) -> Any:
        if ready:
            model_settings.check_teacher(self.folder(), self.model)
        return super().load_classifier(ready=ready, dropout=dropout)

    def load_model(self, dropout: float | None = None) -> Any:
        model_settings.check_settings(self.folder(), self, f"encoder.model={self.model}")
        return super().load_model(dropout)


def _download(name: str, revision: str | None) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.utils import httpx  # type: ignore[attr-defined]  # its HTTP client, under the version's name

    patterns = [model_files.CONFIG, *model_files.WEIGHTS, *model_files.TOKENIZER, *model_settings.FILES]
    try:
        folder = Path(snapshot_download(name, revision=revision, allow_patterns=patterns))
        if not model_files.has_weights(folder) and revision is None:
            folder = Path(snapshot_download(name, revision=_converted(name), allow_patterns=patterns))
        return folder
    except (OSError, ValueError, httpx.HTTPError) as error:
        reason = str(error).strip().splitlines()[0]
        raise SettingError("model", name, f"{EXPECTED}; it is unavailable ({reason})", OFFLINE, "encoder") from error


def _converted(name: str) -> str:
    """The pull request in which the hub's converter offers a repository's weights as safetensors."""
    from huggingface_hub import get_repo_discussions

    for request in get_repo_discussions(name, author=CONVERTER, discussion_type="pull_request"):
        if request.git_reference and "safetensors" in request.title:
            return request.git_reference
    remedy = "convert it with transformers' save_pretrained and name the folder"
    raise SettingError("model", name, "a model with weights in safetensors", remedy, "encoder")
