"""The page in a real browser, from disk, with the network off."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pandas as pd
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from autocls.report import write_report
from autocls.report.forest import AROUND, ROW
from autocls.report.run import read
from tests.report.runs import NASTY, judge, write

CHROMIUM = Path("/usr/bin/chromium")
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        # `make test` must pass where only Python and pip are assumed; CI installs the browser, so there it must be.
        assert "CI" not in os.environ, f"CI has no {CHROMIUM}"
        pytest.skip(f"no {CHROMIUM}: these tests open the page in Debian's chromium (apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_report(judge(write(tmp_path_factory.mktemp("page"), 30))).as_uri()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """The page opened offline; afterwards nothing may have gone wrong or asked for the network."""
    context = browser.new_context(offline=True, permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("dialog", lambda dialog: wrong.append(f"dialog {dialog.message}"))
    page.on("request", lambda request: wrong.append(request.url) if request.url.startswith("http") else None)
    page.goto(address)
    page.wait_for_selector("#chart-curves .main-svg")
    yield page
    context.close()
    assert wrong == []


def column(page: Page, index: int) -> list[str]:
    cells = page.locator(f"#board tbody tr.trial td:nth-child({index})")
    return cells.all_inner_texts()


def test_it_opens_with_charts_and_every_name_as_text(page: Page) -> None:
    assert page.locator(".chart .main-svg").count() >= 3
    assert page.get_by_role("cell", name=NASTY[0], exact=True).count() == 2, "a class and the command line"
    assert page.get_by_text("Association in search data, not effect").is_visible()


def test_what_made_the_difference_is_drawn_and_written(page: Page) -> None:
    chart = page.get_by_role("img", name="Of 4 tricks judged, 1 helps")
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
    assert column(page, 1)[0] == "1"
    head = page.get_by_role("button", name="score", exact=True)
    head.click()
    shown = [float(t.split()[0]) for t in column(page, 3) if t != "–"]
    assert shown == sorted(shown, reverse=True)
    head.press("Enter")
    shown = [float(t.split()[0]) for t in column(page, 3) if t != "–"]
    assert shown == sorted(shown)
    assert column(page, 3)[-1] == "–", "what is not known stands last either way"
    assert page.locator("th[aria-sort]").get_attribute("data-key") == "score"


def test_filtering(page: Page) -> None:
    page.get_by_label("Filter").fill("optimizer = adam")
    chips = column(page, 8)
    assert chips
    assert all("optimizer = adam" in text for text in chips)
    page.get_by_label("State").select_option("FAIL")
    assert set(column(page, 5)) == {"FAIL"}
    page.get_by_label("Filter").fill("nothing like it")
    assert page.locator("#shown").inner_text() == "0 of 30 trials"


def test_expressions_ask_for_knobs_of_their_own_choice(page: Page) -> None:
    box = page.get_by_label("Filter")
    box.fill("optimizer.adam.lr < 0.001, norm = batch")
    chips = column(page, 8)
    assert chips
    assert all("adam (lr 0.000" in text and "norm = batch" in text for text in chips)
    box.fill("optimizer.adam.lr = 0.1")
    assert column(page, 8) == [], "sgd's lr is 0.1, and is another knob"
    shown = page.evaluate("() => Number(choices['optimizer.adam.lr'].find(lr => lr).toPrecision(3))")
    box.fill(f"lr = {shown}")
    assert len(column(page, 8)) == 1, "the three digits of a chip find it"
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
    page.get_by_role("button", name="Copy").click()
    expect(page.locator("#copied")).to_contain_text("with the keyboard")


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
    assert set(column(page, 2)) == {"0", "10", "20"}


def test_the_recipe_is_copied(page: Page) -> None:
    page.get_by_role("button", name="Copy").click()
    expect(page.locator("#copied")).to_have_text("copied")
    assert page.evaluate("navigator.clipboard.readText()") == page.locator("#recipe").inner_text()


def test_each_knob_has_its_chart(page: Page) -> None:
    page.get_by_label("Knob").select_option("label_smoothing")
    expect(page.locator("#chart-knob .xtitle")).to_have_text("label_smoothing")


def test_it_never_scrolls_sideways(page: Page) -> None:
    page.evaluate("() => document.querySelectorAll('details').forEach(details => { details.open = true })")
    for width in (1440, 768, 390):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(300)  # charts follow a moment later
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width


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
