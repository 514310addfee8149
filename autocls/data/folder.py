"""A folder of class folders, with or without train/, val/ and test/ above them."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from PIL import Image

from autocls.data.images import formats
from autocls.data.listing import Item, Listing, few, printable
from autocls.data.split import PART_OF
from autocls.errors import BadInput

_LAYOUT = "expected one folder per class with its images inside, or train/, val/ and test/ with such class folders"


def list_folder(folder: Path) -> Listing:
    """Every image below the class folders; `BadInput` if the layout is none that is known or a class is empty."""
    items: list[Item] = []
    ignored: Counter[str] = Counter()
    empty: list[str] = []
    parts = _parts(folder)
    for above in {folder, *(part_folder for _, part_folder in parts)}:
        ignored.update(_why_ignored(path) or "not in a class folder" for path in above.iterdir() if not path.is_dir())
    for part, part_folder in parts:
        class_folders = _subfolders(part_folder)
        if not class_folders:
            empty.append(part_folder.name)
        for class_folder in class_folders:
            reasons = {path: _why_ignored(path) for path in _walk(class_folder, _and_above(part_folder))}
            ignored.update(reason for reason in reasons.values() if reason)
            paths = sorted(path for path, reason in reasons.items() if not reason)
            if not paths:
                empty.append(str(class_folder.relative_to(folder)))
            label = printable(Path(class_folder.name))
            items += [Item(printable(p.relative_to(folder)), (label,), part, p.read_bytes) for p in paths]
    if empty:
        raise BadInput(f"{folder}: no image in {few(empty)}; {_LAYOUT}")
    return Listing(folder.resolve().name, items, _ignored_note(ignored))


def image_files(places: Iterable[Path]) -> list[Path]:
    """The files that are named, and all images in and below the folders that are, each folder's sorted.

    Raises `BadInput` for a path that is not there, and a folder without an image.
    """
    found: list[Path] = []
    for place in places:
        if os.path.isdir(place):
            below = images_below(place)
            if not below:
                raise BadInput(f"{place}: no image in it or below it")
            found += below
        elif os.path.exists(place):
            found.append(place)
        else:
            raise BadInput(f"{place}: no such file or folder")
    return found


def images_below(folder: Path) -> list[Path]:
    """All images in and below a folder, sorted."""
    return sorted(path for path in _walk(folder, set()) if not _why_ignored(path))


def _parts(folder: Path) -> list[tuple[str, Path]]:
    """The part folders, or the folder itself as train if it holds the class folders."""
    found = _subfolders(folder)
    names = {path.name for path in found}
    others = sorted(names - PART_OF.keys())
    if not found:
        loose = any(not _why_ignored(path) for path in folder.iterdir())
        raise BadInput(f"{folder}: {'its images are in no class folder' if loose else 'no images in it'}; {_LAYOUT}")
    if others and not ("train" in names and _subfolders(folder / "train")):
        return [("train", folder)]
    if others:
        raise BadInput(f"{folder}: train/ holds class folders, but {few(others)} lie beside it; {_LAYOUT}")
    parts = Counter(PART_OF[name] for name in names)
    if "train" not in parts:
        raise BadInput(f"{folder}: there is {' and '.join(sorted(names))} but no train; {_LAYOUT}")
    if parts["val"] > 1:
        raise BadInput(
            f"{folder}: val, valid and validation all mean the same part, and it has more than one; keep one"
        )
    return [(PART_OF[path.name], path) for path in found]


def _subfolders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not _is_hidden(path))


def _and_above(folder: Path) -> set[Path]:
    real = folder.resolve()
    return {real, *real.parents}


def _walk(folder: Path, seen: set[Path]) -> Iterator[Path]:
    """All the files below; a folder in `seen`, which is where a link in a loop leads, is not entered again."""
    waiting = [folder]
    while waiting:
        here = waiting.pop()
        real = here.resolve()
        if real in seen:
            continue
        seen.add(real)
        with os.scandir(here) as entries:
            for entry in entries:
                path = Path(entry.path)
                if not entry.is_dir():
                    yield path  # a dangling link too: it is reported as unreadable
                elif not _is_hidden(path):
                    waiting.append(path)


def _is_hidden(path: Path) -> bool:
    return path.name.startswith((".", "__MACOSX"))


def _why_ignored(path: Path) -> str:
    if _is_hidden(path):
        return "hidden"
    return "" if path.suffix.lower() in _image_suffixes() else "not an image by its name"


@cache
def _image_suffixes() -> frozenset[str]:
    return frozenset(suffix for suffix, kind in Image.registered_extensions().items() if kind in formats())


def _ignored_note(ignored: Counter[str]) -> tuple[str, ...]:
    if not ignored:
        return ()
    total = ignored.total()
    reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(ignored.items()))
    return (f"{total} file{'s' if total > 1 else ''} ignored: {reasons}",)
