"""Mixes read off images that show where every pixel comes from, against what papers and torchvision draw."""

import numpy as np
import pytest
import torch
import torchvision.transforms.v2 as reference
from scipy import stats

from autocls.tricks.mixing import Cutmix, Mixup, Ricap

BATCH, HEIGHT, WIDTH = 1500, 16, 24


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def telling(batch: int = BATCH) -> torch.Tensor:
    """B×3×H×W images whose channels are the image's number, the row and the column."""
    shape = batch, HEIGHT, WIDTH
    places = [torch.arange(side).view([-1 if i == j else 1 for j in range(3)]) for i, side in enumerate(shape)]
    return torch.stack([place.expand(shape) for place in places], dim=1).float()


def test_mixup_blends_images_and_targets_by_the_same_share():
    targets = torch.eye(8)
    images = targets.view(8, 8, 1, 1)  # an image that shows what it is made of
    mixed, blended = Mixup(alpha=1.0).apply(images, targets, seeded())
    torch.testing.assert_close(mixed.view(8, 8), blended)
    assert ((blended > 0).sum(1) <= 2).all()


@pytest.mark.parametrize("alpha", [0.2, 1.0])
def test_mixup_shares_are_beta(alpha: float):
    images = torch.arange(2.0).repeat(1000).view(-1, 1, 1, 1)
    mixed, _ = Mixup(alpha=alpha).apply(images, torch.eye(2).repeat(1000, 1), seeded())
    share = (1 - (mixed - images).abs()).flatten()[mixed.flatten() != images.flatten()].double()
    assert stats.kstest(share, stats.beta(alpha, alpha).cdf).pvalue > 0.001


@pytest.mark.parametrize("mix", [Cutmix(alpha=1.0), Ricap(beta=0.3)], ids=str)
def test_targets_are_the_exact_areas(mix: Cutmix | Ricap):
    mixed, targets = mix.apply(telling(64), torch.eye(64), seeded())
    sources = mixed[:, 0].long().flatten(1)
    area = torch.zeros(64, 64).scatter_add_(1, sources, torch.ones(sources.shape)) / (HEIGHT * WIDTH)
    torch.testing.assert_close(targets, area)
    torch.testing.assert_close(targets.sum(1), torch.ones(64))


def boxes(alpha: float) -> np.ndarray:
    """Height, width, top and left of each box that was pasted; an empty one is left out, as nothing shows it."""
    images = telling()
    mixed, _ = Cutmix(alpha=alpha).apply(images, torch.zeros(BATCH, 1), seeded())
    assert torch.equal(mixed[:, 1:], images[:, 1:]), "every pixel stays in its place"
    pasted = mixed[:, 0] != images[:, 0]
    rows, columns = pasted.any(2), pasted.any(1)
    assert torch.equal(pasted, rows.unsqueeze(2) & columns.unsqueeze(1)), "it is a box"
    found = [rows.sum(1), columns.sum(1), rows.int().argmax(1), columns.int().argmax(1)]
    return torch.stack(found)[:, pasted.any((1, 2))].numpy()


@pytest.mark.parametrize("alpha", [0.5, 1.0])
def test_cutmix_boxes_are_torchvisions(alpha: float):
    """The same heights, widths and places (Kolmogorov-Smirnov at 1 in 1,000 each)."""
    theirs, flat = reference.CutMix(alpha=alpha, num_classes=2), [torch.zeros(2, 3, HEIGHT, WIDTH)]
    torch.manual_seed(0)
    drawn = [theirs.make_params(flat)["box"] for _ in range(BATCH)]
    expected = [(y2 - y1, x2 - x1, y1, x1) for x1, y1, x2, y2 in drawn if x2 > x1 and y2 > y1]
    mine = boxes(alpha)
    assert mine.shape[1] == pytest.approx(len(expected), abs=0.05 * BATCH)
    for one, other in zip(mine, np.array(expected).T, strict=True):
        assert stats.ks_2samp(one, other).pvalue > 0.001


def ricap_as_the_paper_has_it(beta: float, draws: int) -> np.ndarray:
    """The boundary (row, column), and the corner (row, column) of the crop that comes to each of the four places."""
    random, drawn = np.random.default_rng(1), []
    for _ in range(draws):
        row, column = (int(np.round(side * random.beta(beta, beta))) for side in (HEIGHT, WIDTH))
        sizes = [(h, w) for h in (row, HEIGHT - row) for w in (column, WIDTH - column)]
        corners = [(random.integers(HEIGHT - h + 1), random.integers(WIDTH - w + 1)) for h, w in sizes]
        drawn.append([row, column, *np.ravel(corners)])
    return np.array(drawn).T


def patches(beta: float) -> np.ndarray:
    """The same, read off mixed images; only of those that have all four patches, as nothing shows the others."""
    mixed, _ = Ricap(beta=beta).apply(telling(), torch.zeros(BATCH, 1), seeded())
    own = telling()
    offset = torch.cat([mixed[:, :1], mixed[:, 1:] - own[:, 1:]], dim=1)  # one value a patch
    row = (offset[:, :, 1:] != offset[:, :, :-1]).any((1, 3)).int()
    column = (offset[:, :, :, 1:] != offset[:, :, :, :-1]).any((1, 2)).int()
    assert row.sum(1).max() == column.sum(1).max() == 1, "one boundary each way"
    whole = (row.sum(1) == 1) & (column.sum(1) == 1)
    found = [(row.argmax(1) + 1)[whole], (column.argmax(1) + 1)[whole]]
    across = torch.arange(int(whole.sum()))
    for lower in (0, 1):
        for right in (0, 1):
            top, left = (found[0] * lower, found[1] * right)
            found += list(mixed[whole][across, 1:, top, left].long().unbind(1))
    return torch.stack(found).numpy()


@pytest.mark.parametrize("beta", [0.3, 1.0])
def test_ricap_draws_boundaries_and_crops_as_the_paper_does(beta: float):
    """Every patch is an unscaled crop; boundaries and corners are distributed alike (Kolmogorov-Smirnov)."""
    mine, expected = patches(beta), ricap_as_the_paper_has_it(beta, 2 * BATCH)
    row, column = expected[:2]
    expected = expected[:, (row > 0) & (row < HEIGHT) & (column > 0) & (column < WIDTH)]
    assert mine.shape[1] / BATCH == pytest.approx(expected.shape[1] / (2 * BATCH), abs=0.05)
    for one, other in zip(mine, expected, strict=True):
        assert stats.ks_2samp(one, other).pvalue > 0.001


def test_ricap_takes_a_quarter_of_each_place_on_average():
    images = torch.arange(4.0).view(4, 1, 1, 1).expand(-1, -1, HEIGHT, WIDTH).repeat(500, 1, 1, 1)
    _, targets = Ricap(beta=0.3).apply(images, torch.eye(4).repeat(500, 1), seeded())
    torch.testing.assert_close(targets.mean(0), torch.full((4,), 0.25), atol=0.02, rtol=0)
