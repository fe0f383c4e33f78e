"""LaTeX: a table that compiles, and prints what it was given."""

import re
import shutil
import subprocess

import pytest

from labrador.report.latex import escape, latex
from labrador.report.layout import layout


def test_what_latex_reads_is_escaped():
    assert escape(r"50 % of a_b & {c} #1 $x ^ ~ \d") == (
        r"50 \% of a\_b \& \{c\} \#1 \$x \textasciicircum{} \textasciitilde{} \textbackslash{}d"
    )
    assert escape("p < 0.05 > |x|, ▲ ▼") == r"p $<$ 0.05 $>$ $|$x$|$, $\uparrow$ $\downarrow$"


def test_a_table_for_a_paper(sweep):
    lines = latex(layout(sweep), "my table_1").splitlines()
    assert lines[:3] == [r"% needs \usepackage{booktabs}", r"\begin{table}", r"\centering"]
    assert lines[3].startswith(r"\caption{Bold: best in its column. Same in all rows: search scan (where used)")
    assert lines[4:9] == [
        r"\label{tab:my-table-1}",
        r"\begin{tabular}{llrrrrr}",
        r"\toprule",
        r"retriever & quantizer & MRR@10 & R@20 & bytes/passage & index size & ms/query p50 \\",
        r"\midrule",
    ]
    assert lines[9] == r"bm25 & - & 0.412 & \textbf{0.900} & 512.3 & 6.16 MB & 1.23 \\"
    assert lines[14:] == [r"\bottomrule", r"\end{tabular}", r"\end{table}"]


def test_every_line_has_as_many_cells_as_columns_and_braces_are_closed(sweep, row):
    rows = [*sweep, row(settings={"data.packages": "[a_b,c]"}), row(data="nq", settings={"x": "100%"})]
    text = latex(layout(rows), "t", whole=True)
    columns = len(re.search(r"tabular}{([lr]+)}", text)[1])
    cells = [re.sub(r"\\.", "", line).count("&") for line in text.splitlines() if line.endswith(r"\\")]
    assert cells == [columns - 1] * (len(rows) + 1)
    plain = re.sub(r"\\[{}%&#$_]", "", text)
    assert plain.count("{") == plain.count("}")
    assert r"{[}a\_b,c]" in text
    assert text.count(r"\midrule") == 2  # below the head, and between the two data
    assert r"queries/s" in text
    assert "queries/s" not in latex(layout(rows), "t")


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_it_compiles(sweep, row, tmp_path):
    rows = [*sweep, row(settings={"data.packages": "[a_b,c]", "x": "50% & {#1} ~^$|<"})]
    text = latex(layout(rows), "t", whole=True)
    (tmp_path / "t.tex").write_text(
        "\\documentclass{article}\\usepackage{booktabs}\\begin{document}\n" + text + "\\end{document}\n"
    )
    subprocess.run(["pdflatex", "-halt-on-error", "t.tex"], cwd=tmp_path, check=True, stdout=subprocess.DEVNULL)
