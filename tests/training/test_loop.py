import pytest
from torch import nn

from autocls.data import ImageData
from autocls.errors import BadInput, NotApplicable, TrialFailed
from autocls.recipe import Recipe
from autocls.training import train
from autocls.training.inference import examine
from autocls.training.loop import EpochResult
from autocls.training.network import build, count_parameters
from autocls.training.optimisation import parameter_groups, rate_factor

SHORT = Recipe(batch_size=8, epochs=2)


def scores_and_losses(results: list[EpochResult]) -> list[tuple[float, float]]:
    return [(result.score, result.loss) for result in results]


def test_lenet_learns_digits(digits: ImageData):
    results = list(train(Recipe(image_size=28, norm="batch", epochs=3), digits))
    assert [result.epoch for result in results] == [1, 2, 3]
    assert results[-1].score > 0.9
    assert results[0].loss > results[-1].loss
    for result in results:
        spent = result.spent
        assert result.seconds == spent.total == spent.data + spent.training + spent.validation
        assert 0 < spent.data < spent.training
        assert spent.validation > 0
        assert result.numerics == "float32, channels last"


def test_the_seed_decides_everything(noise: ImageData):
    recipe = SHORT.model_copy(update={"mix": Recipe(mix="mixup").mix, "crop": Recipe(crop="shift").crop})
    first, again, other = (scores_and_losses(list(train(recipe, noise, seed))) for seed in (0, 0, 1))
    assert first == again
    assert first != other


def test_the_weights_given_are_those_that_were_validated(noise: ImageData):
    for result in train(SHORT.model_copy(update={"averaging": Recipe(averaging="ema").averaging}), noise):
        model = build(SHORT, 3, 3)
        model.load_state_dict(result.weights())
        assert examine(SHORT, model, noise, noise.split.val, "accuracy").score == result.score
        assert result.footprint.parameters == count_parameters(model)


def test_the_metric_is_the_one_asked_for(noise: ImageData):
    accuracy, f1 = (next(train(SHORT, noise, metric=name)).score for name in ("accuracy", "macro_f1"))
    assert accuracy != f1
    with pytest.raises(BadInput, match="no such metric 'acuracy'; did you mean 'accuracy'"):
        next(train(SHORT, noise, metric="acuracy"))


def test_training_leaves_the_data_alone(noise: ImageData):
    before = noise.images.copy()
    list(train(Recipe(batch_size=8, epochs=1, color="jitter", erase="cutout", mix="mixup"), noise))
    assert (noise.images == before).all()


def test_a_loss_that_is_no_number_ends_the_trial_and_says_when(noise: ImageData):
    with pytest.raises(TrialFailed, match=r"^the loss is (nan|inf) in epoch 1$"):
        list(train(Recipe(batch_size=8, optimizer={"sgd": {"lr": 1e12}}), noise))


def test_a_trick_without_a_place_ends_the_trial_before_it_starts(noise: ImageData):
    with pytest.raises(NotApplicable, match=r"^batch: not applicable: ResNet"):
        next(train(Recipe(architecture="resnet18", norm="batch"), noise))


@pytest.mark.parametrize("warmup", [2, 3])
def test_warm_up_leaves_time_to_train(noise: ImageData, warmup: int):
    with pytest.raises(TrialFailed, match=f"^warmup: {warmup} of 2 epochs leave none"):
        next(train(SHORT.model_copy(update={"warmup": warmup}), noise))


def trace(recipe: Recipe, steps: int = 4) -> list[float]:
    return [rate_factor(recipe, i / steps, 1 / steps, []) for i in range(recipe.epochs * steps)]


def test_the_rate_warms_up_linearly_then_follows_the_schedule():
    factors = trace(Recipe(warmup=2, epochs=6, schedule="cosine"))
    assert factors[:8] == pytest.approx([i / 8 for i in range(1, 9)])
    assert factors[8] == 1
    assert factors[16] == pytest.approx(0.5)
    assert sorted(factors[8:], reverse=True) == factors[8:]
    assert 0 < factors[-1] < 0.05


def test_without_schedule_the_rate_stays():
    assert set(trace(Recipe(epochs=3))) == {1.0}
    assert set(trace(Recipe(epochs=3, warmup=1))[4:]) == {1.0}


def test_plateau_reads_the_scores():
    recipe = Recipe(schedule={"plateau": {"cut": 0.1, "patience": 1}})
    assert [rate_factor(recipe, 3, 0.1, scores) for scores in ([0.5, 0.6], [0.6, 0.5])] == [1, pytest.approx(0.1)]


def test_weights_decay_but_norms_and_biases_do_not():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2), nn.PReLU())
    decayed, spared = parameter_groups(model, 0.1)
    assert (decayed["weight_decay"], spared["weight_decay"]) == (0.1, 0.0)
    assert [id(p) for p in decayed["params"]] == [id(model[0].weight), id(model[3].weight)]
    assert {id(p) for p in decayed["params"] + spared["params"]} == {id(p) for p in model.parameters()}


def test_frozen_parameters_are_not_trained():
    model = nn.Linear(2, 2).requires_grad_(False)
    assert parameter_groups(model, 0.1) == []
    assert count_parameters(model) == 0
