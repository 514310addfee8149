import torch

from autocls.tricks.evaluation import Mirror, Shifts


def test_mirror_shows_the_image_and_its_mirror_image():
    images = torch.rand(2, 1, 3, 4)
    first, second = Mirror().views(images)
    assert torch.equal(first, images)
    assert torch.equal(second[..., 0], images[..., 3])


def test_shifts_move_each_way_and_repeat_the_edge():
    image = torch.arange(9.0).view(1, 1, 3, 3)
    views = [view[0, 0].tolist() for view in Shifts(pixels=1).views(image)]
    assert views == [
        [[0, 1, 2], [3, 4, 5], [6, 7, 8]],
        [[0, 1, 2], [0, 1, 2], [3, 4, 5]],
        [[3, 4, 5], [6, 7, 8], [6, 7, 8]],
        [[0, 0, 1], [3, 3, 4], [6, 6, 7]],
        [[1, 2, 2], [4, 5, 5], [7, 8, 8]],
    ]
