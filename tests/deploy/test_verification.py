import json

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score, roc_curve

from autocls.deploy.gallery import Gallery
from autocls.deploy.nearest import Floats
from autocls.deploy.verification import Scores, Verification, as_json, part, roc, verify
from autocls.errors import BadInput


def scores(shift: float, decimals: int = 8) -> Scores:
    random = np.random.default_rng(0)
    similarities = random.standard_normal((300, 4)).astype(np.float32)
    owners = random.integers(0, 4, 300)
    similarities[np.arange(300), owners] += shift
    return Scores(similarities.round(decimals), owners)


@pytest.mark.parametrize("decimals", [8, 1], ids=["all different", "many ties"])
def test_the_curve_is_scikit_learns(decimals: int):
    given = scores(1.5, decimals)
    own = np.zeros(given.similarities.shape, bool)
    own[np.arange(300), given.owners] = True
    far, tar, _ = roc_curve(own.ravel(), given.similarities.ravel(), drop_intermediate=False)
    curve = roc(given)
    assert curve.auc == pytest.approx(roc_auc_score(own.ravel(), given.similarities.ravel()))
    assert curve.tar_at(0.1) == pytest.approx(tar[far <= 0.1].max())
    assert 1 - np.interp(curve.eer, far, tar) == pytest.approx(curve.eer, abs=0.01)


def test_the_error_rate_of_known_distributions_is_found():
    assert roc(scores(0)).eer == pytest.approx(0.5, abs=0.03)
    assert roc(scores(2)).eer == pytest.approx(0.159, abs=0.03)  # a normal's tail beyond 1
    assert roc(scores(100)).eer == 0
    assert roc(scores(-100)).eer == 1


def clouds(spread: float, names: int = 4, each: int = 60) -> tuple[Floats, list[str]]:
    """Points around a direction a name."""
    random = np.random.default_rng(0)
    centres = np.repeat(random.standard_normal((names, 16)), each, axis=0)
    points = centres + spread * random.standard_normal(centres.shape)
    points = (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)
    return points, [f"n{i // each}" for i in range(len(points))]


def evaluated(spread: float, enrolled: int = 5, far: float = 0.1) -> Verification:
    points, names = clouds(spread)
    rows, probes = part(names, enrolled, seed=0)
    gallery = Gallery.of(points[rows], [names[row] for row in rows], "", far)
    return verify(gallery, points[probes], [names[row] for row in probes])


def test_every_figure_says_how_many_it_was_of_and_how_sure_it_is():
    found = evaluated(1.0)
    assert (found.names, found.enrolled, found.probes, found.wrong_pairs) == (4, 20, 220, 660)
    for estimate in (found.eer, found.auc, found.tar[0][1], found.tar[1][1]):
        assert estimate.low < estimate.value < estimate.high
    assert found.tar[2] == (0.001, None)  # 660 comparisons can't show one in a thousand
    assert found.rank1.interval[0] < found.rank1.value < found.rank1.interval[1]
    assert found.at_work.threshold.pairs == 60
    assert found.at_work.accepted_wrong.n == 660
    assert found.at_work.accepted_right.n == found.at_work.strangers.n == found.at_work.recognised.n == 220


def test_names_that_lie_apart_are_told_apart_and_noise_is_not():
    near, noise = evaluated(0.1), evaluated(30.0)
    assert near.rank1.value == near.auc.value == 1
    assert near.eer.value == 0
    assert noise.rank1.value == pytest.approx(0.25, abs=0.1)
    assert noise.eer.low < 0.5 < noise.eer.high


def test_the_fitted_threshold_keeps_its_rate_on_other_pictures():
    accepted = evaluated(1.0, enrolled=30, far=0.1).at_work.accepted_wrong
    assert accepted.value == pytest.approx(0.1, abs=0.06)


def test_the_numbers_are_written_for_programs():
    plain = json.loads(as_json(evaluated(1.0)))
    assert plain["rank1"].keys() == {"value", "low", "high", "count", "n"}
    assert [entry["far"] for entry in plain["tar"]] == [0.1, 0.01, 0.001]
    assert plain["tar"][2]["tar"] is None
    assert plain["roc"][0] == {"far": 0, "tar": 0}
    assert plain["roc"][-1] == {"far": 1, "tar": 1}
    assert plain["at_work"]["threshold"]["far"] == 0.1


def test_what_cannot_be_parted_is_bad_input():
    with pytest.raises(BadInput, match="b has 2 pictures: of 2 enrolled none would be left"):
        part(["a", "a", "a", "b", "b"], 2, 0)
    with pytest.raises(BadInput, match="two names at least"):
        part(["a", "a"], 1, 0)
    with pytest.raises(BadInput, match="at least one"):
        part(["a", "b"], 0, 0)
