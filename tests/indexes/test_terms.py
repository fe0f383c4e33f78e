"""Terms of texts in many languages and scripts, and BM25 that finds passages by them."""

import importlib.metadata

import bm25s
import pytest
import Stemmer

from labrador.data.languages import LANGUAGES, STEMMERS, STOP_WORDS
from labrador.indexes.base import QueryTexts
from labrador.indexes.bm25 import BM25Index, build_bm25
from labrador.indexes.terms import Analyzer, one_form


@pytest.mark.parametrize(
    ("language", "text", "terms"),
    [
        ("zh", "熊猫吃竹子。", "熊 猫 吃 竹 子 熊猫 猫吃 吃竹 竹子"),
        ("zh", "茶", "茶"),
        ("zh", "买３个iPhone", "买 3 个 iphone"),  # letters and digits of full width
        ("ja", "東京タワーは高い", "東 京 高 東京 京タ タワ ワー ーは は高 高い"),
        ("ja", "ｶﾒﾗ", "カメ メラ"),  # Katakana of half width
        ("ko", "서울은 물", "서울 울은 물"),
        ("th", "ภาษาไทย", "ภาษา ษาไท ไทย ภาษาไท ษาไทย"),  # a vowel that stands before its consonant belongs to it
        ("th", "ปี ๒๕๖๐", "ปี 2560"),
        ("lo", "ພາສາລາວ", "ພາສາ ສາລາ ລາວ ພາສາລາ ສາລາວ"),
        ("km", "ភាសាខ្មែរ", "ភាសា សាខ្មែ ខ្មែរ ភាសាខ្មែ សាខ្មែរ"),  # a consonant below another is one letter with it
        ("my", "မြန်မာ", "မြန် န်မာ မြန်မာ"),
        ("bo", "བོད་ཡིག་", "བོད ཡིག"),
        ("hi", "हिन्दी में १२", "हिन्दी में 12"),  # vowel signs and the virama are marks
        ("ta", "தமிழ் மொழி", "தமிழ் மொழி"),
        ("ar", "العَرَبِيَّةُ مـــد ٣٥", "العربية مد 35"),  # without vowel points and stretching
        ("ar", "مصرى مصري", "مصري مصري"),
        ("az", "ISTI", "ıstı"),
        ("fa", "می\u200cروم كتاب", "می روم کتاب"),  # Arabic letters become Persian ones
        ("he", "שָׁלוֹם צה״ל", "שלום צהל"),
        ("tr", "IŞIK İstanbul", "ışık istanbul"),
        ("de", "Straße STRASSE", "strasse strasse"),
        ("el", "ΌΡΟΣ όρος", "όροσ όροσ"),
        ("vi", "Tiếng Vie\u0323\u0302t ở Ý", "tiếng việt ở ý"),  # decomposed and composed are one
        ("ru", "Ёлка", "ёлка"),
        ("none", "ﬁne ＡＢＣ co\u00adop 北京", "fine abc coop 北 京 北京"),
        ("en", "Don't PANIC x 6½ a_b", "don panic 6½ a_b"),
        ("en", "Beijing (北京) café हिन्दी", "beijing 北 京 北京 café हिन्दी"),
    ],
)
def test_terms(language, text, terms):
    assert Analyzer(language).split(text) == terms.split()


def test_english_terms_have_not_changed():
    text = (
        "The quick-brown foxes' DEN: 3 x 10½ naïve cafés, ŁÓDŹ & Αθήνα; Москва's 1,000 a_b_c — it’s ﬂat ™ ① e.g. C++\n"
    )
    tokenizer = Analyzer("en").tokenizer_of_bm25s()
    before = bm25s.tokenization.Tokenizer(stopwords="english", stemmer=Stemmer.Stemmer("english"))
    ours, theirs = (list(one.streaming_tokenize([text] * 2, allow_empty=False)) for one in (tokenizer, before))
    assert ours == theirs
    assert tokenizer.get_vocab_dict() == before.get_vocab_dict()


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_a_tokenizer(language):
    tokenizer = Analyzer(language).tokenizer_of_bm25s()
    (ids,) = tokenizer.streaming_tokenize(["Heron 2 苹果"], allow_empty=False)
    assert len(ids) >= 4
    assert bool(tokenizer.stopwords) == (language in STOP_WORDS)
    assert (tokenizer.stemmer is not None) == (language in STEMMERS)


