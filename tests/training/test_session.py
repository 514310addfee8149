"""One recipe made ready to train, step by step."""

from collections.abc import Iterator

import pytest
import torch

from autocls.data import ImageData
from autocls.recipe import Recipe
from autocls.training.inference import weights_of
from autocls.training.optimisation import rate_factor
from autocls.training.session import Session

CPU = torch.device("cpu")


def session(data: ImageData, **slots: object) -> Session:
    return Session(Recipe(**{"batch_size": 8, "epochs": 2, **slots}), data, 0, CPU)


def train(session: Session) -> Iterator[int]:
    """Train, and stop after each step at its number, from 1."""
    recipe, step = session.recipe, 0
    for epoch in range(1, recipe.epochs + 1):
        session.begin(epoch)
        order = session.order()
        for i, index in enumerate(order):
            done = epoch - 1 + i / len(order)
            session.step(session.batch(index, done / recipe.epochs), rate_factor(recipe, done, 1 / len(order), []))
            yield (step := step + 1)


def test_an_average_starts_when_it_says_and_is_what_answers(noise: ImageData):
    made = session(noise, averaging={"swa": 0.5}, norm="batch", epochs=4)  # 3 steps an epoch
    since = []
    for step in train(made):
        weights = weights_of(made.model)
        since = [weights] if step <= 7 else [*since, weights]
    mean = {name: torch.stack([w[name] for w in since]).double().mean(0) for name in since[0]}
    assert len(since) == 6
    for name, found in weights_of(made.answering).items():
        if found.is_floating_point():
            torch.testing.assert_close(found.double(), mean[name], atol=1e-5, rtol=1e-4)


def test_steps_are_counted_as_they_are_taken(noise: ImageData):
    # Of 24 images a batch of 23 leaves one, which no step takes: 8 steps, of which the last 4 count.
    made = session(noise, averaging={"swa": 0.5}, batch_size=23, epochs=8)
    states = [weights_of(made.model) for _ in train(made)]
    assert len(states) == 8
    name = next(iter(states[0]))
    mean = torch.stack([state[name] for state in states[4:]]).mean(0)
    torch.testing.assert_close(weights_of(made.answering)[name], mean, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_the_rate_of_each_step_is_scaled_warmed_up_and_scheduled(noise: ImageData, optimizer: str):
    made = session(
        noise, optimizer={optimizer: {"lr": 0.01}}, lr_scaling={"linear": {"base": 32}}, warmup=1, epochs=3,
        schedule={"step": {"cuts": 1, "cut": 0.1}},
    )  # fmt: skip
    rates = [{group["lr"] for group in made.optimizer.param_groups} for _ in train(made)]
    factors = [1 / 3, 2 / 3, 1, 1, 1, 1, 0.1, 0.1, 0.1]
    assert [rate for (rate,) in rates] == pytest.approx([0.01 * 8 / 32 * f for f in factors])


def test_layers_keep_their_share_of_the_scaled_rate(noise: ImageData):
    made = session(noise, layer_decay=0.5, lr_scaling={"linear": {"base": 16}})
    next(train(made))
    assert {group["lr"] / group["lr_scale"] for group in made.optimizer.param_groups} == {0.05 * 8 / 16}


def test_a_step_is_clipped(noise: ImageData):
    made = session(noise, clip={"norm": 1e-3}, optimizer={"sgd": {"lr": 1.0, "momentum": 0.9, "nesterov": False}})
    before = weights_of(made.model)
    next(train(made))
    moved = torch.cat([(made.model.state_dict()[name] - before[name]).flatten() for name in before])
    assert moved.norm() == pytest.approx(1e-3, rel=0.01)


def test_a_last_small_batch_is_trained_on(noise: ImageData):
    made = session(noise, norm="batch", mix="mixup", batch_size=22)
    made.begin(1)
    sizes = [len(index) for index in made.order()]
    assert sizes == [22, 2]
    for index in made.order():
        assert made.step(made.batch(index, 0.0), 1.0).isfinite()


def test_a_step_s_loss_is_apart_from_its_graph(noise: ImageData):
    made = session(noise)
    made.begin(1)
    loss = made.step(made.batch(made.part[:4], 0.0), 1.0)
    assert loss.grad_fn is None
    assert loss.shape == ()


def test_answering_changes_nothing_of_what_is_trained(noise: ImageData):
    trained = []
    for asks in (True, False):
        made = session(noise, norm="batch", dropout={"head": 0.5})
        for epoch in (1, 2):
            made.begin(epoch)
            for index in made.order():
                made.step(made.batch(index, 0.0), 1.0)
            if asks:
                made.answers(noise.split.val)
        trained.append(weights_of(made.model).values())
    assert all(torch.equal(mine, its) for mine, its in zip(*trained, strict=True))
