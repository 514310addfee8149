"""A run folder kept at a URL, against a server that speaks S3."""

import hashlib
import itertools
import multiprocessing
import os
import shutil
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from moto.server import ThreadedMotoServer

from autocls.errors import BadInput
from autocls.files import whole
from autocls.search import mirror as module
from autocls.search.mirror import Mirror, at_hand, begun_at, taken_up_at
from autocls.search.urls import is_url, local

from .. import s3

SPAWN = multiprocessing.get_context("spawn")
LINE = b'{"op_code":0,"worker_id":"%s"}\n'


@pytest.fixture(scope="module")
def server() -> Iterator[ThreadedMotoServer]:
    with s3.served() as server:
        yield server


@pytest.fixture
def client(server: ThreadedMotoServer) -> object:
    return s3.empty_bucket(server)


@pytest.fixture
def url(server: ThreadedMotoServer, client: object) -> str:
    return s3.url_at(s3.port_of(server))


@pytest.fixture
def free_port() -> int:
    with socket.socket() as free:
        free.bind((s3.HOST, 0))
        port: int = free.getsockname()[1]
        return port


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTOCLS_CACHE", str(tmp_path / "here"))
    monkeypatch.setattr(module, "PERIOD", 0.1)
    monkeypatch.setattr(module, "AGAIN", 0.5)


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, _here: None) -> object:
    """Makes what follows happen on another machine."""
    return lambda: monkeypatch.setenv("AUTOCLS_CACHE", str(tmp_path / "elsewhere"))


def write(folder: Path, name: str, content: bytes = b"something") -> None:
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


def said(folder: Path, *lines: bytes) -> None:
    """Appends to the journal."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "journal.log").open("ab") as journal:
        journal.writelines(lines)


def files(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def keys(client: object) -> set[str]:
    return s3.keys(client, "runs/x/")


def journal_at(client: object) -> bytes:
    """The journal that the URL has."""
    return client.get_object(Bucket="bucket", Key="runs/x/journal.log")["Body"].read()


@pytest.mark.parametrize(
    ("out", "expected"),
    [("s3://bucket/x", True), ("gs://b", True), ("memory://b/x", True), ("file:///tmp/x", True)]
    + [(out, False) for out in ("reports/x", "/tmp/x", "C://x", "c:\\x", "s3:/bucket/x", "")],
)
def test_a_url_has_a_scheme(out, expected):
    assert is_url(out) is expected


def test_each_url_has_a_folder_of_its_own_on_this_machine(tmp_path):
    assert local("s3://b/x") == local("s3://b/x/")
    assert local("s3://b/x").name.startswith("x-")
    assert len({local(u) for u in ("s3://b/x", "s3://c/x", "gs://b/x", "s3://b/x?scheme=http")}) == 4
    assert local("s3://b/x").is_relative_to(tmp_path / "here" / "runs")
    assert local("reports/x") == Path("reports/x")


@pytest.fixture(params=["s3", "file", "memory"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A URL of each kind."""
    if request.param == "s3":
        return request.getfixturevalue("url")
    return f"file://{tmp_path}/far/x" if request.param == "file" else f"memory://bucket/{tmp_path.name}/x"


def test_what_is_pushed_is_fetched_on_another_machine(place, elsewhere):
    mirror = Mirror(place)
    mirror.probe()
    assert not mirror.exists()
    with mirror:
        said(mirror.folder, LINE % b"1", b"two\n")
        write(mirror.folder, "scratch/weights/3/model.safetensors", bytes(range(256)) * 99)
        write(mirror.folder, "model/card.json", "Käfer".encode())
        write(mirror.folder, "empty.txt", b"")
    before = files(mirror.folder)
    elsewhere()
    other = Mirror(place)
    assert other.exists()
    assert other.folder != mirror.folder
    other.fetch()
    assert files(other.folder) == before
    assert len(before) == 4


