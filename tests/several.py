"""Write pictures of one to three real digits with their labels: ``python tests/several.py FOLDER [PICTURES]``."""

import sys
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits


def write(folder: Path, pictures: int = 600, seed: int = 0, kinds: int = 10) -> Path:
    """``folder/pictures/<number>.png`` and ``folder/digits.csv``, whose ``labels`` are the digits; returns the latter.

    Each of scikit-learn's digits, 8×8, lies in another quarter of a picture of 16×16; of the digits below ``kinds``.
    """
    random, digits = np.random.default_rng(seed), load_digits()
    pixels = np.round(digits.images * (255 / 16)).astype(np.uint8)[digits.target < kinds]
    target = digits.target[digits.target < kinds]
    (folder / "pictures").mkdir(parents=True)
    lines = ["path,labels"]
    for number in range(pictures):
        picture = np.zeros((2, 2, 8, 8), np.uint8)
        places = random.permutation(4)[: random.integers(1, 4)]
        chosen = random.integers(len(target), size=len(places))
        for place, digit in zip(places, chosen, strict=True):
            picture[divmod(int(place), 2)] = pixels[digit]
        path = f"pictures/{number:04}.png"
        Image.fromarray(picture.transpose(0, 2, 1, 3).reshape(16, 16)).save(folder / path)
        lines.append(f"{path},{'|'.join(str(label) for label in sorted(set(target[chosen])))}")
    file = folder / "digits.csv"
    file.write_text("\n".join(lines) + "\n")
    return file


if __name__ == "__main__":
    print(write(Path(sys.argv[1]), *map(int, sys.argv[2:])))
