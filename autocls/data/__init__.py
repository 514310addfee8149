"""The user's images: read, checked, split and kept ready at the sizes that training asks for."""

from autocls.data.images import read_image, to_square
from autocls.data.prepare import ImageData, Prepared, prepare
from autocls.data.split import Split

__all__ = ["ImageData", "Prepared", "Split", "prepare", "read_image", "to_square"]