def test_scratch_stays_here_but_for_the_weights_and_goes_there_when_it_goes_here(client, url):
    mirror = Mirror(url)
    said(mirror.folder, LINE % b"1")
    write(mirror.folder, "scratch/trials/1/result.json")
    write(mirror.folder, "scratch/weights/1/model.safetensors")
    write(mirror.folder, "half.json.part")
    (mirror.folder / "journal.log.lock").symlink_to(mirror.folder / "journal.log")
    mirror.push()
    assert keys(client) == {"journal.log", "scratch/weights/1/model.safetensors"}
    shutil.rmtree(mirror.folder / "scratch")
    mirror.push()
    assert keys(client) == {"journal.log"}


def test_what_is_lost_here_is_not_lost_there(client, url):
    mirror = Mirror(url)
    said(mirror.folder, LINE % b"1")
    write(mirror.folder, "summary.json")
    mirror.push()
    write(mirror.folder, "scratch/weights/1/model.safetensors")
    mirror.push()
    (mirror.folder / "summary.json").unlink()
    mirror.push()
    shutil.rmtree(mirror.folder)
    mirror.push()
    assert keys(client) == {"journal.log", "summary.json", "scratch/weights/1/model.safetensors"}


def test_only_what_has_changed_is_pushed_and_the_journal_last(url, monkeypatch, elsewhere):
    put, pushed = Mirror._put, []
    monkeypatch.setattr(Mirror, "_put", lambda self, name, content: (pushed.append(name), put(self, name, content)))

    def push() -> list[str]:
        pushed.clear()
        mirror.push()
        return list(pushed)

    mirror = Mirror(url)
    said(mirror.folder, LINE % b"1")
    write(mirror.folder, "a.json")
    write(mirror.folder, "z.json")
    assert push() == ["a.json", "z.json", "journal.log"]
    assert push() == []
    said(mirror.folder, b"two\n")
    write(mirror.folder, "z.json", b"something else")
    assert push() == ["z.json", "journal.log"]
    mirror = Mirror(url)
    mirror.fetch()
    assert push() == ["a.json", "z.json", "journal.log"], "whether the URL has this copy's files, nobody knows"
    elsewhere()
    mirror = Mirror(url)
    mirror.fetch()
    assert push() == [], "all of this copy came from there"


def test_a_last_line_that_is_not_ended_stays_here_until_it_is(client, url):
    mirror = Mirror(url)
    said(mirror.folder, LINE % b"1", b'{"op_')
    mirror.push()
    assert journal_at(client) == LINE % b"1"
    said(mirror.folder, b'code":1}\n')
    mirror.push()
    assert journal_at(client) == LINE % b"1" + b'{"op_code":1}\n'


def test_a_reader_of_a_folder_never_sees_half_a_file(tmp_path):
    mirror = Mirror(f"file://{tmp_path}/far/x")
    contents = [bytes([number]) * 3_000_000 for number in range(8)]
    seen, done = set(), threading.Event()

    def look() -> None:
        while not done.is_set():
            path = tmp_path / "far" / "x" / "model.bin"
            if path.exists():
                seen.add(hashlib.sha256(path.read_bytes()).hexdigest())

    reader = threading.Thread(target=look)
    reader.start()
    for content in contents:
        write(mirror.folder, "model.bin", content)
        mirror.push()
    done.set()
    reader.join()
    assert seen
    assert seen <= {hashlib.sha256(content).hexdigest() for content in contents}
    assert files(tmp_path / "far" / "x") == {"model.bin": contents[-1]}


def test_what_changes_is_pushed_while_the_search_goes_on(client, url):
    with Mirror(url) as mirror:
        said(mirror.folder, LINE % b"1")
        until = time.monotonic() + 10
        while keys(client) != {"journal.log"} and time.monotonic() < until:
            time.sleep(0.05)
        assert keys(client) == {"journal.log"}


def test_a_server_that_is_gone_for_some_seconds_costs_nothing(client, free_port, elsewhere, caplog):
    other = s3.serve(free_port)
    with Mirror(s3.url_at(free_port)) as mirror:
        said(mirror.folder, LINE % b"1")
        time.sleep(0.5)
        other.stop()
        for number in range(20):
            said(mirror.folder, b"line %d\n" % number)
            write(mirror.folder, f"file {number}.txt", b"%d" % number)
            time.sleep(0.1)
        until = time.monotonic() + 20
        while "can't be written" not in caplog.text and time.monotonic() < until:
            time.sleep(0.1)
        other = s3.serve(free_port)
        said(mirror.folder, b"last\n")
    assert caplog.text.count("the search goes on, and tries again") == 1
    before = files(mirror.folder)
    elsewhere()
    fetched = Mirror(s3.url_at(free_port))
    fetched.fetch()
    other.stop()
    assert files(fetched.folder) == before
    assert len(before) == 21


