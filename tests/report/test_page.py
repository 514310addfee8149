"""The page in a real browser, from disk, with the network off."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

import pandas as pd
import pytest
from playwright.sync_api import Browser, Page, expect

from autocls.report import write_report
from autocls.report.forest import AROUND, ROW
from autocls.report.run import read
from tests.browser import barriers, opened, too_wide, unfold
from tests.browser import browser as browser
from tests.report.runs import NASTY, judge, write


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_report(judge(write(tmp_path_factory.mktemp("page"), 30))).as_uri()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    with opened(browser, address) as page:
        page.wait_for_selector("#chart-curves .main-svg")
        yield page


def column(page: Page, key: str) -> list[str]:
    cells = page.locator(f"#board tbody tr.trial td.k-{key}")
    return cells.all_inner_texts()


def test_it_opens_with_charts_and_every_name_as_text(page: Page) -> None:
    assert page.locator(".chart .main-svg").count() >= 3
    assert page.get_by_role("cell", name=NASTY[0], exact=True).count() == 2, "a class and the command line"
    assert page.get_by_text("Association in search data, not effect").is_visible()


def test_what_made_the_difference_is_drawn_and_written(page: Page) -> None:
    chart = page.get_by_role("group", name="Of 4 tricks judged, 1 helps")
    expect(chart.locator(".annotation-text")).to_have_text(
        [
            f"norm: {NASTY[2]} – helps",
            "optimizer: adam – undetermined",
            "label_smoothing: 0.0893 – no difference",
            "mix: mixup, put in – hurts",
        ]
    )
    expect(chart.locator(".errorbar")).to_have_count(4)
    box = chart.bounding_box()
    assert box is not None
    assert box["height"] == AROUND + 4 * ROW
    table = page.get_by_role("region", name="Tricks in numbers")
    assert not table.is_visible()
    page.get_by_text("The same in numbers").first.click()
    assert table.is_visible()


def test_the_names_of_tricks_leave_room_for_their_effects_on_a_phone(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 900})
    page.wait_for_timeout(300)
    drawn = page.locator("#chart-effects .nsewdrag").bounding_box()
    assert drawn is not None
    assert drawn["width"] > 300


def test_sorting(page: Page) -> None:
    assert column(page, "rank")[0] == "1"
    head = page.get_by_role("button", name="search score", exact=True)
    head.click()
    shown = [float(t.split()[0]) for t in column(page, "score") if t != "–"]
    assert shown == sorted(shown, reverse=True)
    head.press("Enter")
    shown = [float(t.split()[0]) for t in column(page, "score") if t != "–"]
    assert shown == sorted(shown)
    page.evaluate("() => { const box = document.querySelector('.scroll'); box.scrollTop = box.scrollHeight }")
    expect(page.locator("#board tr.trial")).to_have_count(30)
    assert column(page, "score")[-1] == "–", "what is not known stands last either way"
    assert page.locator("th[aria-sort]").get_attribute("data-key") == "score"


def test_filtering(page: Page) -> None:
    page.get_by_label("Filter").fill("optimizer = adam")
    chips = column(page, "chips")
    assert chips
    assert all("optimizer = adam" in text for text in chips)
    page.get_by_label("State").select_option("FAIL")
    assert set(column(page, "state")) == {"FAIL"}
    page.get_by_label("Filter").fill("nothing like it")
    assert page.locator("#shown").inner_text() == "0 of 30 trials"


def test_expressions_ask_for_knobs_of_their_own_choice(page: Page) -> None:
    box = page.get_by_label("Filter")
    box.fill("optimizer.adam.lr < 0.001, norm = batch")
    chips = column(page, "chips")
    assert chips
    assert all("adam (lr 0.000" in text and "norm = batch" in text for text in chips)
    box.fill("optimizer.adam.lr = 0.1")
    assert column(page, "chips") == [], "sgd's lr is 0.1, and is another knob"
    shown = page.evaluate("() => Number(choices['optimizer.adam.lr'].find(lr => lr).toPrecision(3))")
    box.fill(f"lr = {shown}")
    assert len(column(page, "chips")) == 1, "the three digits of a chip find it"
    box.fill("optimzer = adam")
    assert page.locator("#shown").inner_text() == "0 of 30 trials: no knob is called optimzer"


def test_every_recipe_is_written_out_as_its_trial_had_it(page: Page, address: str) -> None:
    run = read(Path(unquote(urlsplit(address).path)).parent)
    shown = page.evaluate("() => rows.map((row) => [row.number, yaml(row)])")
    assert dict(shown) == dict(zip(run.searched["number"], run.searched["recipe"], strict=True))
    looked_up = page.evaluate("() => Object.fromEntries(Object.keys(choices).map((knob) => [knob, choices[knob]]))")
    assert looked_up == run.recipes.columns()


def test_chips_say_what_differs_from_the_baseline(page: Page) -> None:
    said = dict(page.evaluate("() => rows.map((row) => [row.number, chips(row)])"))
    assert said[0] == []
    assert "crop = shift (padding 2)" in said[5]
    (adam,) = (chip for chip in said[5] if chip.startswith("optimizer"))
    lr = page.evaluate("() => choices['optimizer.adam.lr'][rows.findIndex((row) => row.number === 5)]")
    assert adam.startswith(f"optimizer = adam (lr {float(f'{lr:.3g}')}")
    assert not any(chip.startswith("epochs") for chip in said[5])


def test_paper_is_white_on_a_dark_screen_too(page: Page) -> None:
    page.emulate_media(color_scheme="dark")
    title = page.locator("#chart-progress .xtitle")
    expect(title).to_have_css("fill", "rgb(232, 234, 237)")
    page.evaluate("() => dispatchEvent(new Event('beforeprint'))")
    expect(title).to_have_css("fill", "rgb(22, 25, 29)")
    page.evaluate("() => dispatchEvent(new Event('afterprint'))")
    expect(title).to_have_css("fill", "rgb(232, 234, 237)")


def test_a_copy_that_failed_is_not_called_copied(page: Page) -> None:
    page.evaluate(
        "() => { navigator.clipboard.writeText = () => Promise.reject(); document.execCommand = () => false; }"
    )
    recipe = page.locator("section", has=page.locator("#h-recipe"))
    recipe.get_by_role("button", name="Copy", exact=True).first.click()
    expect(recipe.get_by_role("status").first).to_contain_text("with the keyboard")
    assert page.locator("#recipe").is_visible(), "so that it can be"


def test_a_row_opens_its_recipe(page: Page) -> None:
    page.get_by_role("button", name="trial 0, show recipe").click()
    assert "architecture:" in page.locator("tr.detail pre").inner_text()
    page.get_by_role("button", name="trial 0, show recipe").click()
    assert page.locator("tr.detail").count() == 0


def test_a_row_s_details_say_what_was_left_out(page: Page) -> None:
    page.get_by_role("button", name="trial 5, show recipe").click()
    assert page.locator("tr.detail .quiet").all_inner_texts() == [
        f"left out: batch: not applicable: no place in {NASTY[0]}"
    ]
    page.get_by_label("Filter").fill("no trial is complete yet")
    assert set(column(page, "number")) == {"0", "10", "20"}


def test_the_recipe_is_copied(page: Page) -> None:
    recipe = page.locator("section", has=page.locator("#h-recipe"))
    recipe.get_by_role("button", name="Copy", exact=True).first.click()
    expect(recipe.get_by_role("status").first).to_have_text("copied")
    assert page.evaluate("navigator.clipboard.readText()") == page.locator("#recipe").text_content()
    recipe.get_by_role("button", name="Copy: Train it again").click()
    expect(recipe.get_by_role("status").nth(1)).to_have_text("copied")
    assert page.evaluate("navigator.clipboard.readText()").startswith("autocls train best_recipe.yaml")
    with page.expect_download() as download:
        recipe.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == "best_recipe.yaml"
    assert download.value.path().read_text() == page.locator("#recipe").text_content()


def test_two_rows_are_compared_by_what_differs_and_their_curves(page: Page) -> None:
    assert not page.locator("#compared").is_visible()
    page.get_by_label("compare trial 0", exact=True).focus()
    page.keyboard.press("Space")
    expect(page.locator("#chosen")).to_have_text("1 of at most 6 chosen: choose another to compare")
    page.get_by_label("compare trial 15", exact=True).check()
    table = page.locator("#compare")
    heads = table.get_by_role("rowheader").all_inner_texts()
    differing = {name for name in ("crop", "optimizer", "label_smoothing") if name in heads}
    assert {"crop", "label_smoothing"} <= differing
    assert "epochs" in heads, "a fact"
    assert "tta" not in heads, "the same in both"
    cells = table.get_by_role("row", name="crop").get_by_role("cell").all_inner_texts()
    assert cells == ["none", "shift (padding 2)"]
    page.get_by_label("slots that agree too").check()
    assert "tta" in table.get_by_role("rowheader").all_inner_texts()
    chart = page.get_by_role("group", name="Of trials 0, 15, trial")
    expect(chart.locator(".scatterlayer .trace")).to_have_count(2)
    points = page.evaluate("() => document.getElementById('chart-compared').data.map((trace) => trace.y.length)")
    assert points == [8, 8]
    page.get_by_role("button", name="Compare none").click()
    assert not page.locator("#compared").is_visible()
    assert page.locator(".pick:checked").count() == 0


def test_no_more_than_six_are_compared(page: Page) -> None:
    for place in range(6):
        page.locator(".pick").nth(place).check()
    assert page.locator(".pick:enabled").count() == 6
    page.locator(".pick").nth(0).uncheck()
    assert page.locator(".pick:disabled").count() == 0


def test_the_filter_offers_choices_that_were_made(page: Page) -> None:
    box = page.get_by_label("Filter")
    box.fill("norm = batch, opti")
    offered = page.evaluate("() => [...document.querySelectorAll('#suggestions option')].map((each) => each.value)")
    assert {"norm = batch, optimizer = adam", "norm = batch, optimizer = sgd"} <= set(offered)
    assert all(each.startswith("norm = batch, ") for each in offered)


def test_limits_pick_a_recipe_and_say_what_it_costs(page: Page) -> None:
    said = page.locator("#picked")
    expect(said).to_contain_text("The winner itself")
    page.get_by_label("Latency at most, ms").fill("1.05")
    expect(said).to_contain_text("is the best that fits")
    trial = int(said.inner_text().split()[1])
    assert trial % 5 == 0, "whose latency is 1.0 ms"
    page.get_by_text("The whole recipe", exact=True).click()
    its = page.evaluate(f"() => yaml(rows.find((row) => row.number === {trial}))")
    assert page.locator("#picked-recipe").text_content() == its
    page.get_by_label("Parameters at most").fill("1")
    expect(said).to_contain_text("loosen one")
    assert not page.locator("#picked-box").is_visible()


def test_a_newer_rendering_comes_in_without_disturbing_who_reads(page: Page, tmp_path: Path) -> None:
    newer = write_report(judge(write(tmp_path, 60))).read_text()
    page.get_by_label("Filter").fill("optimizer = adam")
    page.get_by_role("button", name="latency, ms").click()
    page.get_by_label("compare trial 3", exact=True).check()
    page.get_by_label("compare trial 15", exact=True).check()
    page.get_by_role("button", name="trial 15, show recipe").click()
    page.get_by_text("The same in numbers").first.click()
    page.get_by_label("Knob").select_option("label_smoothing")
    page.get_by_label("Parameters at most").fill("1010")
    page.get_by_label("compare trial 3", exact=True).focus()
    page.evaluate("() => { document.querySelector('.scroll').scrollTop = 60; scrollTo(0, 900); window.mark = 1; }")
    before = page.evaluate("() => scrollY"), page.locator("#chart-curves").element_handle()
    page.evaluate("(html) => update(new DOMParser().parseFromString(html, 'text/html'))", newer)
    page.evaluate("(html) => update(new DOMParser().parseFromString(html, 'text/html'))", newer)
    assert page.evaluate("() => [scrollY, window.mark]") == [before[0], 1]
    assert page.evaluate("(chart) => chart.isConnected", before[1]), "a chart is drawn anew where it is"
    expect(page.locator("header .facts div", has_text="trials").last).to_contain_text("60")
    assert page.locator("#shown").inner_text() == "30 of 60 trials"
    assert page.get_by_label("Filter").input_value() == "optimizer = adam"
    assert all("optimizer = adam" in text for text in column(page, "chips"))
    assert page.locator("th[aria-sort]").get_attribute("data-key") == "latency"
    assert page.locator("tr.detail").count() == 1
    assert page.evaluate("() => [...chosen]") == [3, 15]
    expect(page.get_by_role("group", name="Of trials 3, 15, trial")).to_be_visible()
    assert page.evaluate("() => document.activeElement.ariaLabel") == "compare trial 3"
    assert page.get_by_role("region", name="Tricks in numbers").is_visible()
    expect(page.locator("#chart-knob .xtitle")).to_have_text("label_smoothing")
    assert page.get_by_label("Parameters at most").input_value() == "1010"
    page.get_by_role("button", name="trial 15, show recipe").click()
    assert page.locator("tr.detail").count() == 0, "one click is heard once"
    assert page.title() == page.evaluate("(h) => new DOMParser().parseFromString(h, 'text/html').title", newer)


def test_a_page_that_began_empty_fills(browser: Browser, tmp_path: Path) -> None:
    empty = write(tmp_path / "empty", 30, complete=False)
    trials = pd.read_parquet(empty / "trials.parquet")
    trials.iloc[:0].to_parquet(empty / "trials.parquet")
    full = write_report(judge(write(tmp_path / "full", 30))).read_text()
    page = browser.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(write_report(empty).as_uri())
    assert page.get_by_text("No trial was started").is_visible()
    page.evaluate("(html) => update(new DOMParser().parseFromString(html, 'text/html'))", full)
    assert not page.get_by_text("No trial was started").is_visible()
    expect(page.locator("#chart-curves .main-svg").first).to_be_visible()
    expect(page.locator("#picked")).to_contain_text("The winner itself")
    page.get_by_label("Parameters at most").fill("1")
    expect(page.locator("#picked")).to_contain_text("loosen one")
    assert page.locator("#board tr.trial").count() >= 20
    assert wrong == []
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_keeps_anybody_out(page: Page, scheme: Literal["light", "dark"]) -> None:
    page.emulate_media(color_scheme=scheme)
    for place in range(2):
        page.locator(".pick").nth(place).check()
    page.locator("#board .open").first.click()
    unfold(page)
    assert barriers(page) == []


def test_each_knob_has_its_chart(page: Page) -> None:
    page.get_by_label("Knob").select_option("label_smoothing")
    expect(page.locator("#chart-knob .xtitle")).to_have_text("label_smoothing")


def test_it_never_scrolls_sideways(page: Page) -> None:
    unfold(page)
    assert too_wide(page) == []


@pytest.mark.alone
def test_2000_rows_stay_smooth_and_few_of_them_are_drawn(browser: Browser, tmp_path: Path) -> None:
    address = write_report(write(tmp_path, 2000)).as_uri()
    page = browser.new_page()
    page.goto(address)
    page.wait_for_selector("#board tbody tr")
    took = page.evaluate(
        "() => { const t = performance.now(); document.querySelector('th[data-key=score] button').click();"
        " return performance.now() - t }"
    )
    assert took < 500
    trials = page.locator("#board tr.trial")
    page.get_by_role("button", name="rank", exact=True).click()
    page.evaluate("() => { const box = document.querySelector('.scroll'); box.scrollTop = box.scrollHeight }")
    expect(trials.last).to_have_attribute("aria-rowindex", "2001")
    assert trials.count() < 300
    page.evaluate("() => { document.querySelector('.scroll').scrollTop = 0 }")
    expect(trials.first).to_have_attribute("aria-rowindex", "2")
    page.evaluate("() => dispatchEvent(new Event('beforeprint'))")
    assert trials.count() == 1000
    assert page.locator("#printed").text_content() == "1,000 of 2,000 trials are printed"
    page.evaluate("() => dispatchEvent(new Event('afterprint'))")
    assert trials.count() < 300
    page.close()


def test_a_row_that_was_opened_stays_open_when_it_comes_back(browser: Browser, tmp_path: Path) -> None:
    page = browser.new_page()
    page.goto(write_report(write(tmp_path, 500)).as_uri())
    page.locator("#board .open").first.click()
    for to in ("box.scrollHeight", "0"):
        page.evaluate(
            "() => { document.activeElement.blur(); const box = document.querySelector('.scroll');"
            f" box.scrollTop = {to} }}"
        )
        expect(page.locator("tr.detail")).to_have_count(1 if to == "0" else 0)
    page.close()


def test_a_link_to_a_trick_opens_its_card(browser: Browser, tmp_path: Path) -> None:
    folder = judge(write(tmp_path))
    trials = pd.read_parquet(folder / "trials.parquet")
    best = trials["number"] == json.loads((folder / "summary.json").read_text())["winner"]
    trials.loc[best, "recipe"] = "optimizer:\n  adam: {lr: 0.00221}\n"
    trials.to_parquet(folder / "trials.parquet")
    card = dict.fromkeys(("when", "interactions", "cost", "paper"), "") | {"about": "A. B.", "when": "Often."}
    (folder / "cards.json").write_text(json.dumps([card | {"slot": "optimizer", "name": "adam"}]))
    page = browser.new_page()
    page.goto(write_report(folder).as_uri())
    shown = page.locator("#card-optimizer-adam dl")
    link = page.get_by_role("link", name="optimizer: adam(lr=0.00221)").first
    for _ in range(2):  # again, once it was folded
        expect(shown).not_to_be_visible()
        link.focus()
        page.keyboard.press("Enter")
        expect(shown).to_be_visible()
        expect(page.locator("#card-optimizer-adam")).to_be_in_viewport()
        page.locator("#card-optimizer-adam summary").click()
    page.reload()
    expect(shown).to_be_visible()
    page.close()


def test_a_box_over_an_axis_keeps_the_lines_through_it_until_it_is_gone(browser: Browser, tmp_path: Path) -> None:
    page = browser.new_page(viewport={"width": 1440, "height": 900})
    page.goto(write_report(write(tmp_path, 90)).as_uri())
    drawn = "() => document.getElementById('chart-parallel').data.flatMap((t) => t.y).filter((y) => y !== null).length"
    chart = page.locator("#chart-parallel")
    chart.scroll_into_view_if_needed()
    box = chart.locator(".nsewdrag").bounding_box()
    assert box is not None
    every = page.evaluate(drawn)
    page.mouse.move(box["x"] + 0.85 * box["width"], box["y"] + 0.2 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 4, box["y"] + 0.5 * box["height"], steps=5)
    page.mouse.up()
    page.wait_for_timeout(500)  # the page's policy forbids to wait for a function
    assert 0 < page.evaluate(drawn) < every
    page.mouse.dblclick(box["x"] + 0.3 * box["width"], box["y"] + 0.95 * box["height"])
    page.wait_for_timeout(500)
    assert page.evaluate(drawn) == every
    page.close()


def test_pictures_say_what_they_are_and_stay_within_a_phone(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 900})
    pictures = page.locator("img")
    assert pictures.count() == 7, "two sheets, five mistakes"
    for picture in pictures.all():
        picture.scroll_into_view_if_needed()
        assert picture.get_attribute("alt")
        box = picture.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= 390
        assert picture.evaluate("(img) => img.decode().then(() => img.naturalWidth > 0)")
