"""``autocls verdict`` and ``autocls cards`` on folders that a search left behind."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from autocls.cli.cards import command as cards
from autocls.cli.verdict import command as verdict
from autocls.errors import BadInput
from autocls.verdict.file import VERDICT as FILE
from autocls.verdict.file import save
from autocls.verdict.prior import Prior
from autocls.verdict.verdict import Opening, Verdict
from tests.commands import run
from tests.verdict.test_prior import folder
from tests.verdict.verdicts import BARE, VERDICT


@pytest.fixture(autouse=True)
def _narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")


def shown(place: Path, capsys: pytest.CaptureFixture[str], its: Verdict = VERDICT) -> list[str]:
    """What is printed of a verdict, line by line."""
    save(its, place / FILE)
    verdict(str(place))
    return capsys.readouterr().out.splitlines()


def test_it_begins_with_the_paragraph(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert " ".join(" ".join(shown(tmp_path, capsys)).split()).startswith(VERDICT.paragraph)


def test_nothing_is_cut_or_coloured_at_80_columns(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(tmp_path, capsys)
    assert max(map(len, lines)) <= 80
    assert "…" not in "".join(lines)
    assert "\x1b" not in "".join(lines)


def test_a_narrower_terminal_loses_no_digits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    wide = shown(tmp_path, capsys)
    monkeypatch.setenv("COLUMNS", "40")
    assert shown(tmp_path, capsys) == wide


@pytest.mark.parametrize(
    "line",
    [
        "9, winner 99.26 98.31 (98.02 to 98.60) 8 100 % (93–100) 12.4 61.7 k",
        "21, tied, 1 99.32 98.15 (97.74 to 98.56) 8 94 % (80–100) 31.0 2.28 M",
        "0, baseline 97.40 96.10 (95.39 to 96.81) 8 8.9 –",
        "norm: batch instead helps +1.42 +0.81 to +2.03 8 0.003 0.008",
        "optimizer: undetermined +0.61 −0.12 to +1.34 8 0.176 0.109",
        "+ norm: batch 97.79 (97.41 to 98.17) +1.69 +1.01 to +2.36 8",
        "norm × optimizer 98.31 97.70 96.89 95.82 −0.46 −1.27 to +0.35 0.220",
        "Screening: a hint from short runs, no claim (points)",
        "erase: cutout −0.40 −2.10 to +1.30 0.610 13",
        "attribute 40 140 16 %",
    ],
)
def test_it_shows_what_the_paragraph_rests_on(line: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert line in [" ".join(shown_line.split()) for shown_line in shown(tmp_path, capsys)]


def test_a_trick_that_the_winner_lacks_is_said_to_be_put_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = " ".join("".join(line[:23] for line in shown(tmp_path, capsys)).split())
    assert "mixup(alpha=0.119) instead of none, put in" in said
    assert said.count("put in") == 1


def test_what_was_not_done_has_no_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(tmp_path, capsys, BARE)
    assert "What it took" in lines
    assert not any("Holm" in line or "Screening" in line or "Sealed" in line for line in lines)
    assert "Nothing was confirmed: the time was up." in " ".join(lines), "the paragraph says so"


def test_a_test_part_that_was_opened_twice_is_not_called_sealed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = " ".join(shown(tmp_path, capsys, replace(VERDICT, test=Opening(360, 0.979, None, 2))))
    assert "opened 2 times, so it is no longer sealed" in said
    assert "the baseline was not completed" in said


def test_names_are_no_markup(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = replace(VERDICT.tricks[0], choice="[red]x[/red]")
    assert "[red]x[/red]" in "".join(shown(tmp_path, capsys, replace(VERDICT, tricks=(first,))))


def test_json_is_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save(BARE, tmp_path / FILE)
    verdict(str(tmp_path), as_json=True)
    assert capsys.readouterr().out == (tmp_path / FILE).read_text()


def test_without_a_verdict_it_is_exit_code_2_and_what_to_do(tmp_path: Path) -> None:
    for words in (["verdict", tmp_path], ["cards", tmp_path]):
        done = run(*words)
        assert done.returncode == 2
        assert "holds no verdict" in done.stderr
        assert "search with more time" in done.stderr
        assert "Traceback" not in done.stderr


def test_cards_are_printed_or_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders = [folder(tmp_path / name, seed=seed) for seed, name in enumerate(("a", "b"))]
    cards(folders)
    printed = capsys.readouterr().out
    cards(folders, tmp_path / "cards.yaml")
    assert (tmp_path / "cards.yaml").read_text() == printed
    assert capsys.readouterr().out.endswith("4 choices of 2 studies; to try first: norm: batch\n")
    assert len(Prior.load(tmp_path / "cards.yaml").studies) == 2


def test_a_file_that_cannot_be_written_is_bad_input(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"--out .*nowhere/cards\.yaml: can't be written"):
        cards([folder(tmp_path / "a")], tmp_path / "nowhere" / "cards.yaml")


def test_a_broken_verdict_is_named(tmp_path: Path) -> None:
    save(VERDICT, tmp_path / FILE)
    said = json.loads((tmp_path / FILE).read_text())
    (tmp_path / FILE).write_text(json.dumps(said | {"alpha": "often"}))
    with pytest.raises(BadInput, match=r"verdict\.json:1: alpha: input should be a valid number"):
        verdict(str(tmp_path))
