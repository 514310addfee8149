"""The page across searches."""

import csv
import io
import json
import math
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from autocls.report import studies, write_report
from autocls.report.run import read
from autocls.report.studies import Study, comparisons, finding, names, study
from autocls.verdict.verdict import Effect, Word
from tests.browser import browser as browser
from tests.report.runs import NASTY, judge, write
from tests.verdict.verdicts import VERDICT


def named(folder: Path, **about: Any) -> Path:
    file = folder / "summary.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **about}))
    return folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two judged studies, one without a verdict, and one without a complete trial."""
    root = tmp_path_factory.mktemp("studies")
    norm, adam, smoothing, _ = VERDICT.tricks
    other = replace(
        VERDICT,
        tricks=(
            replace(norm, effect=Effect(0.01, 0.004, 0.016, 8, 0.01, 0.01)),
            replace(adam, word=Word.HELPS),
            smoothing,
        ),
    )
    pets = named(judge(write(root / "pets & co")), data="pets", metric="accuracy")
    cars = named(judge(write(root / "cars", 40), other), data=NASTY[0], metric="accuracy")
    write_report(pets)
    return [pets, cars, named(write(root / "plain", 12), data="flowers"), write(root / "none", 5, complete=False)]


@pytest.fixture(scope="module")
def found(folders: list[Path]) -> list[Study]:
    return [study(folder, read(folder), folders[0].parent / "leaderboard.html") for folder in folders]


def test_a_study_is_what_its_verdict_says(found: list[Study]) -> None:
    pets = found[0]
    assert (pets.data, pets.images, pets.classes, pets.metric) == ("pets", 45, 3, "accuracy")
    assert (pets.confirmed, pets.gain, pets.test) == (VERDICT.confirmed, VERDICT.gain, VERDICT.test)
    assert (pets.score, pets.trials, pets.seconds) == (VERDICT.confirmed.mean, 30, 125.0)
    assert pets.hurts == ["mix: mixup (put in)"]
    assert pets.report == "pets%20%26%20co/report.html"
    assert any(chip.startswith("optimizer = adam (lr 0.00") for chip in pets.differs)
    assert 0.001 <= pets.latency < 0.002


def test_a_study_may_lack_a_verdict_or_a_winner(found: list[Study]) -> None:
    plain, none = found[2:]
    assert (plain.confirmed, plain.gain, plain.tricks, plain.report) == (None, None, (), None)
    assert plain.test is not None
    assert (plain.test.winner, plain.score) == (0.87, plain.searched)
    assert (none.winner, none.differs, none.parameters) == (None, (), None)


def test_an_old_folder_lacks_what_was_not_measured_then(folders: list[Path], tmp_path: Path) -> None:
    old = tmp_path / "old"
    shutil.copytree(folders[0], old)
    table = read(old).trials.drop(columns=["latency", "latency_64", "multiply_adds", "worker", "begun", "traceback"])
    table.to_parquet(old / "trials.parquet")
    assert math.isnan(study(old, read(old), old / "page.html").latency)


def test_tricks_are_compared_over_the_studies_that_judged_them(found: list[Study]) -> None:
    norm, adam, smoothing, mixup = comparisons(found)
    assert (norm.name, norm.instead) == (f"norm: {NASTY[2]}", "none")
    assert [trick and trick.word for trick in norm.found] == ["helps", "helps", None, None]
    assert (norm.words[Word.HELPS], adam.words[Word.HELPS]) == (2, 1)
    assert (norm.pooled.studies, mixup.pooled.studies) == (2, 1)
    assert 0.01 < norm.pooled.mean < 0.0142
    assert smoothing.words == {Word.NO_DIFFERENCE: 2}
    assert (
        finding(found, comparisons(found))
        == f"4 studies of 4 data sets: norm: {NASTY[2]} helps in 2 of the 2 that tried it"
    )
    assert finding(found[2:3], ()) == "1 study of 1 data set: none has judged a trick"


def test_studies_of_different_metrics_have_no_mean(found: list[Study]) -> None:
    assert all(
        c.pooled.studies == 0 for c in comparisons([found[0], replace(found[1], metric="macro f1")]) if c.found[1]
    )


def test_studies_of_one_data_set_are_told_apart(found: list[Study]) -> None:
    same = [replace(found[0], data="pets", space=space, folder=folder) for space, folder in ("ab", "ac", "bd")]
    assert names(same) == ["b", "c", "pets, b"]
    assert names(found[:1]) == ["pets"]


def test_markdown_shows_names_as_they_are(found: list[Study]) -> None:
    text = studies.markdown(found)
    assert "<" not in text
    assert "+1.42 helps" in text
    assert "98.31 % (98.02 to 98.60)" in text
    tables = [block for block in text.split("\n\n") if block.startswith("|")]
    assert [len(block.splitlines()) for block in tables] == [2 + 4, 2 + 4]


def test_csv_has_numbers(found: list[Study]) -> None:
    rows = list(csv.DictReader(io.StringIO(studies.as_csv(found))))
    assert [row["data"] for row in rows] == [one.data for one in found]
    assert float(rows[0]["confirmed"]) == VERDICT.confirmed.mean
    assert rows[0]["optimizer: adam instead of sgd: word"] == "undetermined"
    assert (rows[3]["winner"], rows[3]["search"]) == ("", "")


@pytest.fixture
def page(browser: Browser, found: list[Study], folders: list[Path]) -> Iterator[Page]:
    file = folders[0].parent / "leaderboard.html"
    file.write_text(studies.html(found), encoding="utf-8")
    context = browser.new_context(offline=True)
    page, wrong = context.new_page(), list[str]()
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("dialog", lambda dialog: wrong.append(dialog.message))
    page.goto(file.as_uri())
    yield page
    context.close()
    assert wrong == []


def test_the_page_sorts_and_leads_to_reports(page: Page) -> None:
    table = page.get_by_role("region", name="Studies", exact=True)
    data = table.locator("tbody th")
    assert data.first.inner_text().startswith("pets")
    table.get_by_role("button", name="trials").click()
    assert [text.split("\n")[0] for text in data.all_inner_texts()] == [NASTY[0], "pets", "flowers", "pets & co"]
    table.get_by_role("button", name="confirmed").press("Enter")
    assert table.locator("th[aria-sort]").inner_text() == "confirmed"
    assert data.last.inner_text().startswith("pets & co"), "what is not known stands last"
    page.get_by_role("link", name="pets", exact=True).click()
    page.wait_for_url("**/report.html")


def test_the_page_fits_a_phone(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert page.locator("td.n .word.helps").count() == 3