def test_a_server_that_stays_gone_is_said_at_the_end_with_what_to_do(client, free_port, monkeypatch):
    other = s3.serve(free_port)
    mirror = Mirror(s3.url_at(free_port))
    other.stop()
    monkeypatch.setattr(module, "LAST", 1.0)
    with pytest.raises(BadInput, match=r"can't be written.* lies in .*/runs/x-\w+, and `autocls resume`"), mirror:
        said(mirror.folder, LINE % b"1")
    assert files(mirror.folder) == {"journal.log": LINE % b"1"}


def test_an_error_of_the_search_is_raised_and_what_it_left_is_pushed(client, url):
    mirror = Mirror(url)
    said(mirror.folder, LINE % b"1")
    with pytest.raises(ZeroDivisionError), mirror:
        raise ZeroDivisionError
    assert keys(client) == {"journal.log"}


def begin(out: str) -> None:
    with begun_at(out):
        pytest.fail("it was searched")


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ("foo://bucket/x", r"foo://bucket/x: no place for a run folder: Protocol not known: foo"),
        ("s3:///x", r"s3:///x: no place for a run folder: Missing bucket name"),
        ("s3://bucket/x?nonsense=1", "Unexpected query parameter"),
        ("file:///proc/nowhere/x", "file:///proc/nowhere/x: can't be written: .*No such file or directory"),
    ],
)
def test_a_url_that_cannot_be_used_is_said_before_the_search(bad, why):
    with pytest.raises(BadInput, match=f"--out {why}" if why.startswith(bad[:4]) else f"--out .*{why}"):
        begin(bad)


def test_a_bucket_that_is_not_there_is_said_before_the_search(server):
    missing = s3.url_at(s3.port_of(server), "no-bucket")
    with pytest.raises(BadInput, match=r"--out s3://no-bucket/.*can't be written: .*bucket does not exist"):
        begin(missing)


def test_a_password_in_the_url_is_in_no_message(server):
    secret = s3.url_at(s3.port_of(server), "no-bucket").replace("s3://", "s3://me:secret@")
    with pytest.raises(BadInput) as raised:
        begin(secret)
    assert "secret" not in str(raised.value)
    assert "secret" not in str(local(secret))


def test_a_search_works_in_the_local_folder_and_leaves_a_copy(client, url):
    with begun_at(url) as folder:
        said(folder, LINE % b"1")
    assert folder == local(url)
    assert keys(client) == {"journal.log"}
    with pytest.raises(BadInput, match=r"--out s3://bucket/runs/x.*: holds another study"):
        begin(url)


def test_a_search_goes_on_where_its_copy_is_fetched(client, url, elsewhere):
    with begun_at(url) as folder:
        said(folder, LINE % b"1")
    elsewhere()
    with taken_up_at(url) as folder:
        said(folder, b"two\n")
    assert journal_at(client) == LINE % b"1" + b"two\n"
    with pytest.raises(BadInput, match="there is nothing"), taken_up_at(url.replace("runs/x", "runs/y")):
        pytest.fail("it went on")


def test_a_copy_that_is_not_at_the_url_is_not_lost(client, url):
    said(local(url), LINE % b"1")
    with pytest.raises(BadInput, match="holds another study"):
        begin(url)
    assert keys(client) == set()
    assert files(local(url)) == {"journal.log": LINE % b"1"}


def test_a_folder_that_is_no_url_is_left_as_it_is():
    with begun_at("reports/x") as begun, taken_up_at(Path("reports/x")) as taken_up:
        assert begun == taken_up == Path("reports/x")


def test_a_copy_that_has_gone_on_is_kept_and_pushed(client, url):
    mirror = Mirror(url)
    said(mirror.folder, LINE % b"1")
    write(mirror.folder, "summary.json", b"old")
    mirror.push()
    said(mirror.folder, b"two\n")
    write(mirror.folder, "summary.json", b"new")
    again = Mirror(url)
    again.fetch()
    assert files(again.folder) == {"journal.log": LINE % b"1" + b"two\n", "summary.json": b"new"}
    again.push()
    assert client.get_object(Bucket="bucket", Key="runs/x/summary.json")["Body"].read() == b"new"


