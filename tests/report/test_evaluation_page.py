"""The pages of ``autocls evaluate --page`` in a real browser."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from autocls.report import evaluation, label_evaluation
from autocls.report.label_evaluation import LabelEvaluation
from tests.browser import barriers, opened, too_wide, unfold
from tests.browser import browser as browser
from tests.report.runs import NASTY
from tests.report.test_evaluation import made
from tests.report.test_labels import answered

NOTE = f"1 of 301 images left out, unreadable: {NASTY[0]}.png (the file is empty)"
PAGES = {
    "one class each": lambda: evaluation.html(made(notes=(NOTE,))),
    "many labels": lambda: label_evaluation.html(LabelEvaluation("model", NASTY[1], answered(), (NOTE,))),
}


@pytest.fixture(params=PAGES)
def page(request: pytest.FixtureRequest, browser: Browser, tmp_path: Path) -> Iterator[Page]:
    file = tmp_path / "evaluation.html"
    file.write_text(PAGES[request.param](), encoding="utf-8")
    with opened(browser, file.as_uri()) as page:
        yield page


def test_it_draws_its_charts_and_says_what_was_left_out(page: Page) -> None:
    expect(page.locator("h1")).to_be_visible()
    expect(page.get_by_text(NOTE)).to_be_visible()
    assert page.locator(".chart .main-svg").count() >= 2
    assert page.locator("table tbody tr").count() >= 3


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_keeps_anybody_out(page: Page, scheme: Literal["light", "dark"]) -> None:
    page.emulate_media(color_scheme=scheme)
    unfold(page)
    assert barriers(page) == []


def test_it_never_scrolls_sideways(page: Page) -> None:
    unfold(page)
    assert too_wide(page) == []
