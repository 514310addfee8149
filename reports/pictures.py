"""Pictures of a report, as a screen and a phone show it: ``python reports/pictures.py REPORT.html FOLDER``."""

import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

CHROMIUM = "/usr/bin/chromium"
SCREENS = {"desk": (1440, 1000, "light"), "dark": (1440, 1000, "dark"), "phone": (390, 844, "light")}
"""Name → width and height in pixels, and colours."""
SECTIONS = ("difference", "cost", "went", "data")
"""Of the desk's page, by the ends of their headings' names."""


def take(report: Path, folder: Path) -> None:
    """Write a PNG of the top of the page for each screen, and one of each section."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        for name, (width, height, scheme) in SCREENS.items():
            page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
            page.goto(report.absolute().as_uri())
            page.wait_for_selector(".main-svg")
            page.screenshot(path=folder / f"{name}.png")
            if name == "desk":
                _sections(page, folder)
        browser.close()


def _sections(page: Page, folder: Path) -> None:
    page.add_style_tag(content="nav { position: static !important } section { padding: 24px }")  # else it lies on top
    for name in SECTIONS:
        page.locator(f"section[aria-labelledby=h-{name}]").screenshot(path=folder / f"{name}.png")


if __name__ == "__main__":
    take(Path(sys.argv[1]), Path(sys.argv[2]))
