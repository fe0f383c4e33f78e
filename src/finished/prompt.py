"""`python search.py`: a question on the command line, or a prompt."""

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
Answers from the index of a finished run.

Usage: python search.py [run=PATH|best] [k=10] [store=PATH] ["QUESTION"]

  run=PATH   a run's folder, the one with its result.json
  run=best   the run with the highest MRR@10 below outputs/ and multirun/ (the default)
  k=10       passages shown
  store=PATH the store with the run's artifacts (where the run had it)
  Without a question, lines are read until one is empty or the input ends.

Examples:
  python search.py run=best "how do I read a csv in chunks"
  python search.py run=multirun/2026-01-31/12-00-00/3 k=5
"""
SETTING = re.compile(r"(run|k|store)=(.*)", re.DOTALL)
NO_SETTING = re.compile(r"--|[A-Za-z_]\w*=\S*$")
LINES, WIDTH = 2, 110  # of a passage's text, and characters of a line at most


def main(arguments: Sequence[str]) -> int:
    """Answer the question of the command line, or those that are typed. Returns the exit code: 2 for a mistake."""
    if {"--help", "-h"} & set(arguments):
        print(USAGE, end="")
        return 0
    try:
        name, k, store, question = parsed(arguments)
        run = choose(name, store)
        print(f"run={run.folder}: {run.title}", flush=True)
        searcher = Searcher(run)
        for asked in [question] if question else typed():
            _answer(searcher, asked, k)
    except LabradorError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except UnicodeError:
        print("error: a question in UTF-8 was expected", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print()
        return 130
    return 0


def parsed(arguments: Sequence[str]) -> tuple[str, int, Path | None, str]:
    """The run, k, the store and the question ("" for none) of a command line; raises LabradorError for what is none."""
    settings = {"run": BEST, "k": "10", "store": ""}
    words = []
    for argument in arguments:
        match = SETTING.match(argument)
        if match is not None:
            settings[match[1]] = match[2]
        elif NO_SETTING.match(argument):
            raise LabradorError(
                f"{argument}: no such setting; run=PATH, run={BEST}, k=NUMBER or store=PATH were expected, and the "
                "question in quotes"
            )
        elif (Path(argument) / FILE_NAME).is_file():
            raise LabradorError(f"{argument}: the folder of a run; write run={argument}")
        else:
            words.append(argument)
    if not settings["k"].isdecimal() or int(settings["k"]) < 1:
        raise LabradorError(f"k={settings['k']}: a whole number from 1 was expected; set k=10")
    store = Path(settings["store"]).expanduser() if settings["store"] else None
    return settings["run"], int(settings["k"]), store, " ".join(words).strip()


def typed() -> Iterator[str]:
    """The questions of the standard input, until a line is empty or the input ends; a person is shown a prompt."""
    prompt = ""
    if sys.stdin.isatty():
        import readline  # noqa: F401  input() then has keys to edit a line and a history

        prompt = "question> "
    while True:
        try:
            line = input(prompt).strip()
        except EOFError:
            return
        if not line:
            return
        yield line


def _answer(searcher: Searcher, question: str, k: int) -> None:
    question.encode()  # raises UnicodeError for bytes of the command line that are no text
    start = time.perf_counter()
    answers = searcher.ask(question, k)
    taken = 1000 * (time.perf_counter() - start)
    print("".join(map(shown, answers)) or "no passage shares a word with the question\n", end="")
    print(f"{len(answers)} passage{'s' * (len(answers) != 1)} in {taken:.0f} ms", flush=True)


def shown(answer: Answer) -> str:
    """Rank, score, where it was found, title and id in one line, and the beginning of the text."""
    width = min(shutil.get_terminal_size((WIDTH, 24)).columns, WIDTH)
    title = f"{answer.title} " if answer.title else ""
    head = f"{answer.rank:3}  {answer.score:z.4f}  {found_by(answer)}  {title}[{answer.pid}]"
    text = textwrap.wrap(" ".join(answer.text.split()), width - 5, max_lines=LINES, placeholder=" ...")
    return "".join(f"{line}\n" for line in [head, *(f"     {line}" for line in text)])


def found_by(answer: Answer) -> str:
    """Which stage found the passage: `words`, `codes`, or its place before the rerank."""
    if answer.candidate is None:
        return answer.stage
    return f"candidate {answer.candidate} of {answer.candidates:,} ({answer.candidate_score:z.4f}), reranked"
