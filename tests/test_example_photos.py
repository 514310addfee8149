"""Fine-tuning on real pictures, as examples/finetune_photos.py does it."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import autocls
from examples import finetune_lite0, finetune_photos


def test_no_pixel_is_in_two_parts(tmp_path: Path):
    """Of a photograph whose colour says in which column a pixel lies."""
    width, height = 400, 320
    ramp = np.broadcast_to(np.linspace(0, 255, width)[None, :, None], (height, width, 3)).astype(np.uint8)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(finetune_photos, "photographs", lambda: {"ramp": Image.fromarray(ramp)})
        folder = finetune_photos.write_tiles(tmp_path / "tiles", 0)
    columns = {
        part: np.unique(
            np.concatenate([np.asarray(Image.open(tile))[0, :, 0] for tile in (folder / part).rglob("*.png")])
        )
        for part in finetune_photos.PARTS
    }
    assert columns["train"].max() < columns["test"].min()
    assert len(list((folder / "train" / "ramp").iterdir())) == finetune_photos.COUNTS["train"]


def test_it_beats_training_from_scratch_on_few_tiles(tmp_path: Path):
    key_map = finetune_lite0.write_key_map(tmp_path / "lite0.yaml")
    tiles = finetune_photos.write_tiles(tmp_path / "tiles", 0, {"train": 6, "val": 4, "test": 10}, classes=5)
    budget = finetune_photos.BUDGET | {"epochs": 4}
    scores = {
        name: autocls.train(budget | way, tiles, tmp_path / name).card.test_score
        for name, way in finetune_photos.ways(key_map, tuned=3e-3).items()
    }
    assert scores["imagenet"] > scores["scratch"] + 0.1, scores
