"""The query browser of the page: questions are searched and ordered, passages stand side by side."""

import re

import pytest
from made_runs import MARKUP, QUESTIONS
from playwright.sync_api import expect


@pytest.fixture
def opened(page):
    page.get_by_role("button", name="Open the query browser").click()
    page.wait_for_selector("#question .systems .hit")
    return page


def test_questions_are_searched_by_words(opened):
    expect(opened.locator("#found")).to_have_text(f"{QUESTIONS} questions")
    opened.locator("#asked").fill("GARDEN 3")
    expect(opened.locator("#list button")).to_have_count(1)
    expect(opened.locator("#question h3")).to_have_text("where is the garden number 3")
    opened.locator("#question summary").click()
    expect(opened.locator("#question details .hit strong")).to_have_text("Title 3")
    opened.locator("#asked").fill("no such words")
    expect(opened.locator("#question")).to_contain_text("No question holds all these words.")


def test_questions_on_which_two_systems_differ_come_first(opened):
    opened.locator("#first").select_option(label="dpr flat")
    opened.locator("#second").select_option(label="pretrained pq")
    opened.locator("#order").select_option("first")
    figures = opened.locator("#list .figures").all_inner_texts()
    apart = [float(text.split()[1]) - float(text.split()[3]) for text in figures]
    assert apart == sorted(apart, reverse=True)
    assert min(apart) >= 0
    opened.locator("#order").select_option("second")
    figures = opened.locator("#list .figures").all_inner_texts()
    assert all(float(text.split()[1]) <= float(text.split()[3]) for text in figures)


def test_passages_side_by_side_the_judged_ones_marked(opened):
    opened.locator("#order").select_option("first")
    columns = opened.locator(".system-column")
    expect(columns).to_have_count(2)
    assert columns.nth(0).locator(".hit").count() == 10
    expect(columns.nth(0).locator(".hit.good .relevant")).to_have_text("relevant")
    expect(columns.nth(0).locator(".hit").first).to_contain_text("B: ")
    opened.get_by_label("Beside these").select_option(label="bm25")
    expect(columns).to_have_count(3)
    opened.get_by_role("button", name="Remove bm25").click()
    expect(columns).to_have_count(2)


def test_of_many_relevant_passages_it_is_said_how_many_are_shown(opened):
    opened.locator("#asked").fill("q5")
    expect(opened.locator("#question summary")).to_have_text(re.compile(r"^\d+ of 21 relevant passages$"))
    opened.locator("#asked").fill("q3")
    expect(opened.locator("#question summary")).to_have_text("1 relevant passage")


def test_markup_in_a_passage_or_question_is_text(opened):
    opened.locator("#asked").fill("q0")
    expect(opened.locator("#question h3")).to_have_text(MARKUP)
    opened.locator("#question summary").click()
    expect(opened.locator("#question details .hit p")).to_have_text(MARKUP)
    assert opened.locator("#question img, #question script").count() == 0
    assert opened.title() != "run"


def test_without_the_corpus_there_are_ids(visit, two):
    page = visit(two[0])
    page.get_by_role("button", name="Open the query browser").click()
    page.wait_for_selector("#question .systems .hit")
    expect(page.locator("#browser-told")).to_contain_text("ids without texts")
    expect(page.locator("#question h3")).to_have_text(page.locator("#question .quiet").first.inner_text())
    assert page.locator("#question .systems .hit p").count() == 0
    assert page.locator("#question .systems .hit code").count() == 20
