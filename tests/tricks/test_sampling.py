import pytest
import torch
from scipy.stats import chisquare
from torch.utils.flop_counter import FlopCounterMode

from autocls.data import ImageData
from autocls.recipe import Recipe
from autocls.training import train
from autocls.training.session import Session
from autocls.tricks.sampling import Balanced, Grow

COUNTS = (1000, 100, 10)
LABELS = torch.repeat_interleave(torch.arange(3), torch.tensor(COUNTS))


def drawn(power: float, labels: torch.Tensor = LABELS) -> torch.Tensor:
    return Balanced(power=power).draw(labels, torch.Generator().manual_seed(0))


@pytest.mark.parametrize("power", [1.0, 0.5])
def test_classes_come_as_often_as_their_power_says(power: float):
    wanted = torch.tensor(COUNTS).double() ** (1 - power)
    found = LABELS[drawn(power)].bincount()
    assert found.sum() == len(LABELS), "an epoch stays as long as it was"
    assert chisquare(found.numpy(), (wanted / wanted.sum() * len(LABELS)).numpy()).pvalue > 0.01


def test_the_images_of_one_class_come_alike():
    often = drawn(1.0)[LABELS[drawn(1.0)] == 1].bincount(minlength=1100)[1000:1100]
    assert chisquare(often.numpy()).pvalue > 0.01


def test_a_class_without_images_in_the_part_is_never_drawn():
    labels = torch.tensor([0] * 50 + [3] * 50)
    assert set(labels[drawn(1.0, labels)].tolist()) == {0, 3}


def test_each_epoch_draws_anew():
    generator = torch.Generator().manual_seed(0)
    first, second = (Balanced().draw(LABELS, generator) for _ in range(2))
    assert not torch.equal(first, second)


@pytest.mark.parametrize("full", [8, 28, 32, 224])
@pytest.mark.parametrize(("start", "until"), [(0.4, 0.5), (0.8, 0.75), (0.5, 1.0)])
def test_images_grow_evenly_to_full_size_and_stay_there(full: int, start: float, until: float):
    sizes = [Grow(start=start, until=until).size(full, i / 100) for i in range(101)]
    assert sizes[0] == max(8, round(full * start))
    assert sizes == sorted(sizes)
    assert set(sizes[round(100 * until) :]) == {full}
    half_way = max(8, round(full * (start + (1 - start) / 2)))
    assert sizes[round(50 * until)] == pytest.approx(half_way, abs=1 + full / 100)


def test_the_first_steps_cost_a_fraction(noise: ImageData):
    recipe = Recipe(architecture="squeezenet1_1", progressive={"grow": {"start": 0.5, "until": 0.75}}, batch_size=8)
    session = Session(recipe, noise, 0, torch.device("cpu"))

    def cost(progress: float) -> int:
        batch = session.batch(session.part[:8], progress)
        with FlopCounterMode(display=False) as counter:
            session.loss(batch)
        return counter.get_total_flops()

    assert [session.batch(session.part[:8], p).images.shape[-1] for p in (0.0, 0.375, 0.75, 1.0)] == [16, 24, 32, 32]
    assert cost(0.0) < 0.35 * cost(1.0)


def test_a_network_that_pools_is_trained_on_growing_images(noise: ImageData):
    recipe = Recipe(architecture="resnet18", progressive="grow", batch_size=8, epochs=2)
    assert [result.epoch for result in train(recipe, noise)] == [1, 2]
