"""Languages: those that are known, and the detection of a corpus's.

A stemmer is Snowball's (PyStemmer); stop words are those of bm25s, where it has any. Of a language with neither, BM25
takes the words as they are (indexes/terms.py).
"""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from ..errors import SettingError

TokenizerName = Literal["auto", "words", "whitespace"]  # what they do: indexes/terms.py
AUTO, NONE = "auto", "none"
STEMMERS = {
    "ar": "arabic", "ca": "catalan", "cs": "czech", "da": "danish", "de": "german", "el": "greek", "en": "english",
    "eo": "esperanto", "es": "spanish", "et": "estonian", "eu": "basque", "fa": "persian", "fi": "finnish",
    "fr": "french", "ga": "irish", "hi": "hindi", "hu": "hungarian", "hy": "armenian", "id": "indonesian",
    "it": "italian", "lt": "lithuanian", "ne": "nepali", "nl": "dutch", "no": "norwegian", "pl": "polish",
    "pt": "portuguese", "ro": "romanian", "ru": "russian", "sr": "serbian", "st": "sesotho", "sv": "swedish",
    "ta": "tamil", "tr": "turkish", "yi": "yiddish",
}  # fmt: skip
STOP_WORDS = ("da", "de", "en", "es", "fr", "it", "nl", "no", "pt", "ru", "sv", "tr")
UNSTEMMED = (
    "af", "am", "as", "az", "be", "bg", "bn", "bo", "br", "bs", "cy", "fo", "fy", "gd", "gl", "gu", "ha", "he", "hr",
    "ig", "is", "ja", "jv", "ka", "kk", "km", "kn", "ko", "ku", "ky", "la", "lb", "lo", "lv", "mg", "mk", "ml", "mn",
    "mr", "ms", "mt", "my", "oc", "or", "pa", "ps", "rw", "sa", "si", "sk", "sl", "so", "sq", "sw", "te", "tg", "th",
    "tk", "tl", "tt", "ug", "uk", "ur", "uz", "vi", "xh", "yo", "zh", "zu",
)  # fmt: skip
LANGUAGES = tuple(sorted((*STEMMERS, *UNSTEMMED)))
OF_SCRIPTS = {  # languages by Unicode's name of a script that only they use; py3langid decides the others
    "CJK": "zh", "KANA": "ja", "HANGUL": "ko", "THAI": "th", "LAO": "lo", "KHMER": "km", "MYANMAR": "my",
    "TIBETAN": "bo", "GREEK": "el", "ARMENIAN": "hy", "GEORGIAN": "ka", "TAMIL": "ta", "TELUGU": "te", "KANNADA": "kn",
    "MALAYALAM": "ml", "SINHALA": "si", "GUJARATI": "gu", "GURMUKHI": "pa", "ORIYA": "or",
}  # fmt: skip
KANA = 0.05  # least share of Kana among the Han and Kana letters of a Japanese text
SHORT = 200  # fewest characters of a text that is classified by itself
MOST = 1000  # most characters that a text counts for
READ = 2000  # characters that are read of a passage
NO_LANGUAGE = "zxx"  # py3langid's label of text in no language
LIKELY = 0.5  # least probability of a piece's language
SURE = 0.6  # least share of the sample in a corpus's language


@dataclass(frozen=True)
class Detected:
    """The language of most passages (NONE: no language has enough), and the percentage of each language."""

    language: str
    shares: dict[str, int]


def check_language(name: str) -> None:
    """Raise SettingError for a language that is not known."""
    if name not in (AUTO, NONE, *LANGUAGES):
        expected = f"{AUTO}, {NONE} (neither stemmer nor stop words) or one of {', '.join(LANGUAGES)}"
        raise SettingError("language", name, expected)


def detect(texts: Iterable[str]) -> Detected:
    """The language of most of the texts in any order: by script or, for scripts of several languages, by py3langid.

    Short texts are classified together.
    """
    votes: Counter[str] = Counter()
    unclear: dict[str, list[str]] = {}
    for text in sorted(text[:READ] for text in texts):
        script = script_of(text)
        if script in OF_SCRIPTS:
            votes[OF_SCRIPTS[script]] += min(len(text), MOST)
        elif script:
            unclear.setdefault(script, []).append(text)
    pieces: list[str] = []
    for texts_of_script in unclear.values():
        pieces += _pieces(texts_of_script)
    for piece, language in _classified(pieces) if pieces else ():
        votes[language] += min(len(piece), MOST)
    total = sum(votes.values())
    if not total:
        return Detected(NONE, {})
    parts = {language: round(100 * count / total) for language, count in votes.most_common(3)}
    shares = {language: share for language, share in parts.items() if share}
    language, most = votes.most_common(1)[0]
    return Detected(language if most >= SURE * total else NONE, shares)


def _pieces(texts: list[str]) -> Iterator[str]:
    """The texts, short ones joined to at least SHORT characters."""
    piece = ""
    for text in texts:
        if len(text) >= SHORT:
            yield text
            continue
        piece = f"{piece}\n{text}" if piece else text
        if len(piece) >= SHORT:
            yield piece
            piece = ""
    if piece:
        yield piece


def script_of(text: str) -> str:
    """Unicode's name of the script of most letters of a text; "" without letters.

    Hiragana and Katakana count as KANA, and so does CJK in a text with some of them.
    """
    letters = Counter(filter(str.isalpha, unicodedata.normalize("NFKC", text)))
    scripts: Counter[str] = Counter()
    for letter, count in letters.items():
        name = unicodedata.name(letter, "").partition(" ")[0]
        scripts["KANA" if name in ("HIRAGANA", "KATAKANA") else name] += count
    if scripts["KANA"] >= KANA * (scripts["KANA"] + scripts["CJK"]):
        scripts["KANA"] += scripts.pop("CJK", 0)
    return max(sorted(scripts), key=scripts.__getitem__) if scripts.total() else ""


def _classified(texts: Iterable[str]) -> Iterator[tuple[str, str]]:
    """(text, its language by py3langid among the known ones, NONE if that is unsure)."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    identifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    identifier.set_languages([label for label in identifier.labels if label in (*LANGUAGES, NO_LANGUAGE)])
    for text in texts:
        label, probability = identifier.classify(text)
        yield text, str(label) if label in LANGUAGES and probability >= LIKELY else NONE
