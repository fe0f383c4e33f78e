"""`python -m labrador.report multirun/...`: one table of every result found there, printed and written to files."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ..errors import LabradorError
from .files import markdown, write_csv
from .rows import find
from .table import order, print_rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Read, print, write. Returns the exit code: 2 for input that is not there or not a result."""
    parser = argparse.ArgumentParser(prog="python -m labrador.report", description=__doc__)
    parser.add_argument("paths", type=Path, nargs="+", help="folders with result.json files in them, at any depth")
    parser.add_argument("--csv", type=Path, help="CSV file to write (results.csv in the first folder)")
    parser.add_argument("--markdown", type=Path, help="Markdown file to write (results.md in the first folder)")
    settings = parser.parse_args(arguments)
    try:
        report(settings.paths, settings.csv, settings.markdown)
    except LabradorError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


def report(paths: Sequence[Path], csv_file: Path | None, markdown_file: Path | None) -> None:
    """Write the rows found in `paths` to both files and print them; raises LabradorError as `find` does."""
    rows = dict(sorted(find(paths).items(), key=lambda item: order(item[1])))
    folder = paths[0] if paths[0].is_dir() else paths[0].parent
    csv_file, markdown_file = csv_file or folder / "results.csv", markdown_file or folder / "results.md"
    try:
        write_csv(csv_file, rows)
        markdown_file.write_text(markdown(list(rows.values())), encoding="utf-8")
    except OSError as error:
        raise LabradorError(f"{error.filename}: cannot be written ({error.strerror}); name another file") from error
    print_rows(list(rows.values()))
    print(f"{len(rows)} result{'s' if len(rows) > 1 else ''}; written to {csv_file} and {markdown_file}")


if __name__ == "__main__":
    sys.exit(main())
