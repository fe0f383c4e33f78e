"""The page in a real browser: sorted, filtered, searched, hovered; whatever it shows is text."""

from dataclasses import replace

import pytest
from made_runs import CELLS, MARKUP, make_runs
from playwright.sync_api import expect

from labrador.errors import LabradorError
from labrador.page import write_page
from labrador.report.comparison import compare
from labrador.results import find


def test_it_opens_without_a_request_or_an_error(page, made):
    assert made[2] == []
    expect(page.locator("#notes")).to_be_hidden()
    expect(page.locator("#count")).to_have_text(f"All {len(CELLS)} systems")
    assert page.title() == f"made {MARKUP}"
    expect(page.locator("h1")).to_have_text(f"made {MARKUP}")


def test_the_table_is_sorted_by_any_column(page, made, labels):
    systems = made[1].systems
    ordered = [s.label for s in sorted(systems, key=lambda system: -system.mean("MRR@10"))]
    assert labels(page) == ordered
    head = page.locator("#table th", has_text="MRR@10")
    expect(head).to_have_attribute("aria-sort", "descending")
    head.get_by_role("button").press("Enter")
    assert labels(page) == ordered[::-1]
    expect(head).to_have_attribute("aria-sort", "ascending")
    expect(head.get_by_role("button")).to_be_focused()
    size = page.locator("#table th", has_text="bytes/passage").get_by_role("button")
    size.click()
    sizes = {system.label: system.rows[0].bytes_per_passage for system in systems}
    assert [sizes[label] for label in labels(page)] == sorted(sizes.values())
    page.locator("#table th", has_text="quantizer").get_by_role("button").click()
    assert labels(page)[-1] == "bm25"  # it has none: such rows come last


def test_filters_apply_to_table_chart_and_front(page, labels):
    page.get_by_role("group", name="retriever").get_by_role("button", name="dpr").click()
    assert sorted(labels(page)) == ["dpr flat", "dpr hash", "dpr pq"]
    expect(page.locator("#count")).to_have_text("3 of 6 systems")
    expect(page.locator("g.system")).to_have_count(3)
    page.locator("#budget").fill("100")
    assert sorted(labels(page)) == ["dpr hash", "dpr pq"]
    assert labels(page, "front") == ["dpr hash"]
    page.locator("#words").fill("pq")
    assert labels(page) == ["dpr pq"]
    page.locator("#words").fill("no such system")
    assert labels(page) == []
    page.get_by_role("button", name="Clear filters").click()
    assert len(labels(page)) == len(CELLS)


def test_the_front_is_that_of_the_figures(page, labels):
    assert labels(page, "front") == ["pretrained pq", "dpr hash", "dpr flat"]
    page.locator("#cost").select_option("latency_ms")
    assert labels(page, "front")[-1] == "dpr flat"
    assert page.locator("path.front").count() == 1


def test_a_point_shows_its_system(page):
    point = page.locator("g.system[data-label='dpr hash']")
    point.hover()
    expect(page.locator("#tip")).to_contain_text("bytes/passage 48")
    expect(page.locator("#table tr.pointed")).to_have_attribute("data-label", "dpr hash")
    page.keyboard.press("Escape")
    expect(page.locator("#tip")).to_be_hidden()
    point.focus()
    expect(page.locator("#tip")).to_contain_text("over 2 seeds")


def test_significance_of_every_pair_in_any_metric(page):
    page.locator("#significance").scroll_into_view_if_needed()
    expect(page.locator("#matrix tbody tr")).to_have_count(len(CELLS))
    best = page.locator("#matrix tbody tr").first
    expect(best.locator("th")).to_contain_text("dpr flat")
    assert best.locator("td.better").count() > 0
    assert best.locator("td.worse").count() == 0
    best.locator("td").nth(0).focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("#pair")).to_contain_text("dpr flat minus dpr hash: MRR@10 +")
    expect(page.locator("#pair")).to_contain_text("after correction for 15 pairs")
    page.locator("#metric").select_option("R@20")
    page.locator("#matrix tbody td").nth(1).hover()
    expect(page.locator("#pair")).to_contain_text("R@20")


def test_scripts_that_are_not_its_own_do_not_run(made, chromium, tmp_path):
    foreign = "<h1 id='foreign'></h1><script>document.getElementById('foreign').textContent = 'ran'</script>"
    file = tmp_path / "page.html"
    file.write_text(made[0].read_text(encoding="utf-8").replace("<header>", f"<header>{foreign}"), encoding="utf-8")
    page = chromium.new_page()
    messages = []
    page.on("console", lambda message: messages.append(message.text))
    page.goto(file.as_uri())
    page.wait_for_selector("html[data-ready]")
    assert page.locator("#foreign").text_content() == ""
    assert "Content Security Policy" in messages[0]
    page.close()


def test_several_data_sets_are_shown_one_at_a_time(visit, two, labels):
    file, notes = two
    page = visit(file)
    expect(page.locator("#count")).to_have_text("All 4 systems")
    page.locator("#data").select_option(label="nq, 60 passages, 24 queries")
    expect(page.locator("#count")).to_have_text("All 3 systems")
    assert all(label.endswith(" nq") for label in labels(page))
    assert [note.split(":")[0] for note in notes] == ["beir", "nq"]
    assert page.locator("#notes li").all_inner_texts() == notes


@pytest.mark.parametrize("width", [1280, 800])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_the_window_in_light_and_dark(visit, made, width, scheme):
    page = visit(made[0], color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(255, 255, 255)") == (scheme == "light")


def test_a_browser_that_cannot_unpack_says_so(chromium, made, labels):
    page = chromium.new_page()
    page.add_init_script("delete window.DecompressionStream")
    page.goto(made[0].as_uri())
    page.wait_for_selector("html[data-ready]")
    expect(page.locator("#notes li")).to_contain_text("cannot unpack them")
    expect(page.locator("#browser")).to_be_hidden()
    expect(page.locator("#significance")).to_be_hidden()
    assert len(labels(page)) == len(CELLS)
    page.close()


def test_data_without_the_metric_is_left_out_and_noted(visit, tmp_path):
    rows = find([make_runs(tmp_path, data=data, cells=CELLS[:2]) for data in ("beir", "nq")])
    rows = {
        file: replace(row, metrics=row.metrics | {"MRR@10": None}) if row.data == "nq" else row
        for file, row in rows.items()
    }
    notes = write_page(compare(rows, ["MRR@10"]), tmp_path / "page.html", tmp_path, "one of two")
    assert notes[0] == "nq: left out, none of its systems has MRR@10"
    page = visit(tmp_path / "page.html")
    expect(page.locator("#data-choice")).to_be_hidden()
    expect(page.locator("#count")).to_have_text("All 2 systems")
    nq = {file: row for file, row in rows.items() if row.data == "nq"}
    with pytest.raises(LabradorError, match="a page needs a metric"):
        write_page(replace(compare(nq), metrics=("MRR@10",)), tmp_path / "none.html", tmp_path, "none")
    assert not (tmp_path / "none.html").exists()
