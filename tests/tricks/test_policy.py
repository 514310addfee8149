"""Policies against torchvision's: the same sets, strengths and probabilities, and the same images."""

from collections import Counter

import pytest
import torch
import torchvision.transforms.v2 as reference
import torchvision.transforms.v2.functional as functional
from scipy import stats

from autocls.tricks import policy
from autocls.tricks.policy import Augmix, Op, Policy, Randaugment, Trivialaugment

NAMES = {
    Op.IDENTITY: "Identity", Op.SHEAR_X: "ShearX", Op.SHEAR_Y: "ShearY", Op.TRANSLATE_X: "TranslateX",
    Op.TRANSLATE_Y: "TranslateY", Op.ROTATE: "Rotate", Op.BRIGHTNESS: "Brightness", Op.SATURATION: "Color",
    Op.CONTRAST: "Contrast", Op.SHARPNESS: "Sharpness", Op.POSTERIZE: "Posterize", Op.SOLARIZE: "Solarize",
    Op.AUTOCONTRAST: "AutoContrast", Op.EQUALIZE: "Equalize",
}  # fmt: skip
PAIRS = [
    (Randaugment(ops=2, magnitude=9), reference.RandAugment(2, 9, 31), 3000),
    (Randaugment(ops=1, magnitude=30), reference.RandAugment(1, 30, 31), 3000),
    (Trivialaugment(), reference.TrivialAugmentWide(31), 15_000),
    (Augmix(severity=3), reference.AugMix(3), 2000),
    (Augmix(severity=10, width=2, depth=4), reference.AugMix(10, mixture_width=2, chain_depth=4), 2000),
]
Step = dict[int, tuple[str, float]]
"""What one step did to the images, by index: torchvision's name of the operation, and how strong it was."""


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(3)


def images(batch: int, channels: int = 3, height: int = 24, width: int = 32) -> torch.Tensor:
    return torch.randint(0, 256, (batch, channels, height, width), generator=seeded()) / 255


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[Step]:
    """The steps that policies take during the test."""
    taken: list[Step] = []
    operated = policy._operated

    def noted(batch: torch.Tensor, parts: dict) -> torch.Tensor:
        taken.append({
            image: (NAMES[op], strength)
            for op, part in parts.items()
            for image, strength in zip(part.which.tolist(), part.strength.tolist(), strict=True)
        })  # fmt: skip
        return operated(batch, parts)

    monkeypatch.setattr(policy, "_operated", noted)
    return taken


def as_torchvision(name: str, strength: float) -> tuple[str, float]:
    """The step with its strength as torchvision uses it, in whole pixels and bits; 15.999999 pixels are sixteen."""
    whole = {"Posterize": round, "TranslateX": int, "TranslateY": int}
    return name, whole.get(name, float)(round(strength, 4)) + 0.0


@pytest.mark.parametrize(("trick", "theirs", "times"), PAIRS, ids=lambda value: type(value).__name__)
def test_draws_what_torchvision_draws(trick: Policy, theirs: reference.Transform, times: int, steps, monkeypatch):
    """Operations and strengths are the same ones, equally often (chi-square at 1 in 1,000)."""
    trick.apply(images(times, height=6, width=9), seeded())
    mine = Counter(as_torchvision(*step) for taken in steps for step in taken.values())

    expected: Counter[tuple[str, float]] = Counter()

    def noted(image: torch.Tensor, name: str, strength: float, **_: object) -> torch.Tensor:
        expected[as_torchvision(name, strength)] += 1
        return image

    monkeypatch.setattr(theirs, "_apply_image_or_video_transform", noted)
    torch.manual_seed(0)
    image = torch.zeros(3, 6, 9, dtype=torch.uint8)
    for _ in range(times):
        theirs(image)
    assert set(mine) == set(expected)
    cells = sorted(expected)
    assert stats.chi2_contingency([[mine[c] for c in cells], [expected[c] for c in cells]]).pvalue > 0.001


def test_only_colour_images_draw_saturation(steps: list[Step]):
    Trivialaugment().apply(images(500, 1), seeded())
    assert {name for name, _ in steps[0].values()} == set(NAMES.values()) - {"Color"}


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("trick", [Randaugment(ops=1, magnitude=20), Randaugment(ops=3), Trivialaugment()], ids=str)
def test_does_to_images_what_torchvision_does(trick: Policy, channels: int, steps: list[Step]):
    """Nearly all pixels within 1 of 1,000: operations with steps may put a rounding error on the other side of one."""
    before = images(200, channels)
    after = trick.apply(before, seeded())
    expected = before.clone()
    for step in steps:
        for image, (name, strength) in step.items():
            expected[image] = as_torchvision_does(expected[image], name, strength)
    assert ((after - expected).abs() < 1e-3).float().mean() > 0.999
    if trick.model_dump() == {"ops": 1, "magnitude": 20}:
        torch.testing.assert_close(after, expected, atol=1e-4, rtol=0)


def as_torchvision_does(image: torch.Tensor, name: str, strength: float) -> torch.Tensor:
    if name == "Posterize":
        strength = round(strength)
    in_bytes = name in ("Posterize", "Equalize")
    given = (image * 255).round().byte() if in_bytes else image
    transform = reference.RandAugment(interpolation=functional.InterpolationMode.BILINEAR)
    done = transform._apply_image_or_video_transform(given, name, strength, transform.interpolation, transform._fill)
    return done / 255 if in_bytes else done


def test_augmix_chains_are_one_to_three_long(steps: list[Step]):
    Augmix(width=2).apply(images(1500, height=4, width=4), seeded())
    length = torch.tensor([[image in step for image in range(3000)] for step in steps]).sum(0)
    assert stats.chisquare(torch.bincount(length, minlength=4)[1:].tolist()).pvalue > 0.001


@pytest.mark.parametrize("alpha", [0.5, 2.0])
def test_augmix_shares_are_beta_and_dirichlet(alpha: float, monkeypatch: pytest.MonkeyPatch):
    """Where the chain that an image comes from can be read off it, so can its share (Kolmogorov-Smirnov)."""
    chains = torch.eye(4)[1:].view(3, 1, 4, 1, 1).expand(-1, 2000, -1, -1, -1).flatten(0, 1)
    monkeypatch.setattr(policy, "_operate", lambda *_: chains)
    original = torch.eye(4)[0].view(1, 4, 1, 1).expand(2000, -1, -1, -1)
    shares = Augmix(alpha=alpha).apply(original, seeded())[..., 0, 0].double()
    torch.testing.assert_close(shares.sum(1), torch.ones(2000).double())
    assert stats.kstest(shares[:, 0], stats.beta(alpha, alpha).cdf).pvalue > 0.001
    for chain in (1, 2, 3):
        share = shares[:, chain] / (1 - shares[:, 0])
        assert stats.kstest(share, stats.beta(alpha, 2 * alpha).cdf).pvalue > 0.001
