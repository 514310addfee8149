"""Which kind of source the user gave."""

from pathlib import Path

from autocls.data.arrays import list_digits, list_npz
from autocls.data.folder import list_folder
from autocls.data.labelled_folder import LABELS, list_labelled_folder
from autocls.data.listing import Listing
from autocls.data.table import list_csv
from autocls.data.torchvision_sets import list_torchvision
from autocls.errors import BadInput, unknown

_TORCHVISION = "torchvision:"
_BUILT_IN = ("digits", "torchvision:CIFAR10", "torchvision:MNIST", "torchvision:FashionMNIST", "torchvision:SVHN")
_FILES = (
    f"a folder of class folders, a folder with {LABELS}, a .csv with path,label or path,labels, or an .npz with x and y"
)


def locate(source: str | Path) -> str | Path:
    """The name of a built-in source as it is, else the absolute path, which holds in any working directory."""
    if isinstance(source, str) and (source == "digits" or source.startswith(_TORCHVISION)):
        return source
    path = Path(source).expanduser().absolute()
    if path.is_dir() or (path.is_file() and path.suffix.lower() in (".csv", ".npz")):
        return path
    if path.exists():
        raise BadInput(f"{source}: not a kind of file that is known; give {_FILES}")
    raise BadInput(f"there is no path {path}, and {unknown('built-in source', source, _BUILT_IN)}; or give {_FILES}")


def list_source(location: str | Path, root: Path) -> Listing:
    """The images at a location that `locate` gave; `root` is where torchvision keeps its data sets."""
    if isinstance(location, str):
        name = location.removeprefix(_TORCHVISION)
        return list_digits() if location == "digits" else list_torchvision(name, root)
    if location.is_dir():
        return list_labelled_folder(location) if (location / LABELS).is_file() else list_folder(location)
    return list_csv(location) if location.suffix.lower() == ".csv" else list_npz(location)
