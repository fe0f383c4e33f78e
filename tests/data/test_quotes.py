"""Tables whose quotes enclose fields, or are text."""

import pytest
from layouts import write_text

from labrador.data import quotes
from labrador.data.quotes import read_quoted_table
from labrador.errors import LabradorError

COLUMNS = ("id", "text", "title")


def read(tmp_path, text, columns=COLUMNS, how="auto"):
    return list(read_quoted_table(write_text(tmp_path / "a.tsv", text), columns, how))


def test_a_record_in_csv_may_span_lines_and_is_numbered_by_its_first(tmp_path):
    text = '1\t"two\nlines"\n\n2\t"a ""b"" c"\n3\tplain "x"\n'
    expected = [(1, ["1", "two\nlines"]), (4, ["2", 'a "b" c']), (5, ["3", 'plain "x"'])]
    assert read(tmp_path, text, ("a", "b"), "csv") == expected
    text = '1\t"two\nlines"\tA\n2\t"a ""b"" c"\tB\n3\tx\t\n'
    expected = [(1, ["1", "two\nlines", "A"]), (3, ["2", 'a "b" c', "B"]), (4, ["3", "x", ""])]
    assert read(tmp_path, text) == expected


def test_quotes_of_every_field_enclose(tmp_path):
    """As DPR's release has it: every text in quotes, titles only where they hold one."""
    text = 'id\ttext\ttitle\n1\t"a"\tA\n2\t"b ""c"""\t"D ""E"""\n3\t"f"\tF\n'
    expected = [["id", "text", "title"], ["1", "a", "A"], ["2", 'b "c"', 'D "E"'], ["3", "f", "F"]]
    assert [fields for _, fields in read(tmp_path, text)] == expected
    text = '"id"\t"text"\t"title"\n"1"\t"a"\t""\n"2"\t"b"\t"B"\n'
    assert [fields for _, fields in read(tmp_path, text)][1:] == [["1", "a", ""], ["2", "b", "B"]]
    text = 'id\ttext\ttitle\n1\t"a"\tA\n2\t"b"\tB\n'
    assert [fields for _, fields in read(tmp_path, text)][1:] == [["1", "a", "A"], ["2", "b", "B"]]


@pytest.mark.parametrize(
    "rows",
    [
        ['1\t"Hold fast" he said\tA', '2\t"Go!"\tB'],
        ['1\t"Go!"\tA', '2\t"Never again\tB', '3\tlast word"\tC'],
        ['1\tthe "Red" one\tA', '2\t"Go!"\tB'],
        ['1\t"\tA', '2\t"""\tB', '3\t"a" and "b"\tC'],
    ],
)
def test_printed_quotes_are_text(tmp_path, rows):
    assert [fields for _, fields in read(tmp_path, "\n".join(rows))] == [row.split("\t") for row in rows]


@pytest.mark.parametrize("first", [20_000, 2])
def test_what_is_found_later_in_a_file_counts(tmp_path, monkeypatch, first):
    monkeypatch.setattr(quotes, "LOOKED_AT", first)
    plain = ["0\ta\tA", "1\tb\tB"]
    for more in (['2\t"Go" he said\tC', '3\t"Go!"\tD'], ['2\t"said ""go"""\tC', '3\t"go"\tD']):
        found = [fields for _, fields in read(tmp_path, "\n".join([*plain, *more]))]
        texts = [fields[1] for fields in found]
        assert texts == ["a", "b", *(['"Go" he said', '"Go!"'] if "he" in more[0] else ['said "go"', "go"])]


@pytest.mark.parametrize("first", [20_000, 2])
@pytest.mark.parametrize(
    ("rows", "line", "field"),
    [
        (["0\ta\tA", "1\tb\tB", '2\t"Go!"\tC'], 3, '"Go!"'),
        (["0\ta\tA", "1\tb\tB", '2\t"Go" he said\tC', '3\t"a ""b"" c"\tD'], (3, 4), '"'),
        (["0\ta\tA", "1\tb\tB", '2\t"a ""b"" c"\tD', '3\t"Never\tC', '4\tagain"\tE'], 4, '"Never'),
        (["0\ta\tA", '1\t"b ""c"""\t"B', '2\tlast"\tC'], 2, '"B'),
    ],
)
def test_quotes_that_can_be_read_in_two_ways_name_their_line_and_the_setting(
    tmp_path, monkeypatch, first, rows, line, field
):
    monkeypatch.setattr(quotes, "LOOKED_AT", first)
    with pytest.raises(LabradorError) as caught:
        read(tmp_path, "\n".join(rows))
    lines = line if isinstance(line, tuple) else (line,)
    assert str(caught.value).startswith(tuple(f"{tmp_path / 'a.tsv'}:{number}: {field!r}"[:-1] for number in lines))
    assert "set data.quotes=csv if quotes enclose fields, or data.quotes=text if they are part of the text" in str(
        caught.value
    )


def test_the_setting_decides(tmp_path):
    text = '1\t"Go!"\tA\n2\tb\tB\n'
    assert [fields[1] for _, fields in read(tmp_path, text, how="csv")] == ["Go!", "b"]
    assert [fields[1] for _, fields in read(tmp_path, text, how="text")] == ['"Go!"', "b"]
    with pytest.raises(LabradorError, match=r"a.tsv:2: '\"b' begins with a quote; expected one at its end"):
        read(tmp_path, '1\ta\tA\n2\t"b\tB\n3\tc"\tC\n', how="csv")
    with pytest.raises(LabradorError, match=r"a.tsv:1: '\"a' begins with a quote"):
        read(tmp_path, '1\ta\t"a', how="csv")


def test_long_fields_are_read_whole(tmp_path):
    """Python's csv module stops at 131,072 characters."""
    long = "word " * 100_000
    assert read(tmp_path, f'1\t"{long}""x"""\tA\n') == [(1, ["1", f'{long}"x"', "A"])]
