"""The text of --help: what components declare, complete over the real conf/."""

from pathlib import Path

import pytest
import yaml

from labrador.errors import LabradorError, spelled
from labrador.launcher.help import COLUMN, WIDTH, help_text
from labrador.launcher.options import read_groups, read_option
from labrador.settings import RunSettings, declared

CONF = Path(__file__).resolve().parents[2] / "conf"
GROUPS = ("data", "encoder", "train", "sampler", "quantizer", "search", "retriever", "tracker")

TREE = {
    "config.yaml": """\
        # the settings
        defaults:
          - _self_
          - quantizer: pq
          - data: mine
          - override hydra/sweeper: distinct
        hydra:
          run:
            dir: outputs  # not ours
        """,
    "quantizer/pq.yaml": """\
        # product quantization
        _target_: labrador.quantizers.pq.PQ
        codebooks: 16
        """,
    "quantizer/small.yaml": """\
        # the same, smaller
        defaults:
          - pq
          - _self_
        centroids: 16
        """,
    "quantizer/opq.yaml": """\
        # with a rotation
        _target_: labrador.quantizers.opq.OPQ
        """,
    "quantizer/lsh.yaml": """\
        # signs
        _target_: labrador.quantizers.lsh.LSH
        """,
    "data/mine.yaml": """\
        # my corpus
        defaults:
          - override /quantizer@_global_.quantizer: lsh
        _target_: labrador.data.beir.Beir
        """,
    "hydra/help.yaml": "# not a group\nx: 1\n",
}


@pytest.fixture
def conf(tmp_path):
    for name, text in TREE.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        lines = text.split("\n")
        indent = len(lines[0]) - len(lines[0].lstrip())
        (tmp_path / name).write_text("\n".join(line[indent:] for line in lines))
    return tmp_path


def test_an_option_is_read(conf):
    option = read_option(conf / "quantizer" / "small.yaml")
    assert option.about == "the same, smaller"
    assert option.given == {"codebooks": 16, "centroids": 16}
    assert list(option.settings) == ["codebooks", "centroids", "training_passages"]
    assert [option.value(key) for key in option.settings] == [16, 16, 65536]
    assert read_option(conf / "data" / "mine.yaml").chooses == {"quantizer": "lsh"}
    assert read_option(conf / "config.yaml").chooses == {"quantizer": "pq", "data": "mine"}


def test_help_lists_options_settings_and_defaults(conf, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    lines = [line.rstrip() for line in help_text(conf).splitlines()]
    start = lines.index("quantizer=")
    assert lines[start + 1 : start + 5] == [
        f"{'    lsh':{COLUMN}}  signs",
        f"{'    opq':{COLUMN}}  with a rotation",
        f"{'  * pq':{COLUMN}}  product quantization",
        f"{'    small':{COLUMN}}  the same, smaller",
    ]
    settings = [line.split() for line in lines[start + 5 :] if line.startswith("      quantizer.")]
    assert [setting[0] for setting in settings] == [
        *("quantizer.codebooks=16", "quantizer.centroids=256", "quantizer.training_passages=65536"),
        *("quantizer.bits=null", "quantizer.iterations=60"),
    ]
    text = "\n".join(lines)
    assert f"[>= 1] (opq, pq, small)\n{'      quantizer.centroids=256':{COLUMN}}" in text
    assert f"{'  * mine':{COLUMN}}  my corpus (sets quantizer=lsh)" in lines
    assert lines.index("quantizer=") < lines.index("data=")  # as in config.yaml
    assert not any("hydra" in line or "outputs" in line for line in lines)
    assert lines[2].startswith("Usage: python run.py")
    assert sum(line.startswith("  python run.py") for line in lines) == 3


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_lines_are_wrapped_under_their_column(conf, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = [line.rstrip() for line in help_text(conf).split("Examples")[0].split("Groups")[1].splitlines()][1:]
    assert max(map(len, lines)) <= min(columns, WIDTH)
    first = lines.index("      quantizer.training_passages=65536")  # too long for its column
    assert lines[first + 1].startswith(" " * COLUMN + "  maximum")
    language = next(i for i, line in enumerate(lines) if "data.language=auto" in line)
    following = next(i for i, line in enumerate(lines) if "data.tokenizer=auto" in line)
    shown = " ".join(line[COLUMN:].strip() for line in lines[language:following])
    assert shown == declared(read_option(conf / "data" / "mine.yaml").component)["language"].about


def test_a_folder_without_config_is_reported(tmp_path):
    with pytest.raises(LabradorError, match=r"no config\.yaml there"):
        help_text(tmp_path)


@pytest.mark.parametrize("file", sorted(CONF.glob("*/*.yaml")), ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_every_option_of_conf_is_described_and_changes_its_component(file):
    """A file sets settings that its component has, to other values than the component's own."""
    option = read_option(file)
    assert option.about, f"{file}: the first line must be `# What this is`"
    assert option.component is not None
    for key, value in yaml.safe_load(file.read_text()).items():
        if key not in ("_target_", "defaults"):
            assert value != option.settings[key].default, f"{file}: {key} has its default"


def test_the_real_help_names_every_group_option_and_setting(monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    text = help_text(CONF)
    flat = " ".join(text.split())
    groups = read_groups(CONF)
    assert set(groups) == set(GROUPS)
    chosen = read_option(CONF / "config.yaml").chooses
    assert set(chosen) == set(GROUPS)
    for group, options in groups.items():
        assert f"{group}=\n" in text
        assert f"  * {chosen[group]}" in text
        assert chosen[group] in options
        for name, option in options.items():
            assert f" {name} " in text
            for key, setting in option.settings.items():
                assert f"{group}.{key}=" in text
                assert " ".join(setting.about.split()) in flat
                assert all(limit in flat for limit in setting.limits)
                assert " | ".join(map(spelled, setting.choices)) in flat
    assert all(f"  {key}={spelled(setting.default)} " in text for key, setting in declared(RunSettings).items())