def test_a_copy_that_stayed_behind_is_brought_up_to_date(client, url, tmp_path, monkeypatch):
    first = Mirror(url)
    said(first.folder, LINE % b"1")
    first.push()
    said(first.folder, b"never pushed\n")  # its machine died
    monkeypatch.setenv("AUTOCLS_CACHE", str(tmp_path / "elsewhere"))
    second = Mirror(url)
    second.fetch()
    said(second.folder, b"went on\n")
    second.push()
    monkeypatch.setenv("AUTOCLS_CACHE", str(tmp_path / "here"))
    third = Mirror(url)
    third.fetch()
    assert files(third.folder) == {"journal.log": LINE % b"1" + b"went on\n"}


def test_a_copy_of_another_study_is_not_overwritten(client, url):
    said(local(url), LINE % b"other")
    client.put_object(Bucket="bucket", Key="runs/x/journal.log", Body=LINE % b"1")
    with pytest.raises(BadInput, match="holds another study; delete the copy"):
        Mirror(url).fetch()
    assert files(local(url)) == {"journal.log": LINE % b"other"}


def test_keys_that_lead_out_of_the_folder_are_left(client, url):
    client.put_object(Bucket="bucket", Key="runs/x/journal.log", Body=LINE % b"1")
    client.put_object(Bucket="bucket", Key="runs/x/../../evil", Body=b"evil")
    mirror = Mirror(url)
    mirror.fetch()
    assert files(mirror.folder) == {"journal.log": LINE % b"1"}
    assert not list(mirror.folder.parents[1].glob("**/evil"))


def test_a_folder_at_a_url_is_at_hand_for_any_verb(client, url):
    client.put_object(Bucket="bucket", Key="runs/x/summary.json", Body=b"{}")
    assert files(Path(at_hand(url))) == {"summary.json": b"{}"}
    assert at_hand("reports/x") == "reports/x"
    assert at_hand("ray://host:10001") == "ray://host:10001"
    with pytest.raises(BadInput, match="there is nothing"):
        at_hand(url.replace("runs/x", "runs/y"))


def _search_on(url: str, cache: str) -> None:
    os.environ["AUTOCLS_CACHE"] = cache
    module.PERIOD = 0.01
    with Mirror(url) as mirror:
        said(mirror.folder, LINE % b"1")
        for number in itertools.count():
            content = os.urandom(200_000)
            weights = mirror.folder / "scratch" / "weights" / str(number % 5) / "model.safetensors"
            weights.parent.mkdir(parents=True, exist_ok=True)
            with whole(weights) as partial:  # as a search writes them
                partial.write_bytes(content)
            write(mirror.folder, f"kept/{number}", content[:1000])
            said(mirror.folder, b"kept/%d %s\n" % (number, hashlib.sha256(content[:1000]).hexdigest().encode()))
            time.sleep(0.005)


@pytest.mark.parametrize("after", [0.3, 0.77, 1.5])
def test_a_killed_search_leaves_what_can_be_fetched(client, url, tmp_path, elsewhere, after):
    process = SPAWN.Process(target=_search_on, args=(url, os.environ["AUTOCLS_CACHE"]))
    process.start()
    until = time.monotonic() + 60
    while "journal.log" not in keys(client) and time.monotonic() < until:
        time.sleep(0.01)
    time.sleep(after)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    here = local(url) / "journal.log"
    elsewhere()
    mirror = Mirror(url)
    mirror.fetch()
    journal = (mirror.folder / "journal.log").read_bytes()
    assert journal.endswith(b"\n")
    assert here.read_bytes().startswith(journal)
    for line in journal.decode().splitlines()[1:]:
        name, digest = line.split()
        assert hashlib.sha256((mirror.folder / name).read_bytes()).hexdigest() == digest
    weights = {
        name: len(content) for name, content in files(mirror.folder).items() if name.startswith("scratch/weights/")
    }
    assert set(weights.values()) <= {200_000}, weights
