"""`python search.py`: a query on the command line, or a prompt."""

import re
import shutil
import sys
import textwrap
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..errors import LabradorError
from ..results import FILE_NAME
from .runs import BEST, choose
from .searcher import Answer, Searcher

USAGE = """\
Query the index of a finished run.

Usage: python search.py [run=PATH|best] [k=10] [store=PATH] ["QUERY"]

  run=PATH   a run's folder, the one with its result.json
  run=best   the run with the highest MRR@10 below outputs/ and multirun/ (the default)
  k=10       passages to show
  store=PATH the store with the run's artifacts (default: where the run had it)
  Without a query, lines are read until one is empty or the input ends.

Examples:
  python search.py run=best "how do I read a csv in chunks"
  python search.py run=multirun/2026-01-31/12-00-00/3 k=5
"""
SETTING = re.compile(r"(run|k|store)=(.*)", re.DOTALL)
NO_SETTING = re.compile(r"--|[A-Za-z_]\w*=\S*$")
LINES, WIDTH = 2, 110  # of a passage's text, and characters of a line at most


def main(arguments: Sequence[str]) -> int:
    """Answer the query of the command line, or those that are typed. Returns the exit code: 2 for a mistake."""
    if {"--help", "-h"} & set(arguments):
        print(USAGE, end="")
        return 0
    try:
        name, k, store, query = parsed(arguments)
        run = choose(name, store)
        print(f"run={run.folder}: {run.title}", flush=True)
        searcher = Searcher(run)
        for each in [query] if query else typed():
            _answer(searcher, each, k)
    except LabradorError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except UnicodeError:
        print("error: the query is not UTF-8; type it in a UTF-8 terminal", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print()
        return 130
    return 0


def parsed(arguments: Sequence[str]) -> tuple[str, int, Path | None, str]:
    """The run, k, the store and the query ("" for none) of a command line; raises LabradorError for a wrong setting."""
    settings = {"run": BEST, "k": "10", "store": ""}
    texts = []
    for argument in arguments:
        match = SETTING.match(argument)
        if match is not None:
            settings[match[1]] = match[2]
        elif NO_SETTING.match(argument):
            raise LabradorError(
                f"{argument}: no such setting; expected run=PATH, run={BEST}, k=NUMBER or store=PATH, and the query in "
                "quotes"
            )
        elif (Path(argument) / FILE_NAME).is_file():
            raise LabradorError(f"{argument}: the folder of a run; write run={argument}")
        else:
            texts.append(argument)
    if not settings["k"].isdecimal() or int(settings["k"]) < 1:
        raise LabradorError(f"k={settings['k']}: expected a whole number from 1; set k=10")
    store = Path(settings["store"]).expanduser() if settings["store"] else None
    return settings["run"], int(settings["k"]), store, " ".join(texts).strip()


def typed() -> Iterator[str]:
    """The queries of the standard input, until a line is empty or the input ends; a terminal shows a prompt."""
    prompt = ""
    if sys.stdin.isatty():
        import readline  # noqa: F401  gives input() line editing and a history

        prompt = "query> "
    while True:
        try:
            line = input(prompt).strip()
        except EOFError:
            return
        if not line:
            return
        yield line


def _answer(searcher: Searcher, query: str, k: int) -> None:
    query.encode()  # raises UnicodeError if the command line had bytes that are not text
    start = time.perf_counter()
    answers = searcher.search(query, k)
    taken = 1000 * (time.perf_counter() - start)
    print("".join(map(shown, answers)) or "no passage shares a term with the query\n", end="")
    print(f"{len(answers)} passage{'s' * (len(answers) != 1)} in {taken:.0f} ms", flush=True)


def shown(answer: Answer) -> str:
    """Rank, score, stage, title and id on one line, then the beginning of the text."""
    width = min(shutil.get_terminal_size((WIDTH, 24)).columns, WIDTH)
    title = f"{answer.title} " if answer.title else ""
    head = f"{answer.rank:3}  {answer.score:z.4f}  {found_by(answer)}  {title}[{answer.pid}]"
    text = textwrap.wrap(" ".join(answer.text.split()), width - 5, max_lines=LINES, placeholder=" ...")
    return "".join(f"{line}\n" for line in [head, *(f"     {line}" for line in text)])


def found_by(answer: Answer) -> str:
    """Which stage scored the passage: `bm25`, `codes`, or a rerank, with the place before it."""
    if answer.candidate is None:
        return answer.stage
    return f"candidate {answer.candidate} of {answer.candidates:,} ({answer.candidate_score:z.4f}), reranked"
