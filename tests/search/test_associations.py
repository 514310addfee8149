from collections.abc import Iterator
from pathlib import Path

import autocls
from autocls.recipe import Recipe
from autocls.search.associations import associations
from autocls.search.record import Record
from tests.search import objectives
from tests.search.test_search import SPACE


def test_a_parameter_that_decides_the_score_is_associated_most(tmp_path: Path) -> None:
    def search(trials: int, name: str) -> Record:
        out = tmp_path / name
        autocls.search(objective=objectives.quadratic, space=SPACE, trials=trials, confirm=0, pruner="none",
                       address="inline", out=out)  # fmt: skip
        return Record.open(out, answers=True)

    found = associations(search(40, "long"))
    assert found["parameter"].tolist()[0] == "optimizer.sgd.lr"
    assert set(found["parameter"]) == {"optimizer.sgd.lr", "norm"}
    assert associations(search(4, "short")).empty


def even(recipe: Recipe, seed: int, epochs: int) -> Iterator[float]:
    """One score for all."""
    yield from [0.5] * epochs


def test_trials_of_one_score_have_no_associations_and_the_search_ends_well(tmp_path: Path) -> None:
    autocls.search(objective=even, space=SPACE, trials=12, confirm=0, pruner="none", address="inline", out=tmp_path)
    assert associations(Record.open(tmp_path, answers=True)).empty
