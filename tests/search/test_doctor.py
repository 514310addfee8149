import json
import os
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from autocls.errors import BadInput
from autocls.search import node_check
from autocls.search.diagnosis import HERE, Answer, Clock, Finding, Here, Node, judge
from autocls.search.doctor import _place, _read, _refusal, _source, distinct
from autocls.search.node_check import DRIVER, Question

VERSIONS = {"autocls": "0.1.0", "torch": "2.9.0", "timm": "1.0.15"}
DRIVERS = Here("3.11.7", VERSIONS, "/runs/x", out_free=50 * 10**9, data="/photos", data_extent="3 entries")
WELL = Node(
    "box", 1,
    Answer(
        doing="", executable="/env/bin/python", python="3.11.9", versions={**VERSIONS, "torch": "2.9.0+cu128"},
        storage="shared", data="3 entries", torch_seconds=2.0, gpus=("NVIDIA H100",), built_for="12.8",
        cache="/cache", cache_free=50 * 10**9,
    ),
    clock=Clock(0.4, 0.1),
)  # fmt: skip


def with_answer(**changed: object) -> Node:
    return replace(WELL, answer=replace(WELL.answer, **changed))


def test_there_is_nothing_to_mend_where_all_is_well() -> None:
    assert judge(DRIVERS, [WELL, replace(WELL, name="other")]) == []


def test_a_torch_for_other_hardware_and_a_python_s_patches_are_no_difference() -> None:
    assert judge(replace(DRIVERS, versions={**VERSIONS, "torch": "2.9.0+cpu"}, python="3.11.0"), [WELL]) == []


SHARE = (
    ", so trials there begin anew after a failure instead of going on from their checkpoint: give --out a folder that "
    "all nodes share"
)
SEND = ": mount it there, or search with `--send-data`, which sends the images to every node"
COUNT = "start Ray there with `--num-gpus "
TO_MEND: dict[str, tuple[Node, str, str]] = {
    "no answer": (
        replace(WELL, answer=Answer(doing="importing torch"), ended="gave no answer within 120 s"),
        "answer", "gave no answer within 120 s while importing torch: see whether the machine or one of its mounts "
        "hangs, or take it out of the cluster",
    ),
    "python": (with_answer(python="3.10.2"), "versions",
               "Python is 3.10 there and 3.11 here: start Ray there from a Python 3.11"),
    "missing": (with_answer(versions={**VERSIONS, "autocls": "", "timm": ""}), "versions",
                "autocls and timm can't be found there: run `/env/bin/python -m pip install autocls==0.1.0 "
                "timm==1.0.15` there"),
    "version": (with_answer(versions={**VERSIONS, "timm": "0.9.2"}), "versions",
                "timm is 0.9.2 there and 1.0.15 here: run `/env/bin/python -m pip install timm==1.0.15` there"),
    "broken torch": (with_answer(torch_seconds=None, torch_error="OSError: libcudart.so.12"), "versions",
                     "torch can't be used there (OSError: libcudart.so.12): run `/env/bin/python -m pip install "
                     "torch==2.9.0` there"),
    "broken autocls": (with_answer(autocls_error="ImportError: no PIL"), "versions",
                       "autocls can't be used there (ImportError: no PIL): run `/env/bin/python -m pip install "
                       "autocls==0.1.0` there"),
    "no gpu": (with_answer(gpus=()), "gpus",
               "Ray counts 1 GPU and torch sees 0, so trials are placed where no GPU is: install a torch that fits the "
               f"driver there (`nvidia-smi` shows which), or {COUNT}0`"),
    "built for cpus": (with_answer(gpus=(), built_for=""), "gpus",
                       "Ray counts 1 GPU and torch sees 0 (it is built for CPUs), so trials are placed where no GPU "
                       "is: install a torch that fits the driver there (`nvidia-smi` shows which), or "
                       f"{COUNT}0`"),
    "idle gpus": (with_answer(gpus=("H100",) * 4), "gpus",
                  f"Ray counts 1 GPU and torch sees 4, so some lie idle: {COUNT}4`, or with CUDA_VISIBLE_DEVICES set "
                  "to those that are for it"),
    "absent": (with_answer(storage="absent"), "storage",
               f"/runs/x is not shared, what the driver wrote into it is not there{SHARE}"),
    "unreadable": (with_answer(storage="unreadable", storage_error="Permission denied"), "storage",
                   f"/runs/x can't be read there (Permission denied){SHARE}"),
    "unwritable": (with_answer(storage="unwritable", storage_error="Read-only file system"), "storage",
                   f"/runs/x can't be written there (Read-only file system){SHARE}"),
    "unseen": (with_answer(storage="unseen", storage_error="No such file"), "storage",
               f"what is written into /runs/x there can't be read here (No such file){SHARE}"),
    "no data": (with_answer(data="", data_error="No such file"), "data",
                f"/photos can't be read there (No such file){SEND}"),
    "other data": (with_answer(data="0 entries"), "data",
                   f"/photos has 0 entries there and 3 entries here{SEND}"),
    "fast clock": (replace(WELL, clock=Clock(3.2, 0.1)), "clock",
                   "the clock is 3.2 s ahead of this machine's (± 0.1 s), wanted are 2 s at the most: set both by NTP "
                   "(`timedatectl set-ntp true`)"),
    "slow clock": (replace(WELL, clock=Clock(-2.2, 0.1)), "clock",
                   "the clock is 2.2 s behind this machine's (± 0.1 s), wanted are 2 s at the most: set both by NTP "
                   "(`timedatectl set-ntp true`)"),
    "disk": (with_answer(cache_free=1.2e9), "disk",
             "1.2 GB free for the cache /cache, wanted are 2.0 GB: delete what is old there, or set AUTOCLS_CACHE to a "
             "folder on a larger disk before `ray start`"),
    "slow import": (with_answer(torch_seconds=41.0), "torch",
                    "importing torch took 41 s, wanted are 30 s at the most: a slow shared file system is the usual "
                    "cause, so install into an environment on a disk of the node's"),
}  # fmt: skip


