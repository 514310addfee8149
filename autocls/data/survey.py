"""The first look at every image: which can't be read, which are grey, and what has to be converted."""

import json
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from autocls.data.catalogue import in_threads
from autocls.data.images import GREY_MODES, Look, look
from autocls.data.listing import Item
from autocls.errors import BadInput

_MODE_NAMES = {
    "1": "black and white",
    "L": "grey",
    "LA": "grey with alpha",
    "P": "palette",
    "PA": "palette with alpha",
    "I": "16-bit grey",
}


@dataclass(frozen=True)
class Survey:
    """What is known of a catalogue's images after decoding each of them once."""

    channels: int  # 1 if every readable image is grey, else 3
    notes: tuple[str, ...]
    bad: tuple[tuple[int, str], ...]  # row of the catalogue, why it can't be read


def survey(items: Sequence[Item], file: Path) -> Survey:
    """The survey kept in `file`; made and kept there if there is none. The caller holds the folder's lock."""
    try:
        kept = json.loads(file.read_text("utf-8"))
        return Survey(kept["channels"], tuple(kept["notes"]), tuple((row, why) for row, why in kept["bad"]))
    except FileNotFoundError:
        pass
    seen = list(in_threads(_look, items))
    looks = [each for each in seen if isinstance(each, Look)]
    channels = 1 if all(each.mode in GREY_MODES for each in looks) else 3
    bad = tuple((row, why) for row, why in enumerate(seen) if isinstance(why, str))
    made = Survey(channels, (*_mode_notes(looks, channels), *_shape_notes(looks)), bad)
    partial = file.with_suffix(".part")
    partial.write_text(json.dumps(asdict(made)), "utf-8")
    os.replace(partial, file)
    return made


def _look(item: Item) -> Look | str:
    try:
        return look(item.load())
    except OSError as error:
        return error.strerror or str(error)
    except BadInput as error:
        return str(error)


def _mode_notes(looks: Sequence[Look], channels: int) -> list[str]:
    target = "L" if channels == 1 else "RGB"
    modes = Counter(each.mode.partition(";")[0] for each in looks if each.mode != target)
    to = "8-bit grey" if channels == 1 else "RGB"
    return [
        f"{_of(number, len(looks))} {_MODE_NAMES.get(mode, mode)}: converted to {to}"
        + (", transparent parts on white" if mode in ("RGBA", "LA", "PA") else "")
        for mode, number in sorted(modes.items())
    ]


def _shape_notes(looks: Sequence[Look]) -> list[str]:
    notes = []
    turned = sum(each.turned for each in looks)
    if turned:
        notes.append(f"{_of(turned, len(looks))} stored turned: set upright as the EXIF data say")
    animated = sum(each.frames > 1 for each in looks)
    if animated:
        notes.append(f"{_of(animated, len(looks))} animated: the first frame is taken")
    sizes = sorted({each.size for each in looks}, key=lambda size: (size[0] * size[1], size))
    squared = "each is resized to cover the square, and its middle kept"
    if len(sizes) > 1:
        notes.append(f"sizes differ ({_size(sizes[0])} to {_size(sizes[-1])}): {squared}")
    elif sizes and sizes[0][0] != sizes[0][1]:
        notes.append(f"the images are {_size(sizes[0])}, not square: {squared}")
    return notes


def _of(number: int, total: int) -> str:
    return f"{number} of {total} images {'is' if number == 1 else 'are'}"


def _size(size: tuple[int, int]) -> str:
    return f"{size[0]}×{size[1]}"
