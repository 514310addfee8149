"""Checkpoints: long trainings leave them, and another worker goes on from there."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from safetensors.torch import load

from autocls.data import Prepared
from autocls.recipe import Recipe
from autocls.search import checkpoint
from autocls.search.checkpoint import Keeper
from autocls.search.messages import Epoch, Job
from autocls.search.runner import train_on
from autocls.search.training import epochs
from autocls.tricks.averaging import Ema

RECIPE = Recipe(image_size=28, epochs=4, mix="mixup", averaging=Ema())


@pytest.fixture(autouse=True)
def _at_each_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "EVERY", 0.0)
    monkeypatch.setattr(checkpoint, "SHARE", 1e9)


def run(prepared: Prepared, folder: Path, recipe: Recipe = RECIPE) -> tuple[Keeper, Iterator[Epoch]]:
    job = Job(5, recipe, seed=1, best=-1.0)
    keeper = Keeper(job, folder)
    return keeper, epochs(job, train_on(prepared, "accuracy"), keeper)


def after(keeper: Keeper) -> None:
    """Wait for what is being written."""
    assert keeper._writing is not None
    keeper._writing.result()


def test_another_worker_goes_on_and_comes_to_the_same(prepared_digits: Prepared, tmp_path: Path) -> None:
    whole = list(run(prepared_digits, tmp_path / "nowhere")[1])
    keeper, said = run(prepared_digits, tmp_path)
    first = [next(said) for _ in range(3)]  # the third is trained when the checkpoint of the second is written
    after(keeper)
    _, rest = run(prepared_digits, tmp_path)
    again = list(rest)
    assert [each.score for each in first] == [each.score for each in whole[:3]]
    assert [(each.epoch, each.score) for each in again] == [(each.epoch, each.score) for each in whole]
    assert [each.seconds for each in again[:2]] == [each.seconds for each in first[:2]]
    ours, its = load(again[-1].weights), load(whole[-1].weights)
    assert all((ours[name] == its[name]).all() for name in its)


def test_a_trial_that_ended_leaves_none(prepared_digits: Prepared, tmp_path: Path) -> None:
    keeper, said = run(prepared_digits, tmp_path)
    next(said), next(said)
    after(keeper)
    assert (tmp_path / "5.pt").is_file()
    keeper.forget()
    assert not list(tmp_path.iterdir())


def test_a_node_that_does_not_share_the_folder_goes_without(prepared_digits: Prepared, tmp_path: Path) -> None:
    assert len(list(run(prepared_digits, tmp_path / "nowhere")[1])) == 4
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("found", [b"", b"torn", None])
def test_what_is_no_checkpoint_of_this_job_is_left(
    prepared_digits: Prepared, tmp_path: Path, found: bytes | None
) -> None:
    if found is None:
        keeper, said = run(prepared_digits, tmp_path, RECIPE.model_copy(update={"batch_size": 32}))
        next(said), next(said)
        after(keeper)
    else:
        (tmp_path / "5.pt").write_bytes(found)
    assert run(prepared_digits, tmp_path)[0].read() is None


def test_a_full_disk_costs_no_trial(prepared_digits: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*given: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoint.torch, "save", full)
    assert [each.failure for each in run(prepared_digits, tmp_path)[1]] == [""] * 4
    assert not list(tmp_path.iterdir())