@pytest.mark.parametrize("case", TO_MEND)
def test_each_thing_to_mend_is_said_of_its_node_alone(case: str) -> None:
    ill, check, says = TO_MEND[case]
    assert judge(DRIVERS, [replace(WELL, name="other"), ill]) == [Finding("box", check, says)]


def test_a_clock_that_may_be_right_is_not_to_mend() -> None:
    assert judge(DRIVERS, [replace(WELL, clock=Clock(3.2, 1.5))]) == []


def test_an_output_folder_that_the_driver_cannot_use_is_to_mend_here() -> None:
    closed = replace(DRIVERS, out_error="Permission denied", out_free=None)
    assert judge(closed, [with_answer(storage=None)]) == [
        Finding(HERE, "storage", "/runs/x can't be written (Permission denied): give --out a place that can")
    ]
    assert judge(replace(DRIVERS, out_free=10**9), []) == [
        Finding(HERE, "disk", "1.0 GB free in /runs/x, wanted are 2.0 GB: give --out a larger disk")
    ]


def question_about(tmp_path: Path, *packages: str) -> Question:
    return Question(packages, str(tmp_path / "shared"), "salt", "node", str(tmp_path / "photos"))


def ask(question: Question, seconds: float = 60) -> tuple[Answer, str]:
    """What a fresh process says, and how it ended."""
    said, ended = node_check.ask(Path(node_check.__file__).read_text(), json.dumps(asdict(question)), seconds)
    return _read(said), ended


def prepare(tmp_path: Path) -> None:
    for name in ("shared", "photos"):
        (tmp_path / name).mkdir()
    (tmp_path / "shared" / DRIVER).write_text("salt")


def test_a_node_says_what_it_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(tmp_path)
    (tmp_path / "photos" / "cat").mkdir()
    monkeypatch.setenv("AUTOCLS_CACHE", str(tmp_path / "not" / "yet"))
    said, ended = ask(question_about(tmp_path, "torch", "nonsuch"))
    assert (said.doing, ended) == ("", "")
    assert said.executable == sys.executable
    assert said.versions["torch"]
    assert said.versions["nonsuch"] == ""
    assert said.storage == "shared"
    assert (tmp_path / "shared" / "node").read_text() == "salt"
    assert said.data == "1 entries"
    assert said.torch_seconds
    assert (said.torch_error, said.autocls_error) == ("", "")
    assert said.cache == str(tmp_path / "not" / "yet")
    assert said.cache_free


