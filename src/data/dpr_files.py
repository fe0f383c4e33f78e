"""What data=nq and data=trivia share: DPR's release of open-domain questions over Wikipedia.

    psgs_w100.tsv                      id, text, title; a header; 21,015,324 passages of 100 words
    biencoder-SET-{train,dev}.json     an array of {question, answers, positive_ctxs, hard_negative_ctxs, ...}
    SET-test.qa.csv                    question, answers (a Python list literal), separated by a tab; no judgements

A context names its passage by `passage_id` (nq) or `psg_id` (trivia), or else by title and text. As in DPR, train
questions without a positive are left out (the release has some), curly apostrophes of questions are made straight, the
first positive of a question is trained on, and a question without hard negatives has its `negative_ctxs`, which the
release draws at random, instead. Rankings are scored by answer match. The release's tables are quoted as CSV; others
may not be (quotes.py). Layout: Karpukhin et al., DPR, 2020; dpr/data/download_data.py of its repository.
"""

import ast
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from ..settings import component, setting
from .base import Source
from .download import Download
from .json_array import read_json_array
from .judgements import Judgement
from .passages import Passage
from .quotes import Quotes, read_quoted_table
from .raw_files import HEADS, bad_line, need_raw
from .schema import Positive, ScoredBy
from .writer import Query, SchemaWriter

HOST = "https://dl.fbaipublicfiles.com/dpr"
PSGS_COLUMNS = ("id", "text", "title")
Named = Callable[[str, str], list[str]]  # the ids of the passages with a title and a text
RANKED = 30  # hard negatives, and as many random ones, among which a dev question's positive is ranked
WIKIPEDIA = Download(  # size and MD5 as ir-datasets gives them
    url=f"{HOST}/wikipedia_split/psgs_w100.tsv.gz", size=4_694_541_059, md5="612fe66e0b6b41ee28f806140226c563"
)


@component
class DprSource(Source):
    """Questions with answers over Wikipedia passages; `option` is also the set's name in the file names."""

    scored_by: ClassVar[ScoredBy] = "answers"
    passage_names: ClassVar[tuple[str, ...]] = ("psgs_w100.tsv",)
    # 1: curly apostrophes stayed; 2: positives in the order of rows; 3: CSV quoting alone; 4: passages in file order
    # 5: those without a text were refused
    # 6: dev questions without negatives; 7: columns in one order alone
    version: ClassVar[int] = 8
    positive: ClassVar[Positive] = "first"
    drops_question_mark: ClassVar[bool]

    quotes: Quotes = setting(
        "auto",
        "quotes in psgs_w100.tsv and the test questions: csv: they enclose fields; text: they are text; auto: detected",
    )

    def split_names(self, folder: Path, split: str) -> tuple[str, ...]:
        return (f"{self.option}-test.qa.csv" if split == "test" else f"biencoder-{self.option}-{split}.json",)

    def convert_passages(self, folder: Path, out: SchemaWriter) -> None:
        (passages,) = need_raw(folder, *self.passage_names)
        out.passages(passages, read_psgs(passages, self.quotes))

    def convert_splits(self, folder: Path, splits: Sequence[str], out: SchemaWriter) -> None:
        for split in splits:
            (path,) = need_raw(folder, *self.split_names(folder, split))
            if split == "test":
                out.split(split, path, self._test_questions(path), None)
            else:
                self._biencoder_split(out, split, path)

    def _biencoder_split(self, out: SchemaWriter, split: str, path: Path) -> None:
        queries: list[Query] = []
        positives, negatives = out.judgements(path), out.judgements(path)
        for number, (line, found) in enumerate(read_json_array(path)):
            contexts = partial(_contexts, path, line, found, out.named)
            relevant = contexts("positive_ctxs")
            qid = f"{split}-{number}"
            left_out = split == "train" and not relevant
            answers = [] if left_out else _answers(path, line, found.get("answers"))
            queries.append(Query(line, qid, self._question(path, line, found.get("question")), answers))
            positives.extend(Judgement(line, qid, pid, 1) for pid in relevant)
            negatives.extend(Judgement(line, qid, pid, 0) for pid in _contrasted(contexts, relevant, split))
        out.split(split, path, queries, positives, negatives)

    def _test_questions(self, path: Path) -> Iterator[Query]:
        records = read_quoted_table(path, ("question", "answers"), self.quotes)
        for number, (line, (question, literal)) in enumerate(records):
            answers = _answers(path, line, _parse_literal(path, line, literal))
            yield Query(line, f"test-{number}", self._question(path, line, question), answers)

    def _question(self, path: Path, line: int, question: Any) -> str:
        if not isinstance(question, str):
            raise bad_line(path, line, f"'question' is {question!r}; expected a string")
        return self.question(question)

    def question(self, text: str) -> str:
        """As DPR writes it: straight apostrophes and, in nq, no question mark at the end."""
        straight = text.replace("’", "'")
        return straight.strip().removesuffix("?") if self.drops_question_mark else straight


