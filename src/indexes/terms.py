"""Terms of a text in any language, as BM25 compares them.

Texts are first normalized (NFKC, case folded). A term is a run of letters, marks, digits and underscores: the vowel
signs of Hindi and Tamil are marks and separate nothing. Scripts written without spaces are cut into overlapping pieces:
Chinese and Japanese into pairs of characters, and single Han characters as well; Thai, Lao, Khmer and Burmese into two
and three characters with their vowels and tones, since these are letters of longer words; Korean, whose words change at
their ends, into pairs of syllables. This depends on the script alone, in texts of any language.

The language decides the stemmer and the stop words (data/languages.py). English texts without any of the above are cut
into lower-cased runs of two or more letters or digits.
"""

import json
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

from ..data.languages import STEMMERS, STOP_WORDS, TokenizerName

FILE = "analyzer.json"
VERSION = 1  # raised when a text gets other terms
Split = Callable[[str], list[str]]

PLAIN = re.compile(r"\b\w\w+\b")
ELSEWHERE = re.compile(
    "[^\x00-\u02ff\u0370-\u0482\u048a-\u0590\u1e00-\u2bff\ufb00-\ufb06\ufffd]"
)  # PLAIN is not enough
TURKISH = str.maketrans({"İ": "i", "I": "ı"})
PERSIAN = str.maketrans({"ي": "ی", "ى": "ی", "ك": "ک"})  # Arabic keyboards have other letters
ARABIC = str.maketrans({"ى": "ي"})  # the last letter of many words, written without its dots in Egypt
OWN = {"tr": TURKISH, "az": TURKISH, "fa": PERSIAN, "ur": PERSIAN, "ps": PERSIAN, "ar": ARABIC}


class Patterns(NamedTuple):
    """Compiled patterns of the `regex` library, which knows scripts and marks."""

    invisible: Any  # joiners, direction marks, soft hyphens, and the points of Hebrew and Arabic, rarely written
    arabic_joint: Any  # a zero-width non-joiner between the parts of a Persian word
    digit: Any
    runs: Any  # [Han and Kana, South-East Asian, Hangul, other letters]
    han: Any
    cluster: Any  # a letter with its marks and vowels


@cache
def patterns() -> Patterns:
    """Compiled at the first use."""
    import regex

    east = r"[\p{scx=Han}\p{scx=Hiragana}\p{scx=Katakana}\p{scx=Bopomofo}&&[\p{L}\p{M}\p{N}]--[0-9]]"
    south = r"[\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}&&[\p{L}\p{M}]]"
    points = (
        r"\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u05f3\u05f4\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u06ed"
    )
    return Patterns(
        invisible=regex.compile(rf"[\u00ad\u034f\u0640\u200c-\u200f\u202a-\u202e\u2060-\u2069\ufeff{points}]+"),
        arabic_joint=regex.compile(r"(?<=\p{Arabic})\u200c+(?=\p{Arabic})"),
        digit=regex.compile(r"(?V1)[\p{Nd}--[0-9]]"),
        runs=regex.compile(
            rf"(?V1)({east}+)|({south}+)|(\p{{Hangul}}+)|([[\p{{L}}\p{{M}}\p{{N}}_]--{east}--{south}--\p{{Hangul}}]+)"
        ),
        han=regex.compile(r"\p{Han}"),
        cluster=regex.compile(
            r"[\u0e40-\u0e44\u0ec0-\u0ec4]?\P{M}\p{M}*"  # Thai and Lao vowels that stand before their consonant
            r"(?:(?<=[\u17d2\u1039])\P{M}\p{M}*)*"  # a consonant below another, in Khmer and Burmese
            r"[\u0e30\u0e32\u0e45\u0eb0\u0eb2]?"  # vowels that are letters and stand after it
            r"|\p{M}+"
        ),
    )


