"""How far the thresholds of labels should lean on all labels together: macro-F1 on other images, by ``prior``.

    python -m benchmarks.thresholds [--draws 20]

A network learns pictures of one to three digits (``tests/several.py``), once with each loss. Of 2,500 other pictures so
many are drawn to fit thresholds to, and the rest score them; a label is in one picture of five. A prior of 0 takes
each label by itself, of 10,000 all labels together; beside them 0.5 for all. Takes 3 minutes.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
from rich.table import Table

import autocls
from autocls.data import prepare
from autocls.recipe import Recipe
from autocls.training.metrics import label_macro_f1
from autocls.training.thresholds import PRIOR, fit_thresholds
from benchmarks.results import Spread, machine, write
from tests.several import write as write_pictures

PRIORS = (0, 3, PRIOR, 30, 100, 10_000)
SIZES = (30, 60, 180, 600)
LOSSES = ("bce", "asymmetric")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=20)
    draws = parser.parse_args().draws
    table = Table("loss", "images", *(f"prior {prior:,}" for prior in PRIORS), "0.5", title="Thresholds of labels")
    table.caption = f"Macro-F1 in %, median of {draws} draws of the images (least–most)."
    found: dict[str, dict[str, Spread]] = {}
    with tempfile.TemporaryDirectory() as folder:
        learnt, others = (write_pictures(Path(folder) / str(n), n, seed=n) for n in (1200, 2500))
        data = prepare(others, sizes=[16]).at(16)
        for loss in LOSSES:
            recipe = Recipe(image_size=16, norm="batch", loss=loss, optimizer={"adam": {"lr": 0.003}}, epochs=15)
            classifier = autocls.train(recipe, learnt, Path(folder) / loss)
            said = np.concatenate([classifier.answer(np.array(part)) for part in np.array_split(data.images, 20)])
            for size in SIZES:
                spreads = {str(prior): _spread(said, data.labels, size, prior, draws) for prior in PRIORS}
                plain = Spread.of([label_macro_f1(data.labels, said >= 0.5)])
                found[f"{loss} {size}"] = {**spreads, "0.5": plain}
                table.add_row(loss, str(size), *(_written(spread) for spread in (*spreads.values(), plain)))
    write("thresholds", table, {"machine": machine(), "found": found})


def _written(spread: Spread) -> str:
    return Spread(*(100 * share for share in (spread.median, spread.min, spread.max)), spread.n).written(".1f")


def _spread(said: npt.NDArray[np.float32], there: npt.NDArray[np.bool_], size: int, prior: float, draws: int) -> Spread:
    """The macro-F1 of the other images, with thresholds fitted to ``size`` of them."""
    scores = []
    for draw in range(draws):
        order = np.random.default_rng(draw).permutation(len(said))
        fitted, others = order[:size], order[size:]
        thresholds = np.array(fit_thresholds(said[fitted], there[fitted], prior))
        scores.append(label_macro_f1(there[others], said[others] >= thresholds))
    return Spread.of(scores)


if __name__ == "__main__":
    main()
