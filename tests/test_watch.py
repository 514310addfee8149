"""A search's page while it runs, asked for over HTTP."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import autocls
from autocls import watch
from autocls.errors import BadInput
from autocls.watch import Artist, Drawn, Server, Stamp
from tests.search.objectives import quadratic
from tests.watched import get, searching, until


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A search that has ended."""
    space = {"norm": ["none", "batch"], "optimizer": {"sgd": {"lr": {"log": [0.01, 0.3]}}}, "epochs": 3}
    out = tmp_path_factory.mktemp("run") / "out"
    return autocls.search(objective=quadratic, space=space, trials=5, out=out, address="inline", confirm=0).folder


@pytest.fixture(scope="module")
def server(finished: Path) -> Iterator[Server]:
    """Of a search that has ended, with its page drawn."""
    with Server(finished) as server:
        until(lambda: get(server.address).ended)
        yield server


def test_only_who_has_the_address_gets_the_page(server: Server) -> None:
    host = server.address.removesuffix(f"{server.token}/")
    assert get(server.address).status == 200
    for wrong in (
        "",
        f"{server.token[:-1]}/",
        f"{server.token}x/",
        f"{server.token}/journal.log",
        f"{server.token}/../",
    ):
        assert get(host + wrong).status == 404, wrong
    assert len(server.token) >= 22, "128 bits"


def test_a_page_of_another_site_whose_name_was_led_here_gets_nothing(server: Server) -> None:
    for mine in ("localhost", "localhost:8080", "127.0.0.1:1", "[::1]:8080"):
        assert get(server.address, Host=mine).status == 200, mine
    for other in ("evil.example", "127.0.0.1.evil.example", "10.0.0.1", ""):
        assert get(server.address, Host=other).status == 421, other


def test_elsewhere_it_may_go_by_any_name(finished: Path) -> None:
    with Server(finished, host="0.0.0.0") as server:
        assert not server.local
        assert "0.0.0.0" not in server.address
        here = f"http://127.0.0.1:{server.address.rsplit(':', 1)[1]}"
        assert get(here, Host="node7.cluster").status == 200


def test_what_is_known_is_not_sent_again(server: Server) -> None:
    page = get(server.address)
    again = get(server.address + "update", If_None_Match=page.headers["ETag"])
    assert (again.status, again.text) == (304, "")
    assert get(server.address + "update", If_None_Match='"another"').text == page.text
    assert "Last-Modified" in again.headers
    assert page.headers["Cache-Control"] == "no-store"


def test_the_charts_script_is_apart_so_that_news_are_small(server: Server) -> None:
    page = get(server.address).text
    assert "connect-src 'self'" in page
    assert '<script src="plotly.js">' in page
    assert len(page) < 400_000
    assert len(get(server.address + "plotly.js").text) > 1_000_000


@pytest.mark.alone
def test_it_ends_some_seconds_after_the_last_page_was_seen(finished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watch, "LOOKING", 0.5)
    with Server(finished) as server:
        waiting = threading.Thread(target=server.wait)
        waiting.start()
        waiting.join(1)
        assert waiting.is_alive(), "nobody has seen it"
        until(lambda: get(server.address).ended)
        waiting.join(5)
        assert not waiting.is_alive()


@pytest.mark.alone
def test_nobody_who_looks_is_left_without_the_last_page(finished: Path) -> None:
    with Server(finished) as server:
        began = time.monotonic()
        server.part(10)
        assert time.monotonic() - began < 1, "nobody looks"
        get(server.address)
        leaving = threading.Thread(target=server.part, args=(30,))
        leaving.start()
        until(lambda: get(server.address + "update").ended)
        leaving.join(1)
        assert not leaving.is_alive()


def test_a_running_search_is_shown_and_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    with Server(folder) as server:
        assert get(server.address).title == "The page comes in a moment", "there is nothing yet"
        with searching(folder) as gate:
            until(lambda: get(server.address).title == "The search is running: no trial is complete yet")
            gate.let(2)
            until(lambda: "best so far 80.00 %" in get(server.address).title)
            shown = get(server.address)
            assert not shown.ended
            assert "RUNNING" in shown.text
            assert not {"trials.parquet", "summary.json", "report.html"} & {path.name for path in folder.iterdir()}
        until(lambda: get(server.address).ended)
        assert get(server.address).title == "Trial 1 wins: 90.00 % accuracy on validation"
        assert f'data-report="{folder / "report.html"}"' in get(server.address).text


def test_a_line_that_is_being_written_is_left_for_the_next_page(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    with searching(folder) as gate:
        gate.let(2)
        until(lambda: b'"values":[0.8]' in (folder / "journal.log").read_bytes().replace(b" ", b""))
        whole = (folder / "journal.log").read_bytes()
    killed = tmp_path / "killed"
    killed.mkdir()
    (killed / "journal.log").write_bytes(whole[:-1])
    with Server(killed) as server:
        until(lambda: get(server.address).title.startswith("The search is running"))


def test_a_page_that_takes_long_is_drawn_less_often(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Stamp] = []

    class Ready:
        def __init__(self, page: Drawn) -> None:
            self.get = lambda: page

        def wait(self, seconds: float) -> None: ...

        def ready(self) -> bool:
            return True

    def at_once(what: Callable[..., Drawn], folder: Path, stamp: Stamp) -> Ready:
        drawn.append(stamp)
        return Ready(Drawn(stamp, b"page", ended=False, seconds=10.0))

    artist, journal = Artist(tmp_path), tmp_path / "journal.log"
    patched: Any = artist
    patched._elsewhere = at_once
    for text in ("one", "one, two", "one, two, three"):
        journal.write_text(text)
        artist.newest()
    assert len(drawn) == 1
    (tmp_path / "report.html").write_text("the search has ended")
    assert artist.newest().stamp == drawn[-1]
    assert len(drawn) == 2, "the last page does not wait"


def test_a_folder_that_breaks_is_said_and_served_on(tmp_path: Path) -> None:
    (tmp_path / "journal.log").write_text("no JSON\n")
    with Server(tmp_path) as server:
        until(lambda: get(server.address).status == 503)
        assert "the page can't be drawn" in get(server.address).text


def test_a_port_that_is_taken(finished: Path, server: Server) -> None:
    port = int(server.address.split(":")[2].split("/")[0])
    with pytest.raises(BadInput, match="can't listen there"):
        Server(finished, port=port)