@dataclass(frozen=True)
class Analyzer:
    """What turns a text into terms: a language's code or "none", and a tokenizer.

    auto cuts as the module's docstring says; words takes whole runs of letters in any script; whitespace splits at
    spaces, for texts that were tokenized before.
    """

    language: str = "en"
    tokenizer: TokenizerName = "auto"

    def described(self) -> dict[str, str | int]:
        """What the key of an index holds."""
        return {
            "language": self.language,
            "tokenizer": self.tokenizer,
            "version": VERSION,
            "stemmer": version("PyStemmer") if self.language in STEMMERS else "none",
            "stop words": version("bm25s") if self.language in STOP_WORDS else "none",
        }

    def means(self) -> str:
        """The stemmer and the stop words of the language, in words."""
        stemmer = f"Snowball's {STEMMERS[self.language]} stemmer" if self.language in STEMMERS else "no stemmer"
        count = len(self.stop_words())
        return f"{stemmer}, {count or 'no'} stop words"

    @property
    def split(self) -> Split:
        """Splits a text into terms, not stemmed yet and with stop words."""
        if self.tokenizer == "whitespace":
            return lambda text: one_form(text, self.language).split()
        if self.tokenizer == "words":
            return lambda text: ["".join(run) for run in patterns().runs.findall(one_form(text, self.language))]
        return english if self.language == "en" else partial(pieces, language=self.language)

    def tokenizer_of_bm25s(self, vocabulary: dict[str, int] | None = None) -> Any:
        """bm25s' tokenizer, which numbers the terms: with the vocabulary of an index, or an empty one."""
        from bm25s.tokenization import Tokenizer

        stemmer = None
        if self.language in STEMMERS:
            import Stemmer

            stemmer = Stemmer.Stemmer(STEMMERS[self.language])
        tokenizer = Tokenizer(lower=False, splitter=self.split, stemmer=stemmer, stopwords=None)
        tokenizer.stopwords = self.stop_words()
        if vocabulary is not None and stemmer is None:
            tokenizer.word_to_id = vocabulary
        elif vocabulary is not None:
            tokenizer.stem_to_sid = vocabulary
        return tokenizer

    def save(self, folder: Path) -> None:
        """Write the settings into `folder`."""
        (folder / FILE).write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "Analyzer":
        """What `save` wrote."""
        return cls(**json.loads((folder / FILE).read_text(encoding="utf-8")))

    def stop_words(self) -> list[str]:
        """The stop words, in the form that `split` gives."""
        from bm25s.tokenization import Tokenizer

        if self.language not in STOP_WORDS:
            return []
        return sorted({one_form(word, self.language) for word in Tokenizer(stopwords=self.language).stopwords})


def english(text: str) -> list[str]:
    """The terms of an English text."""
    text = text.lower()
    if text.isascii() or not ELSEWHERE.search(text):
        return PLAIN.findall(text)
    return cut(unicodedata.normalize("NFC", text), shortest=2)


def pieces(text: str, language: str) -> list[str]:
    """The terms of a text in any other language."""
    return cut(one_form(text, language), shortest=1)


def one_form(text: str, language: str) -> str:
    """A text without differences of width, case, points, joiners and kinds of digits."""
    if text.isascii() and OWN.get(language) is not TURKISH:
        return text.lower()
    known = patterns()
    text = unicodedata.normalize("NFKC", text).translate(OWN.get(language, {}))
    text = unicodedata.normalize("NFC", text.casefold()).replace("i\u0307", "i")
    text = known.invisible.sub("", known.arabic_joint.sub(" ", text))
    normal: str = known.digit.sub(lambda digit: str(unicodedata.digit(digit[0])), text)
    return normal


def cut(text: str, shortest: int) -> list[str]:
    """The terms of a normalized text; in scripts with spaces they have `shortest` letters or more."""
    known = patterns()
    terms = []
    for east, south, hangul, other in known.runs.findall(text):
        if other:
            terms += [other] if len(other) >= shortest else []
        elif hangul:
            terms += runs(hangul, 2)
        elif east:
            terms += [*filter(known.han.fullmatch, east), *runs(east, 2)] if len(east) > 1 else [east]
        else:
            letters = known.cluster.findall(south)
            terms += [*runs(letters, 2), *runs(letters, 3)] if len(letters) > 2 else runs(letters, 2)
    return terms


def runs(letters: Sequence[str], count: int) -> list[str]:
    """All overlapping runs of `count` letters; fewer letters are one run."""
    return ["".join(letters[at : at + count]) for at in range(max(1, len(letters) - count + 1))]
