from pathlib import Path

import autocls
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
