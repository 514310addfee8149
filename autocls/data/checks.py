"""What must hold of the classes before training on them makes sense."""

from autocls.data.catalogue import Counts
from autocls.data.listing import few
from autocls.data.split import PARTS
from autocls.errors import BadInput

FEW = 2000
"""Images, below which a validation part says little of a recipe, and folds are worth their time."""


def check_counts(source: str, counts: Counts) -> None:
    """Raises `BadInput` for a single class, parts with different classes, or a class too small to be split."""
    classes = {part: {label for label, number in of_class.items() if number} for part, of_class in counts.items()}
    every = sorted(set().union(*classes.values()))
    if not every:
        raise BadInput(f"{source}: none of its images {'has a label' if counts else 'can be read'}")
    if len(every) == 1:
        raise BadInput(f"{source}: the only class is '{every[0]}'; at least two are needed")
    lacking = [
        f"{part} has no image of {few([label for label in every if label not in classes.get(part, set())])}"
        for part in PARTS
        if (part in counts or part == "train") and classes.get(part) != set(every)
    ]
    if lacking:
        raise BadInput(f"{source}: the parts must have the same classes, but {' and '.join(lacking)}")
    drawn = [part for part in PARTS if part == "train" or part not in counts]
    small = [f"{label} ({number})" for label, number in counts["train"].items() if number < len(drawn)]
    if small:
        raise BadInput(
            f"{source}: too few images of {few(small)}; at least {len(drawn)} of each class are needed, "
            f"one for each of {', '.join(drawn)}"
        )


def check_split(source: str, counts: Counts) -> None:
    """Raises `BadInput` when a part has no image of a class, as can be where rare labels share their images."""
    lacking = [
        f"{part} of {few([label for label, number in of_class.items() if not number])}"
        for part, of_class in counts.items()
        if not all(of_class.values())
    ]
    if lacking:
        raise BadInput(
            f"{source}: its images can't be split so that every part has every label: there is no image in "
            f"{' and in '.join(lacking)}; add images of them, leave these labels out, or say the parts yourself"
        )
