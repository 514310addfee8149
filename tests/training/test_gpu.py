"""What only GPUs show: teams that talk over NCCL, and torch's own SyncBatchNorm.

Convolutions in bf16 and sums in another order would hide a mistake: these trainings compute in float32, and what is
left is compared to 1e-3.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest
import torch
from torch import nn

from autocls.data import ImageData
from autocls.recipe import Recipe
from autocls.training import train
from autocls.training.network import Weights
from autocls.training.numerics import Numerics
from autocls.training.session import Session
from autocls.training.state import State
from tests.training import teams
from tests.training.teams import Team

pytestmark = pytest.mark.gpu


def needs(gpus: int) -> pytest.MarkDecorator:
    return pytest.mark.skipif(torch.cuda.device_count() < gpus, reason=f"needs {gpus} GPUs")


@pytest.fixture(scope="module")
def two() -> Iterator[Team]:
    with teams.of(2) as ask:
        yield ask


def here() -> torch.device:
    """The GPU of this process."""
    return torch.device("cuda", torch.cuda.current_device())


def run(
    recipe: Recipe, data: ImageData, after: int = 0, state: State | None = None
) -> tuple[list[Any], Weights, State]:
    """Scores and losses, the last epoch's weights and its state; of so many epochs only if ``after`` says so."""
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.deterministic = True
    results = train(recipe, data, device=here(), numerics=Numerics(channels_last=True), state=state)
    kept = [((r.score, r.loss), r.weights(), r.state()) for r in islice(results, after or None)]
    return [told for told, *_ in kept], *kept[-1][1:]


@needs(2)
@pytest.mark.parametrize(
    "slots",
    [
        {},
        {"norm": "sync_batch", "averaging": "ema"},
        {"norm": "group", "flip": "horizontal", "mix": "mixup"},
        {"optimizer": "adam", "lr_scaling": {"linear": {"base": 16}}, "batch_size": 7},
    ],
)
def test_two_gpus_train_as_one(slots: dict[str, Any], two: Team, noise: ImageData):
    recipe = Recipe(**{"batch_size": 12, "epochs": 2, **slots})
    told, weights, _ = run(recipe, noise)
    for its, its_weights, _ in two(run, recipe, noise):
        for (score, loss), (its_score, its_loss) in zip(told, its, strict=True):
            assert its_score == score
            assert its_loss == pytest.approx(loss, rel=1e-3)
        for name, tensor in weights.items():
            torch.testing.assert_close(its_weights[name], tensor, rtol=1e-3, atol=1e-3, msg=name)


def _norms(recipe: Recipe, data: ImageData) -> set[str]:
    made = Session(recipe, data, 0, here(), Numerics())
    return {
        type(layer).__name__ for layer in made.model.modules() if isinstance(layer, nn.modules.batchnorm._BatchNorm)
    }


@needs(2)
def test_gpus_share_statistics_as_torch_does(two: Team, noise: ImageData):
    assert two(_norms, Recipe(norm="sync_batch"), noise) == [{"SyncBatchNorm"}] * 2
    assert two(_norms, Recipe(norm="batch"), noise) == [{"BatchNorm2d"}] * 2


@needs(2)
def test_two_gpus_go_on_as_if_they_never_ended(two: Team, noise: ImageData):
    recipe = Recipe(batch_size=12, epochs=4, norm="batch", dropout={"head": 0.5}, optimizer="adam", averaging="ema")
    whole, *_ = two(run, recipe, noise)[0]
    *_, state = two(run, recipe, noise, 2)[0]
    rest, *_ = two(run, recipe, noise, 0, state)[0]
    assert rest == whole[2:]


@needs(1)
def test_one_gpu_goes_on_as_if_it_never_ended(noise: ImageData):
    recipe = Recipe(batch_size=12, epochs=4, norm="batch", dropout={"head": 0.5}, mix="mixup", optimizer="adam")
    whole, weights, _ = run(recipe, noise)
    *_, state = run(recipe, noise, 2)
    rest, its_weights, _ = run(recipe, noise, 0, state)
    assert rest == whole[2:]
    assert all(torch.equal(its_weights[name], tensor) for name, tensor in weights.items())
