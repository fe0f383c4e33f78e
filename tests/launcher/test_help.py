"""The text of --help: read off YAML comments, complete over the real conf/."""

from pathlib import Path

import pytest
import yaml

from labrador.errors import LabradorError
from labrador.launcher.help import COLUMN, WIDTH, help_text, read_groups, read_option

CONF = Path(__file__).resolve().parents[2] / "conf"
GROUPS = ("data", "encoder", "train", "sampler", "quantizer", "search", "retriever", "tracker")

TREE = {
    "config.yaml": """\
        # the settings
        defaults:
          - _self_
          - quantizer: pq
          - data: mine
        seed: 3  # of every random choice
        hydra:
          run:
            dir: outputs  # not ours
        """,
    "quantizer/pq.yaml": """\
        # product quantization
        _target_: labrador.quantizers.pq.PQ
        codebooks: 48  # bytes per passage
        sample: 1000  # vectors trained on
        bits: 8  # of a word
        """,
    "quantizer/flat.yaml": """\
        # no compression
        _target_: labrador.quantizers.flat.Flat
        sample: 5  # another value
        bits: 8  # of a word
        note: "a # b"  # quoted
        nested:  # with keys of its own
          inner: 3
        """,
    "data/mine.yaml": """\
        # my corpus
        # @package data
        defaults:
          - override /quantizer@_global_.quantizer: flat
        path: null  # folder of the raw files; it is read as it lies there, plain or gzip, and never changed by anything
        a_rather_long_name_of_a_setting: ${store}  # long
        """,
    "hydra/help.yaml": "# not a group\nx: 1  # y\n",
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
    option = read_option(conf / "quantizer" / "flat.yaml")
    assert option.about == "no compression"
    assert {key: (s.value, s.about) for key, s in option.settings.items()} == {
        "sample": ("5", "another value"),
        "bits": ("8", "of a word"),
        "note": ('"a # b"', "quoted"),
        "nested": ("", "with keys of its own"),
    }
    assert read_option(conf / "data" / "mine.yaml").chooses == {"quantizer": "flat"}


def lines_of(text):
    return [line.rstrip() for line in text.splitlines()]


def test_help_lists_options_settings_and_defaults(conf, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    lines = lines_of(help_text(conf))
    start = lines.index("quantizer=")
    block = [line.split("  ", maxsplit=2) for line in lines[start + 1 : start + 9]]
    assert [[word for word in " ".join(line).split(" ") if word] for line in block] == [
        ["flat", "no", "compression"],
        ["*", "pq", "product", "quantization"],
        ["quantizer.codebooks=48", "bytes", "per", "passage", "(pq)"],
        ["quantizer.sample=1000", "vectors", "trained", "on", "(pq)"],
        ["quantizer.sample=5", "another", "value", "(flat)"],
        ["quantizer.bits=8", "of", "a", "word"],
        ["quantizer.note=\"a", "#", "b\"", "quoted", "(flat)"],
        ["quantizer.nested=", "with", "keys", "of", "its", "own", "(flat)"],
    ]  # fmt: skip
    assert f"{'  * mine':{COLUMN}}  my corpus (sets quantizer=flat)" in lines
    assert f"{'  seed=3':{COLUMN}}  of every random choice" in lines
    assert lines.index("quantizer=") < lines.index("data=")  # as in config.yaml
    assert not any("hydra" in line or "outputs" in line or "inner" in line for line in lines)
    assert lines[2].startswith("Usage: python run.py")
    assert sum(line.startswith("  python run.py") for line in lines) == 3


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_lines_are_wrapped_under_their_column(conf, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = lines_of(help_text(conf).split("Examples")[0].split("Groups")[1])[1:]
    assert max(map(len, lines)) <= min(columns, WIDTH)
    name = next(i for i, line in enumerate(lines) if "a_rather_long_name" in line)
    assert lines[name] == "      data.a_rather_long_name_of_a_setting=${store}"
    assert lines[name + 1] == " " * COLUMN + "  long"
    path = next(i for i, line in enumerate(lines) if "data.path=null" in line)
    told = " ".join(line[COLUMN:].strip() for line in lines[path:name])
    assert told == "folder of the raw files; it is read as it lies there, plain or gzip, and never changed by anything"


def test_a_folder_without_config_is_told(tmp_path):
    with pytest.raises(LabradorError, match=r"no config\.yaml there"):
        help_text(tmp_path)


def real_files():
    return sorted(CONF.rglob("*.yaml"))


@pytest.mark.parametrize("file", real_files(), ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_every_file_and_key_of_conf_is_described(file):
    """The first line says what the option is, every key's comment what it sets; no key is overlooked."""
    option = read_option(file)
    assert option.about, f"{file}: the first line must be `# what this is`"
    content = yaml.safe_load(file.read_text())
    keys = set(content) - {"_target_", "defaults", "hydra"}
    for default in content.get("defaults", []):
        if isinstance(default, str) and default.endswith("@_here_"):  # a file with settings that options share
            keys |= set(yaml.safe_load((file.parent / f"{default.removesuffix('@_here_')}.yaml").read_text()))
    assert set(option.settings) == keys
    undescribed = [key for key, setting in option.settings.items() if not setting.about]
    assert not undescribed, f"{file}: no comment behind {', '.join(undescribed)}"


def test_the_real_help_names_every_group_option_and_setting():
    text = help_text(CONF)
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
            assert all(f"{group}.{key}=" in text for key in option.settings)
    assert "retriever.extra_queries=null" in text  # which the retrievers' files include
