"""Tables in Markdown."""

from labrador.report.layout import layout
from labrador.report.markdown import markdown


def test_markdown_is_a_table_with_the_best_in_bold(sweep):
    lines = markdown(layout(sweep)).splitlines()
    assert lines[0].startswith("| retriever | quantizer | MRR@10 | R@20 | bytes/passage | index size | ms/query p50 |")
    assert lines[1].startswith("| :--- | :--- | ---: | ---: |")
    assert lines[2].startswith("| bm25 | - | 0.412 | **0.900** |")
    assert len({line.count("|") for line in lines[:7]}) == 1
    assert lines[8] == "**Bold**: best in its column"
    assert lines[10].startswith("Same in all rows: search scan")


def test_markdown_of_one_row_has_no_best(row):
    assert "**" not in markdown(layout([row(quantizer="a|b")]))
    assert "a\\|b" in markdown(layout([row(quantizer="a|b")]))
