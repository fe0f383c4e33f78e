"""Run a published table and show what was measured next to what was published.

python -m labrador.tables                                     the tables and what each needs
python -m labrador.tables bpr_nq                              its cells as they were published (hours, GPUs)
python -m labrador.tables bpr_nq scale=small                  the same cells on a laptop
python -m labrador.tables bpr_nq scale=small data=beir data.path=DIR seed=0,1

NAME is a file of experiments/ or the path of a YAML file like those. What follows overrides the cells' settings;
seed=0,1 runs each cell with both, processes=8 under torchrun with 8 processes. baseline=CELL names the cell that the
others are tested against, by its name or its folder's; the default is the first one measured. A cell runs in
multirun/tables/NAME/SCALE/CELL/SEED, unless a result of the same settings is there already. table.csv, table.md,
table.tex and table-differences.csv (all tests in full) are written to multirun/tables/NAME/SCALE.
"""

import signal
import sys
from collections.abc import Sequence
from dataclasses import replace

from ..errors import LabradorError
from ..report.columns import Column
from ..report.csv_files import write_differences, write_lines
from ..report.latex import latex
from ..report.layout import Layout
from ..report.markdown import markdown
from ..report.terminal import print_table
from ..results import count
from .measured import Line, csv_lines, header, layout, marked
from .published import Published, read_table
from .request import EXPERIMENTS, ROOT, Request, parse
from .running import run_cells


def main(arguments: Sequence[str]) -> int:
    """List the tables, or run one. Returns the exit code: 2 when the command line or a cell was at fault, else 0."""
    if {"-h", "--help"} & set(arguments):
        print(__doc__.strip())
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # raises, which ends the running cell, too
    try:
        if not arguments:
            print_table(listing([read_table(file) for file in sorted(EXPERIMENTS.glob("*.yaml"))]))
            return 0
        request = parse(arguments)
        if not (ROOT / "run.py").is_file():
            raise LabradorError(f"{ROOT}: no run.py there; run from a whole checkout of Labrador")
        lines, faults = run_cells(request)
        write(request, lines)
    except LabradorError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"error: {error.filename or 'multirun/tables'}: cannot be written ({error.strerror})", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; started again, it continues from what is finished", file=sys.stderr)
        return 130
    return 2 if faults else 0


def write(request: Request, lines: Sequence[Line]) -> None:
    """Print the table and write it as CSV, Markdown and LaTeX; raises LabradorError when a file cannot be written."""
    above = header(request.table, request.scale, request.comparable, lines)
    if request.overrides:
        above.insert(3, f"Also set: {' '.join(request.overrides)}")
    lines, found, explanation = marked(lines, request.baseline)
    shown = layout(lines, request.comparable)
    shown = replace(shown, remarks=(*shown.remarks, *explanation))
    files = [request.folder / f"table.{kind}" for kind in ("csv", "md", "tex")]
    in_full = request.folder / "table-differences.csv"
    try:
        request.folder.mkdir(parents=True, exist_ok=True)
        write_lines(files[0], csv_lines(lines, request.comparable))
        files[1].write_text("\n\n".join([*above, markdown(shown)]), encoding="utf-8")
        whole = replace(shown, remarks=(*above, *shown.remarks))
        files[2].write_text(latex(whole, request.table.name, whole=True), encoding="utf-8")
        in_full.unlink(missing_ok=True)
        if found:
            write_differences(in_full, found)
            files.append(in_full)
    except OSError as error:
        raise LabradorError(f"{error.filename or request.folder}: cannot be written ({error.strerror})") from error
    print("", *above, "", sep="\n")
    print_table(shown)
    print(f"written to {', '.join(map(str, files[:-1]))} and {files[-1]}")


def listing(tables: Sequence[Published]) -> Layout:
    """The tables and what each needs, as a table."""

    def need(head: str, key: str) -> Column:
        return Column(head, lambda table: table.needs[key], count, number=True)

    names = [Column("table", lambda table: table.name), Column("title", lambda table: table.title)]
    figures = [Column("cells", lambda table: len(table.cells), number=True), need("GPUs", "gpus")]
    figures += [need("GB each", "gpu_memory_gb"), need("GB disk", "disk_gb"), need("hours", "hours")]
    notes = (
        "make table-NAME runs one; make table-NAME SCALE=small runs its cells on a laptop, ARGS='seed=0,1 data=beir "
        "data.path=DIR' with other settings. The needs are estimates for the published scale.",
    )
    return Layout(tables, names, figures, "", notes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
