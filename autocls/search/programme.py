"""What a study does, in order: screen, search, confirm, attribute."""

import math
from collections.abc import Iterator

from autocls.search import attributing, confirming, screening
from autocls.search.driver import Driver
from autocls.search.messages import Move, Run
from autocls.search.setting import Setting
from autocls.verdict.verdict import Phase


def whole(setting: Setting, driver: Driver) -> Iterator[Run | Move]:
    """The whole of a study, as its plan has it. A verdict that the budget has no room for leaves it to the search.

    A driver that has joined another one's study searches for it; that one screens and judges.
    """
    if driver.study.joined:
        while not driver.searched() and not driver.study.search_has_ended():
            yield Move.SEARCH
        return
    yield from screening.stage(setting, driver)
    if not setting.plan.confirm:
        yield from _search(driver)
        return
    driver.end_search_at(setting.search_ends(driver))
    yield from _search(driver)
    best = confirming.ranked(driver)
    if lack := driver.study.decide("confirmation", lambda: confirming.lack(setting, driver, best)):
        driver.study.leave_undone(f"nothing confirmed: {lack}")
        driver.end_search_at(math.inf)
        yield from _search(driver)
        return
    driver.study.note("searched", True)
    winner = yield from confirming.stage(setting, driver, best)
    yield from attributing.stage(setting, driver, winner)


def _search(driver: Driver) -> Iterator[Run | Move]:
    while not driver.searched():
        yield Move.SEARCH
    while driver.running(Phase.SEARCH):
        yield Move.WAIT
