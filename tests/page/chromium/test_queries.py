"""The query browser of the page: queries are searched and ordered, passages shown side by side."""

import re

import pytest
from made_runs import MARKUP, QUERIES
from playwright.sync_api import expect


@pytest.fixture
def opened(page):
    page.get_by_role("button", name="Open the query browser").click()
    page.wait_for_selector("#query .systems .hit")
    return page


def test_queries_are_searched_by_words(opened):
    expect(opened.locator("#found")).to_have_text(f"{QUERIES} queries")
    opened.locator("#asked").fill("GARDEN 3")
    expect(opened.locator("#list button")).to_have_count(1)
    expect(opened.locator("#query h3")).to_have_text("where is the garden number 3")
    opened.locator("#query summary").click()
    expect(opened.locator("#query details .hit strong")).to_have_text("Title 3")
    opened.locator("#asked").fill("no such words")
    expect(opened.locator("#query")).to_contain_text("No query contains all these words.")


def test_queries_on_which_two_systems_differ_come_first(opened):
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
    opened.get_by_label("Compare with").select_option(label="bm25")
    expect(columns).to_have_count(3)
    opened.get_by_role("button", name="Remove bm25").click()
    expect(columns).to_have_count(2)


def test_of_many_relevant_passages_it_says_how_many_are_shown(opened):
    opened.locator("#asked").fill("q5")
    expect(opened.locator("#query summary")).to_have_text(re.compile(r"^\d+ of 21 relevant passages$"))
    opened.locator("#asked").fill("q3")
    expect(opened.locator("#query summary")).to_have_text("1 relevant passage")


def test_markup_in_a_passage_or_query_is_text(opened):
    opened.locator("#asked").fill("q0")
    expect(opened.locator("#query h3")).to_have_text(MARKUP)
    opened.locator("#query summary").click()
    expect(opened.locator("#query details .hit p")).to_have_text(MARKUP)
    assert opened.locator("#query img, #query script").count() == 0
    assert opened.title() != "run"


def test_without_the_corpus_there_are_ids(visit, two):
    page = visit(two[0])
    page.get_by_role("button", name="Open the query browser").click()
    page.wait_for_selector("#query .systems .hit")
    expect(page.locator("#browser-contents")).to_contain_text("ids only")
    expect(page.locator("#query h3")).to_have_text(page.locator("#query .quiet").first.inner_text())
    assert page.locator("#query .systems .hit p").count() == 0
    assert page.locator("#query .systems .hit code").count() == 20
