import torch

from autocls.tricks.mixing import Mixup


def test_mixup_blends_images_and_targets_by_the_same_share():
    targets = torch.eye(8)
    images = targets.view(8, 8, 1, 1)  # an image that shows what it is made of
    mixed, blended = Mixup(alpha=1.0).apply(images, targets, torch.Generator().manual_seed(0))
    torch.testing.assert_close(mixed.view(8, 8), blended)
    assert ((blended > 0).sum(1) <= 2).all()