def test_a_node_says_what_it_cannot_read_or_write(tmp_path: Path) -> None:
    def say() -> Answer:
        return _read("\n".join(map(json.dumps, node_check.answers(question_about(tmp_path)))))

    said = say()
    assert (said.storage, said.data, said.data_error) == ("absent", "", "No such file or directory")
    prepare(tmp_path)
    (tmp_path / "shared" / "node").mkdir()  # no user, not even root, writes a file there
    said = say()
    assert (said.storage, said.storage_error, said.data) == ("unwritable", "Is a directory", "0 entries")
    (tmp_path / "shared" / DRIVER).write_text("other")
    assert say().storage == "unreadable"


def test_a_node_says_where_it_hangs_or_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = Question((), "", "", "", "")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    (tmp_path / "torch.py").write_text("print('{}'); import time; time.sleep(1e6)")
    said, ended = ask(nothing, seconds=5)
    assert (said.doing, ended) == ("importing torch", "gave no answer within 5 s")
    (tmp_path / "torch.py").write_text("import os; os.kill(os.getpid(), 9)")
    said, ended = ask(nothing)
    assert (said.doing, ended) == ("importing torch", "was ended by signal 9")
    (tmp_path / "torch.py").write_text("raise OSError('libcudart.so.12: cannot open')")
    said, ended = ask(nothing)
    assert (said.torch_error, ended) == ("OSError: libcudart.so.12: cannot open", "")


def test_an_uninstalled_package_s_empty_folder_is_no_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "leftover" / "data").mkdir(parents=True)
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "__init__.py").write_text("__version__ = '7'")
    monkeypatch.syspath_prepend(tmp_path)
    assert (node_check.version("leftover"), node_check.version("bare")) == ("", "7")


def test_what_runs_on_a_node_needs_nothing_but_python(tmp_path: Path) -> None:
    code = "import sys; sys.path = [each for each in sys.path if 'site-packages' not in each]; exec(sys.argv[1])"
    program = Path(node_check.__file__).read_text().replace('__name__ == "__main__"', "False")
    command = [sys.executable, "-P", "-c", code, program]
    done = subprocess.run(command, capture_output=True, text=True, env={"PATH": os.environ["PATH"]}, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def use_and_fail(out: Path) -> None:
    with _place(out) as shared:
        (shared.path / "node").write_text(shared.content)
        (shared.path / "other").write_text("garbled")
        assert shared.seen("node") == ""
        assert shared.seen("other") == "it has other content than was written"
        assert shared.seen("none") == "No such file or directory"
        raise ZeroDivisionError


def test_what_is_written_for_the_nodes_is_removed_whatever_happens(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        use_and_fail(tmp_path / "new" / "reports")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "mine").mkdir()
    with pytest.raises(ZeroDivisionError):
        use_and_fail(tmp_path / "mine")
    assert list(tmp_path.rglob("*")) == [tmp_path / "mine"]


def test_at_a_url_the_driver_writes(tmp_path: Path) -> None:
    assert _refusal(f"file://{tmp_path}/run") == ""
    assert "/proc/run" in _refusal("file:///proc/run")
    with pytest.raises(BadInput, match="nonsuch://run: no place for a run folder"):
        _refusal("nonsuch://run")


def test_only_images_at_a_path_are_looked_for_on_nodes(tmp_path: Path) -> None:
    assert _source("digits") == _source(None) == ("", "")
    with pytest.raises(BadInput, match="there is no path"):
        _source(str(tmp_path / "nowhere"))


def test_nodes_are_told_apart_by_as_little_as_does() -> None:
    parts = [("a", " (1)", " x"), ("b", " (1)", " x"), ("b", " (2)", " x"), ("c", " (3)", " x"), ("c", " (3)", " y")]
    assert distinct(parts) == ["a", "b (1)", "b (2)", "c (3) x", "c (3) y"]
    assert distinct([]) == []
