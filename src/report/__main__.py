"""One table of all results found below the given folders, printed and written to files."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..errors import LabradorError
from ..results import find, size
from .comparison import Comparison, compare
from .csv_files import write_csv, write_differences
from .groups import Group
from .latex import latex
from .markdown import markdown
from .systems import baselines, order
from .terminal import print_table

Sections = Sequence[tuple[Group, Comparison]]  # one for each data


def main(arguments: Sequence[str] | None = None) -> int:
    """Read, print, write. Returns the exit code: 2 for input that is missing or is not a result."""
    parser = argparse.ArgumentParser(prog="python -m labrador.report", description=__doc__)
    add = parser.add_argument
    add("paths", type=Path, nargs="+", help="folders that contain result.json files, at any depth")
    add("--csv", type=Path, help="CSV file to write (results.csv in the first folder)")
    add("--markdown", type=Path, help="Markdown file to write (results.md in the first folder)")
    add("--latex", type=Path, help="LaTeX file to write, a table with booktabs")
    add("--baseline", help="system to test the others against: its label, or words such as 'dpr flat'")
    add("--metric", nargs="+", action="extend", default=[], help="metrics to show and test (all)")
    add("--figures", type=Path, metavar="DIR", help="folder to write figures to, PNG and SVG")
    add("--html", type=Path, metavar="FILE", help="HTML page to write: table, chart, significance, query browser")
    add("--store", type=Path, default=Path("artifacts"), help="the runs' store, for texts and training curves")
    settings = parser.parse_args(arguments)
    try:
        report(settings)
    except LabradorError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def report(settings: argparse.Namespace) -> None:
    """Write the rows found to files and print them; raises LabradorError as `find` and `compare` do."""
    check_places(settings)
    paths: Sequence[Path] = settings.paths
    rows = dict(sorted(find(paths).items(), key=lambda item: order(item[1])))
    found = compare(rows, settings.metric, settings.baseline)
    sections = found.sections()
    folder = paths[0] if paths[0].is_dir() else paths[0].parent
    csv_file, markdown_file = settings.csv or folder / "results.csv", settings.markdown or folder / "results.md"
    written = [csv_file, markdown_file]
    try:
        write_csv(csv_file, rows, found.systems)
        markdown_file.write_text(markdown_sections(sections), encoding="utf-8")
        if found.differences:
            written.append(csv_file.with_name(f"{csv_file.stem}-differences.csv"))
            write_differences(written[-1], found.differences, found.systems)
        if settings.latex:
            written.append(settings.latex)
            settings.latex.write_text(latex_sections(sections, settings.latex.stem), encoding="utf-8")
    except OSError as error:
        raise LabradorError(
            f"{error.filename or folder}: cannot be written ({error.strerror}); name another file"
        ) from error
    for group, section in sections:
        if len(sections) > 1:
            print(f"{group.name}\n")
        print_table(section.layout())
        if len(sections) > 1:
            print()
    of = f" of {len(found.systems)} system{'s' if len(found.systems) > 1 else ''}" if found.averaged else ""
    names = f"{', '.join(map(str, written[:-1]))} and {written[-1]}"
    print(f"{len(rows)} result{'s' if len(rows) > 1 else ''}{of}; written to {names}")
    for line in dict.fromkeys(illustrate(found, settings)):  # figures and page may leave out the same
        print(line)


def markdown_sections(sections: Sections) -> str:
    """The table of each data in Markdown, under a heading if there are several."""
    if len(sections) == 1:
        return markdown(sections[0][1].layout())
    return "\n".join(f"## {group.name}\n\n{markdown(section.layout())}" for group, section in sections)


def latex_sections(sections: Sections, label: str) -> str:
    """The table of each data in LaTeX, called `label`, or `label` with the data's name if there are several."""
    if len(sections) == 1:
        return latex(sections[0][1].layout(), label)
    return "\n".join(latex(section.layout(), f"{label}-{group.slug}") for group, section in sections)


def check_places(settings: argparse.Namespace) -> None:
    """Raise LabradorError before anything is read if a file or the figures could not be written."""
    for option in ("csv", "markdown", "latex", "html"):
        file: Path | None = getattr(settings, option)
        if file and (file.is_dir() or not file.absolute().parent.is_dir()):
            raise LabradorError(f"--{option} {file}: expected a file in an existing folder; name another file")
    figures: Path | None = settings.figures
    if figures and figures.exists() and not figures.is_dir():
        raise LabradorError(f"--figures {figures}: expected a folder, this is a file; name another folder")


def illustrate(found: Comparison, settings: argparse.Namespace) -> Iterator[str]:
    """Write the figures and the page that were asked for; yields a line on each and on what was left out.

    Both are imported here because they take a second to load, which a table alone need not wait for.
    """
    if settings.figures:
        from .figures import write_figures

        chosen = baselines(found.systems, settings.baseline) if settings.baseline else {}
        files, left_out = write_figures(
            found.systems, settings.figures, settings.store, list(chosen.values()), settings.metric
        )
        yield f"{len(files)} figure files written to {settings.figures}"
        yield from left_out
    if settings.html:
        from ..page import write_page

        title = " ".join(path.resolve().name for path in settings.paths)
        left_out = write_page(found, settings.html, settings.store, title)
        yield f"page written to {settings.html} ({size(settings.html.stat().st_size)})"
        yield from left_out


if __name__ == "__main__":
    sys.exit(main())
