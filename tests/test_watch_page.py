"""The page of a running search in a real browser: news come without anybody's asking."""

import json
from pathlib import Path

from playwright.sync_api import Browser, expect

from autocls.watch import Server
from tests.browser import browser as browser
from tests.watched import searching

NEWS = 90_000


def test_news_of_a_running_search_come_by_themselves(browser: Browser, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    page = browser.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    title, bar = page.locator("h1"), page.locator("#live")
    with searching(folder) as gate, Server(folder) as server:
        page.goto(server.address)
        expect(title).to_have_text("The search is running: no trial is complete yet", timeout=NEWS)
        expect(bar).to_contain_text("live updated")
        gate.let(2)
        expect(title).to_contain_text("best so far 80.00 %", timeout=NEWS)
        expect(page.locator("#chart-curves .main-svg").first).to_be_visible()
        gate.let(2)
        expect(title).to_contain_text("best so far 90.00 %", timeout=NEWS)
        gate.open()
        expect(bar).to_have_text(f"the search has ended its report is {folder / 'report.html'}", timeout=NEWS)
        expect(title).to_contain_text("wins: 90.00 %")
    assert wrong == []
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["stopped"] == "all trials are done"
    page.close()


def test_a_page_whose_server_is_gone_says_so(browser: Browser, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    page = browser.new_page()
    with searching(folder), Server(folder) as server:
        page.goto(server.address)
        expect(page.locator("h1")).to_contain_text("The search is running", timeout=NEWS)
    expect(page.locator("#live")).to_contain_text("no answer", timeout=NEWS)
    expect(page.locator("#live")).to_contain_text(str(folder / "report.html"))
    page.close()
