"""The language detected for passages."""

import random

import pytest

from labrador.data.languages import STEMMERS, UNSTEMMED, check_language, detect, script_of
from labrador.errors import LabradorError

TEXTS = {
    "en": "The heron stands in shallow water and waits for fish. It is kept dry in winter.",
    "de": "Der Reiher steht im flachen Wasser und wartet auf Fische. Im Winter zieht er weg.",
    "fr": "Le héron se tient dans l'eau peu profonde et attend les poissons pendant des heures.",
    "es": "La garza está de pie en el agua poco profunda y espera a los peces durante horas.",
    "ro": "Stârcul stă în apa puțin adâncă și așteaptă peștii ore întregi, iarna pleacă spre sud.",
    "tr": "Balıkçıl sığ suda durur ve saatlerce balık bekler. Kışın güneye doğru göç eder.",
    "vi": "Con diệc đứng trong vùng nước nông và chờ đợi cá trong nhiều giờ liền.",
    "ru": "Цапля стоит на мелководье и часами ждёт рыбу. Зимой она улетает на юг.",
    "ar": "يقف مالك الحزين في المياه الضحلة وينتظر الأسماك لساعات طويلة كل يوم.",
    "hi": "बगुला उथले पानी में खड़ा रहता है और घंटों मछली की प्रतीक्षा करता है।",
    "he": "האנפה עומדת במים הרדודים וממתינה לדגים במשך שעות ארוכות.",
    "el": "Ο ερωδιός στέκεται στα ρηχά νερά και περιμένει τα ψάρια για ώρες.",
    "th": "นกกระสายืนอยู่ในน้ำตื้นและรอปลาเป็นเวลาหลายชั่วโมง",
    "zh": "苍鹭站在浅水里，等待鱼儿几个小时。",
    "ja": "サギは浅い水の中に立ち、何時間も魚を待ちます。",
    "ko": "왜가리는 얕은 물에 서서 몇 시간 동안 물고기를 기다린다.",
    "km": "សត្វក្រៀលឈរនៅក្នុងទឹករាក់",
}


@pytest.mark.parametrize("language", TEXTS)
def test_one_text_is_enough(language):
    assert detect([TEXTS[language]]).language == language


def test_the_order_of_the_texts_changes_nothing():
    texts = [f"{TEXTS['en']} {i}" for i in range(40)] + [f"{TEXTS['de']} {i}" for i in range(10)]
    found = detect(texts)
    assert found.language == "en"
    for seed in range(3):
        assert detect(random.Random(seed).sample(texts, len(texts))) == found


def test_short_texts_are_asked_about_together():
    texts = [
        "La garza gris",
        "El agua poco profunda",
        "Los peces del río",
        "Una casa en el campo",
        "La lluvia de otoño",
    ]
    assert detect(texts).language == "es"


def test_without_a_majority_there_is_none():
    found = detect([TEXTS["en"] * 9, TEXTS["de"] * 9, TEXTS["zh"] * 30])
    assert found.language == "none"
    assert set(found.shares) == {"en", "de", "zh"}


@pytest.mark.parametrize("texts", [[], ["12 34"], ["?"], [""]])
def test_texts_without_letters(texts):
    assert detect(texts).language == "none"


def test_scripts():
    assert script_of("东京 and tower") == "LATIN"
    assert script_of("東京の空") == "KANA"
    assert script_of("ＡＢ") == "LATIN"


def test_an_unknown_language_is_refused_with_those_that_are_known():
    with pytest.raises(LabradorError, match=r"^language=klingon: expected auto, none .*, de, .*, zh"):
        check_language("klingon")
    for language in ("auto", "none", "en", "zh"):
        check_language(language)


def test_no_language_is_listed_twice():
    assert len({*STEMMERS, *UNSTEMMED}) == len(STEMMERS) + len(UNSTEMMED)
