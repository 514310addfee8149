"""Shared by all tests."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from autocls.api import train
from autocls.data import ImageData, Prepared, Split, prepare
from autocls.recipe import Recipe

torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Decoded images go to a cache of this session's, never to the user's."""
    os.environ["AUTOCLS_CACHE"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory far from the repository."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def prepared_digits(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """scikit-learn's digits, in a cache of their own."""
    return prepare("digits", sizes=[28], cache=tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def digits(prepared_digits: Prepared) -> ImageData:
    """The digits at 28 pixels."""
    return prepared_digits.at(28)


@pytest.fixture(scope="session")
def digits_model(prepared_digits: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model folder of a classifier of digits. Not to be changed."""
    folder = tmp_path_factory.mktemp("model") / "digits"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AUTOCLS_CACHE", str(prepared_digits.cache))
        train(Recipe(image_size=28, norm="batch", epochs=2), "digits", folder)
    return folder


@pytest.fixture(scope="session")
def noise() -> ImageData:
    """Forty colour images of noise in three classes at 32 pixels, for what has to run and not to learn."""
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (40, 3, 32, 32), dtype=np.uint8)
    labels = np.arange(40, dtype=np.int64) % 3
    split = Split(*np.split(np.arange(40), [24, 32]))
    return ImageData(images, labels, ("a", "b", "c"), split, mean=(0.5, 0.5, 0.5), std=(0.3, 0.3, 0.3))