def read_psgs(path: Path, quotes: Quotes = "auto") -> Iterator[Passage]:
    """The passages of a psgs_w100.tsv, whose columns are in the order of its header, if it has one.

    Raises LabradorError with the line.
    """
    order, first = list(range(len(PSGS_COLUMNS))), True
    for line, fields in read_quoted_table(path, PSGS_COLUMNS, quotes):
        names = [field.strip().lower() for field in fields]
        header, first = first and (names[0] in HEADS or set(names) == set(PSGS_COLUMNS)), False
        if header:
            if set(names) != set(PSGS_COLUMNS):
                raise bad_line(path, line, f"the header {', '.join(fields)}; expected {', '.join(PSGS_COLUMNS)}")
            order = [names.index(name) for name in PSGS_COLUMNS]
            continue
        pid, text, title = (fields[place] for place in order)
        yield Passage(line, pid, title, text)


def _contrasted(contexts: Callable[[str], list[str]], relevant: list[str], split: str) -> list[str]:
    """The negatives of a train question, or those that a dev question's positive is ranked among (DPR's 30 and 30)."""
    hard = contexts("hard_negative_ctxs")
    if split == "dev":
        return hard[:RANKED] + contexts("negative_ctxs")[:RANKED]
    return hard if set(hard) - set(relevant) else contexts("negative_ctxs")


def _contexts(path: Path, line: int, found: dict[str, Any], named: Named, key: str) -> list[str]:
    """The ids of the passages in one of the lists of contexts of a question."""
    contexts = found.get(key) or []
    if not isinstance(contexts, list):
        raise bad_line(path, line, f"{key!r} is {type(contexts).__name__}; expected a list of passages")
    pids = []
    for context in contexts:
        if not isinstance(context, dict):
            raise bad_line(path, line, f"{key!r} has {repr(context)[:80]}; expected passages with 'passage_id'")
        given = [context[name] for name in ("passage_id", "psg_id") if context.get(name) not in (None, "")]
        pid = given[0] if given else _by_text(path, line, context, named, key)
        if not isinstance(pid, str | int) or isinstance(pid, bool):
            raise bad_line(path, line, f"a passage of {key!r} has the id {pid!r}; expected a string or a whole number")
        pids.append(str(pid))
    return pids


def _by_text(path: Path, line: int, context: dict[str, Any], named: Named, key: str) -> str:
    """The id of the only passage with the title and text of a context without an id."""
    title, text = context.get("title") or "", context.get("text")
    if not isinstance(title, str) or not isinstance(text, str):
        raise bad_line(path, line, f"a passage of {key!r} has no id; expected 'passage_id', 'psg_id', or its text")
    pids = named(title, text)
    if len(pids) == 1:
        return pids[0]
    problem = f"{' and '.join(map(repr, pids[:3]))} have" if pids else "no passage has"
    raise bad_line(
        path,
        line,
        f"a passage of {key!r} has no id, and {problem} its title and text ({(title or text)[:40]!r}); expected one; "
        "add its id as 'passage_id'",
    )


def _parse_literal(path: Path, line: int, literal: str) -> Any:
    try:
        return ast.literal_eval(literal)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError) as error:
        raise bad_line(path, line, f"answers {literal[:80]!r}; expected a list literal such as ['a', 'b']") from error


def _answers(path: Path, line: int, answers: Any) -> list[str]:
    if not isinstance(answers, list) or not answers or not all(isinstance(answer, str) for answer in answers):
        raise bad_line(path, line, f"answers {repr(answers)[:80]}; expected a list of one or more strings")
    return answers