def test_stemmers_and_stop_words_of_the_language():
    def stems(language, text):
        tokenizer = Analyzer(language).tokenizer_of_bm25s()
        list(tokenizer.streaming_tokenize([text], allow_empty=False))
        return list(tokenizer.get_vocab_dict())

    assert stems("de", "Die Häuser und das Haus") == ["haus"]
    assert stems("es", "las canciones de la canción") == ["cancion"]
    assert stems("ru", "книги и книга") == ["книг"]
    assert stems("hi", "लड़के लड़का") == ["लड़क"]
    assert stems("zh", "the 的") == ["the", "的"]


def test_tokenizers():
    text = "今天 天气 很好"
    assert Analyzer("zh", "whitespace").split(text) == ["今天", "天气", "很好"]
    assert Analyzer("zh", "words").split("今天天气, ok") == ["今天天气", "ok"]


def test_what_names_an_index():
    assert Analyzer("en").described() != Analyzer("de").described() != Analyzer("de", "words").described()
    assert [Analyzer("zh").described()[part] for part in ("stemmer", "stop words")] == ["none", "none"]
    assert Analyzer("de").described()["stop words"] == importlib.metadata.version("bm25s")


def test_one_form_keeps_ascii():
    assert one_form("AbC", "none") == "abc"


TEXTS = {  # language: passages, a question, which passage answers it
    "zh": (
        ["熊猫主要吃竹子，住在四川的山里。", "长江是亚洲最长的河流。", "北京的冬天很冷。"],
        "亚洲最长的河流是哪条",
        1,
    ),
    "ja": (
        ["東京は日本の首都です。", "富士山は日本で一番高い山です。", "京都には寺が多い。"],
        "一番高い山は何ですか",
        1,
    ),
    "ko": (["서울은 한국의 수도이다.", "한강은 서울을 지나간다.", "부산은 항구 도시이다."], "항구가 있는 도시", 2),
    "th": (["กรุงเทพเป็นเมืองหลวง", "ช้างเป็นสัตว์ใหญ่", "แม่น้ำไหลลงทะเล"], "สัตว์ใหญ่คืออะไร", 1),
    "km": (["ភ្នំពេញជារាជធានី", "ដំរីជាសត្វធំ"], "តើសត្វធំជាអ្វី", 1),
    "hi": (["दिल्ली भारत की राजधानी है।", "हाथी बड़ा जानवर है।"], "भारत की राजधानी", 0),
    "ar": (["القاهرة عاصمة مصر", "الفيل حيوان كبير"], "ما هي عاصمةُ مصرَ؟", 0),
    "el": (["Η Αθήνα είναι πρωτεύουσα.", "Ο ελέφαντας είναι ζώο."], "ΠΟΙΑ ΕΙΝΑΙ Η ΠΡΩΤΕΎΟΥΣΑ", 0),
    "tr": (["Kırmızı ışık yandı.", "Fil büyük bir hayvandır."], "IŞIK ne renk", 0),
    "de": (["Die Häuser stehen am Fluss.", "Der Elefant ist groß."], "Wo steht das Haus?", 0),
}


@pytest.mark.parametrize("language", TEXTS)
def test_bm25_finds_passages(tmp_path, language):
    passages, question, right = TEXTS[language]
    build_bm25([[("", text) for text in passages]], tmp_path, analyzer=Analyzer(language))
    index = BM25Index(tmp_path, 1)  # reads its analyzer from its files
    assert index.search(QueryTexts([question]), 1).ids.tolist() == [[right]]
