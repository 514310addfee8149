"""One image: from a file's bytes to the uint8 square that the network sees."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

from autocls.errors import BadInput

Content = bytes | Image.Image
"""What a source holds for one image: the bytes of an encoded file, or the pixels themselves."""

GREY_MODES = frozenset({"1", "L", "LA", "La", "I", "I;16", "I;16L", "I;16B", "I;16N"})
MOST_PIXELS = 2**27
"""An image of more is taken for a decompression bomb. Telephones make 108 million; this many take 400 MB decoded."""
_NOT_DECODED = frozenset({"BUFR", "GRIB", "HDF5", "MPEG", "WMF", "EPS"})
"""Pillow registers these so that other software can plug in; EPS is a program, which Ghostscript would run."""
_ALPHA_MODES = frozenset({"LA", "La", "PA", "RGBA", "RGBa"})


@dataclass(frozen=True)
class Look:
    """How an image is stored, before any conversion."""

    mode: str  # Pillow's name: "L", "RGB", "RGBA", "P", …
    size: tuple[int, int]  # width, height in pixels, as stored
    turned: bool  # its EXIF data ask for a rotation or a flip
    frames: int = 1  # more of an animation, of which the first is taken


def read_image(path: str | Path) -> Image.Image:
    """The image in a file, turned upright as its EXIF data say, in the mode it is stored in.

    Raises `BadInput`, naming the file, if it is missing or can't be decoded in full.
    """
    try:
        return decode(Path(path).read_bytes())
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror or error}") from error
    except BadInput as error:
        raise BadInput(f"{path}: {error}") from error


def to_square(image: Image.Image, size: int, channels: int) -> npt.NDArray[np.uint8]:
    """The image as uint8 `channels`×`size`×`size`, values 0..255; `channels` is 1 (grey) or 3 (RGB).

    It is resized (bilinear, antialiased) to cover the square, and the middle is kept. Raises `BadInput` with the reason
    alone for pixels that have no such form.
    """
    with _unreadable_is_bad_input():
        plain = _without_alpha(_eight_bit(image))
        if plain.mode == "LAB":  # Pillow turns it into nothing else
            plain = plain.convert("RGB")
        plain = plain.convert("L" if channels == 1 else "RGB")
        pixels = np.asarray(ImageOps.fit(plain, (size, size), Image.Resampling.BILINEAR))
    return pixels[None] if channels == 1 else np.ascontiguousarray(pixels.transpose(2, 0, 1))


def decode(content: Content) -> Image.Image:
    """The upright image, fully decoded, of an animation its first frame; `BadInput` with the reason alone if that is
    impossible, or if it has more than ``MOST_PIXELS``."""
    with _unreadable_is_bad_input():
        return ImageOps.exif_transpose(_open(content))


def look(content: Content) -> Look:
    """How the image is stored; `BadInput` with the reason alone if it can't be decoded to its end."""
    with _unreadable_is_bad_input():
        image = _open(content)
        turned = image.getexif().get(ExifTags.Base.Orientation, 1) != 1
        seen = Look(image.mode, image.size, turned, getattr(image, "n_frames", 1))
        # A JPEG decoded at an eighth of its size is read to its end all the same, and many times faster.
        image.draft(image.mode, (1, 1))
        image.load()
        return seen


def thumbnail(content: Content, side: int) -> npt.NDArray[np.uint8]:
    """The upright image as side×side×3, whatever its shape; `BadInput` with the reason alone if that is impossible."""
    with _unreadable_is_bad_input():
        image = _open(content)
        image.draft("RGB", (4 * side, 4 * side))  # a JPEG is decoded no larger than is needed
        small = _without_alpha(_eight_bit(ImageOps.exif_transpose(image))).convert("RGB")
        return np.asarray(small.resize((side, side), Image.Resampling.BILINEAR, reducing_gap=2.0))


def _open(content: Content) -> Image.Image:
    if isinstance(content, Image.Image):
        image = content
    elif content:
        image = Image.open(BytesIO(content), formats=formats())
    else:
        raise BadInput("the file is empty")
    width, height = image.size
    if width * height > MOST_PIXELS:
        raise BadInput(f"{width}×{height} pixels are more than {MOST_PIXELS:,}: taken for a decompression bomb")
    if image.mode == "F":
        raise BadInput("its pixels are floats, whose range is unknown; save it with 8 or 16 bits")
    return image


@cache
def formats() -> tuple[str, ...]:
    """Pillow's names of the formats that are read: all that it can decode itself, without another program."""
    Image.init()  # loads the plugins, which fills Image.ID
    return tuple(name for name in Image.ID if name not in _NOT_DECODED)


@contextmanager
def _unreadable_is_bad_input() -> Iterator[None]:
    try:
        yield
    except BadInput:
        raise
    except UnidentifiedImageError as error:  # its own message is the address of a BytesIO
        raise BadInput("not an image that Pillow can read") from error
    except Exception as error:  # Pillow's decoders raise whatever their parser stumbles on
        raise BadInput(str(error) or type(error).__name__) from error


def _eight_bit(image: Image.Image) -> Image.Image:
    if not image.mode.startswith("I"):
        return image
    # Pillow's own conversion of 16 bits clips at 255. Mode "I" is what it opens 16-bit PGM and the like as.
    pixels = np.asarray(image)
    if pixels.dtype.itemsize > 2:
        pixels = pixels.clip(0, 65535)
    return Image.fromarray((pixels >> 8).astype(np.uint8))


def _without_alpha(image: Image.Image) -> Image.Image:
    """The image on white: the colour under transparent pixels is arbitrary, so dropping alpha alone would show it."""
    if image.mode not in _ALPHA_MODES and "transparency" not in image.info:
        return image
    rgba = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
