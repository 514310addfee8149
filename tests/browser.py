"""Pages in Debian's chromium, from disk, with the network off."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

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


@contextmanager
def opened(browser: Browser, address: str) -> Iterator[Page]:
    """The page opened offline; afterwards nothing may have gone wrong or asked for the network."""
    context = browser.new_context(offline=True, permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("dialog", lambda dialog: wrong.append(f"dialog {dialog.message}"))
    page.on("request", lambda request: wrong.append(request.url) if request.url.startswith("http") else None)
    page.goto(address)
    page.wait_for_selector(".chart .main-svg")
    yield page
    context.close()
    assert wrong == []


def unfold(page: Page) -> None:
    page.evaluate("() => document.querySelectorAll('details').forEach(details => { details.open = true })")


def barriers(page: Page) -> list[str]:
    """What axe finds that keeps somebody out."""
    page.evaluate(Axe().axe_script)  # as a script element, the page's own policy would not let it in
    found = page.evaluate("() => axe.run()")
    return [
        f"{each['id']}: {each['nodes'][0]['html'][:200]}: {each['nodes'][0]['failureSummary']}"
        for each in found["violations"]
        if each["impact"] in ("serious", "critical")
    ]


def too_wide(page: Page) -> list[int]:
    """The widths of a screen, in pixels, at which the page would scroll sideways."""
    found = []
    for width in (1440, 768, 390):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(300)  # charts follow a moment later
        if page.evaluate("() => document.documentElement.scrollWidth") > width:
            found.append(width)
    return found
