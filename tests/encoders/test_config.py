"""Every YAML of conf/encoder builds its encoder without torch, a download or weights."""

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "conf" / "encoder"
CODE = """
import sys, yaml
from pathlib import Path
from hydra.utils import instantiate
for path in sorted(Path(sys.argv[1]).glob("*.yaml")):
    print(path.stem, type(instantiate(yaml.safe_load(path.read_text()))).__name__)
assert not {"torch", "transformers", "huggingface_hub"} & set(sys.modules)
"""


def test_every_option_is_built_without_torch():
    run = subprocess.run([sys.executable, "-c", CODE, str(FOLDER)], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    assert run.stdout.split("\n")[:-1] == [
        "bert_base HubEncoder",
        "electra_base HubEncoder",
        "ernie_base HubEncoder",
        "minilm BundledMiniLM",
        "roberta_base HubEncoder",
        "tiny Tiny",
    ]
