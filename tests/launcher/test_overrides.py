"""Values of the command line that Hydra's grammar would not read as they stand."""

from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override

from labrador.launcher.overrides import readable as _readable
from labrador.launcher.overrides import text_or_path

CONF = Path(__file__).resolve().parents[2] / "conf"


def readable(arguments):
    return _readable(arguments, CONF)


def read(argument: str) -> Override:
    return OverridesParser.create().parse_override(argument)


@pytest.mark.parametrize(
    "value",
    [
        *("/a=b", "/a#b", "/a(b", "/a(b)", "/a{b}", "/a[b]", "it's", "/über/日本", "~/x", "a~b", "a;b", "a&b", 'a"b'),
        *(
            "a!b",
            "<a>",
            "a^b",
            "a`b",
            "a|b",
            "$HOME",
            "a b",
            " a ",
            "a,b",
            "a, b",
            "[a]",
            "{a: 1}",
            "2024",
            "1e3",
            "true",
        ),
        *("C:\\data\\x", "a\\", "a\\'b", "a\\\\'b", "\\'", "a'", "a\nb", "choice(a,b)", "", "%20", "-", "a@b", "/x/"),
    ],
)
@pytest.mark.parametrize("key", ["data.path", "+encoder.query_prefix", "hydra.run.dir"])
def test_a_text_is_read_as_it_is_typed(key, value):
    (argument,) = readable([f"{key}={value}"])
    found = read(argument)
    assert not found.is_sweep_override()
    assert found.value() == value


@pytest.mark.parametrize(
    "argument",
    [
        *("quantizer=flat,pq", "seed=0", "seed=range(1,3)", "data.packages=[numpy]", "train.learning_rate=2e-4"),
        *("data.path='/a=b'", 'data.path="it\'s"', "data.path=null", "data.path=/plain/path", "a.b=${c}", "~tracker"),
        *("hydra.run.dir=out/${now:%Y-%m-%d}", "-m", "--cfg", "job", "data.path=a\\,b", "hydra/launcher=joblib"),
    ],
)
def test_what_hydra_reads_stays(argument):
    assert readable([argument]) == [argument]


def test_commas_part_the_cells_of_a_sweep_unless_the_path_is_there(tmp_path):
    both = f"{tmp_path}/a=1,{tmp_path}/b (2)"
    assert readable(["-m", f"data.path={both}"]) == ["-m", f"data.path='{tmp_path}/a=1','{tmp_path}/b (2)'"]
    assert readable(["-m", "data.path='a,b',c"]) == ["-m", "data.path='a,b',c"]
    assert readable(["--multirun", "data.path=choice(a,b)"]) == ["--multirun", "data.path=choice(a,b)"]
    assert readable(["-m", "encoder.query_prefix=q: ,p: "]) == ["-m", "encoder.query_prefix='q: ','p: '"]
    assert readable(["-m", "quantizer=flat,pq"]) == ["-m", "quantizer=flat,pq"]
    (tmp_path / "one, two").mkdir()
    for arguments in ([], ["-m"]):
        assert readable([*arguments, f"store={tmp_path}/one, two"]) == [*arguments, f"store='{tmp_path}/one, two'"]


def test_the_composed_setting_is_the_text():
    path = "/d=1/#2 (x) {y}/it's, naïve $HOME\\"
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose("config", readable(["data=beir", f"data.path={path}", f"store={path}"]))
    assert config.data.path == config.store == path


@pytest.mark.parametrize(
    ("name", "text", "path"),
    [
        *[(name, True, True) for name in ("data.path", "data.titles", "encoder.model", "store", "hydra.run.dir")],
        *[(name, True, False) for name in ("encoder.query_prefix", "encoder.revision", "data.name", "data.language")],
        *[(name, True, False) for name in ("encoder.passage_prefix", "tracker.project", "tracker.entity")],
        *[(name, False, False) for name in ("seed", "device", "data.split", "data.packages", "nothing", "no.thing")],
    ],
)
def test_components_declare_which_settings_are_texts(name, text, path):
    assert text_or_path(name, CONF) == (text, path)
