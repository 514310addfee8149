import numpy as np
import pytest
import torch

from autocls.errors import BadInput
from autocls.training.labelling import MULTI_LABEL, SINGLE_LABEL, Reading, check_metric, labelling
from autocls.tricks.loss import Asymmetric, Bce, CrossEntropy

LOGITS = torch.tensor([[2.0, -1.0, 0.5], [-3.0, 0.0, 40.0]])


def test_a_task_has_metrics_of_its_own_the_usual_one_first():
    assert list(SINGLE_LABEL.metrics) == ["accuracy", "balanced_accuracy", "macro_f1"]
    assert list(MULTI_LABEL.metrics) == ["map", "macro_f1"]
    assert (SINGLE_LABEL.metric(None), MULTI_LABEL.metric(None)) == ("accuracy", "map")
    assert MULTI_LABEL.metric("macro_f1") == "macro_f1"


def test_a_metric_that_does_not_fit_is_refused_with_those_that_do():
    with pytest.raises(
        BadInput, match=r"--metric: no such metric 'accuracy'; known: map, macro_f1 \(multi-label data\)"
    ):
        MULTI_LABEL.metric("accuracy")
    with pytest.raises(BadInput, match="--metric: no such metric 'map'; known: accuracy"):
        SINGLE_LABEL.metric("map")
    check_metric("map")
    with pytest.raises(BadInput, match="--metric: no such metric 'f1'"):
        check_metric("f1")


def test_metrics_read_logits():
    truth, logits = np.array([0, 1]), np.array([[2.0, 1.0], [3.0, 1.0]])
    assert SINGLE_LABEL.metrics["accuracy"](truth, logits) == 0.5
    hot = np.array([[True, False], [False, True]])
    assert MULTI_LABEL.metrics["map"](hot, logits) == 0.5
    assert MULTI_LABEL.metrics["macro_f1"](hot, logits - 2) == pytest.approx(2 / 3 / 2)  # a label is said from 0 on


def test_targets_are_smoothed_towards_not_knowing():
    classes = SINGLE_LABEL.targets(torch.tensor([2, 0]), 4, 0.2)
    torch.testing.assert_close(classes, torch.tensor([[0.05, 0.05, 0.85, 0.05], [0.85, 0.05, 0.05, 0.05]]))
    labels = MULTI_LABEL.targets(torch.tensor([[True, False, True], [False, False, False]]), 3, 0.2)
    torch.testing.assert_close(labels, torch.tensor([[0.9, 0.1, 0.9], [0.1, 0.1, 0.1]]))


@pytest.mark.parametrize("loss", [Bce(), Asymmetric()], ids=str)
def test_labels_have_probabilities_by_themselves_and_classes_share_them(loss):
    said = MULTI_LABEL.probabilities(loss, LOGITS)
    torch.testing.assert_close(said, LOGITS.sigmoid())
    torch.testing.assert_close(SINGLE_LABEL.probabilities(loss, LOGITS), said / said.sum(1, keepdim=True))
    torch.testing.assert_close(MULTI_LABEL.probabilities(loss, LOGITS, Reading(2.0, 1.0)), ((LOGITS + 1) / 2).sigmoid())


def test_a_temperature_divides_the_logits_of_classes():
    torch.testing.assert_close(
        SINGLE_LABEL.probabilities(CrossEntropy(), LOGITS, Reading(2.0)), (LOGITS / 2).softmax(1)
    )


def test_what_is_fitted_makes_over_confident_labels_right_as_often_as_they_say():
    random = np.random.default_rng(0)
    logits = random.normal(-1, 1.5, (4000, 3))
    truth = random.random(logits.shape) < 1 / (1 + np.exp(-logits))
    shown = 1 / (1 + np.exp(-(3 * logits + 2)))  # three times as sure as it should be, and of too much
    reading = labelling(multilabel=True).fitted(shown.astype(np.float32), truth)
    assert reading.temperature == pytest.approx(3, rel=0.05)
    assert reading.shift == pytest.approx(-2, abs=0.2)
    thresholds = reading.thresholds
    assert thresholds is not None
    assert len(thresholds) == 3
    # The F1-optimal threshold of calibrated probabilities is half the best F1 (Lipton et al. 2014, arXiv:1402.1892).
    said = 1 / (1 + np.exp(-logits)) >= np.array(thresholds)
    f1 = 2 * (said & truth).sum(0) / (said.sum(0) + truth.sum(0))
    np.testing.assert_allclose(thresholds, f1 / 2, atol=0.08)


def test_single_label_data_have_no_thresholds():
    reading = SINGLE_LABEL.fitted(np.full((4, 2), 0.5), np.array([0, 1, 0, 1]))
    assert (reading.shift, reading.thresholds) == (0.0, None)
