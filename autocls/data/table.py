"""A CSV of paths with the label, the labels, or a column of 0 and 1 for each label."""

import csv
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from autocls.data.listing import Item, Listing, are_labels, few
from autocls.data.split import PART_OF
from autocls.errors import BadInput

_HEADERS = "path,label (or path,labels, or path and a column of 0 and 1 for each label)"
_NOT_LABELS = ("path", "part")


@dataclass(frozen=True)
class _Row:
    """One line of the file by its number, with its cells by column."""

    line: int
    cells: dict[str, str]


def list_csv(file: Path) -> Listing:
    """One image per line; a relative path starts at the CSV's folder, and a column ``part`` may say train, val or test.

    Raises `BadInput`, with the line numbers, for a missing column, a cell that is no label or a file that isn't there.
    """
    header, rows = _read(file)
    labels_of = _labels(file, header, rows)
    _no_line(file, rows, "the path is empty", lambda row: not row.cells["path"])
    _no_line(file, rows, f"the part is none of {', '.join(PART_OF)}", lambda row: _part(row) is None)
    missing = [
        f"{row.cells['path']} (line {row.line})" for row in rows if not os.path.isfile(file.parent / row.cells["path"])
    ]
    if missing:
        raise BadInput(f"{file}: these files are missing: {few(missing)}; a relative path starts at {file.parent}")
    if not rows:
        raise BadInput(f"{file}: it has a header but no lines")
    items = [
        Item(row.cells["path"], labels_of(row), _part(row) or "train", (file.parent / row.cells["path"]).read_bytes)
        for row in rows
    ]
    return Listing(file.stem, items, multilabel="label" not in header)


def _labels(file: Path, header: Sequence[str], rows: Sequence[_Row]) -> Callable[[_Row], tuple[str, ...]]:
    """What reads a line's labels, all of which are checked. Raises `BadInput`."""
    if "label" in header and "labels" in header:
        raise BadInput(f"{file}: line 1 has both label and labels; keep one: the header must be {_HEADERS}")
    if "label" in header:
        _no_line(file, rows, "the label is empty", lambda row: not row.cells["label"])
        return lambda row: (row.cells["label"],)
    if "labels" in header:
        _no_line(file, rows, "a label is empty or stands twice", lambda row: not are_labels(_parted(row)))
        return _parted
    names = [name for name in header if name not in _NOT_LABELS]
    for name in names:
        _no_line(
            file,
            rows,
            f"the column {name}, as neither label nor labels is in the header, must be 0 or 1 and isn't",
            partial(_is_no_truth, name),
        )
    unused = [name for name in names if rows and all(row.cells[name] == "0" for row in rows)]
    if unused:
        raise BadInput(f"{file}: no image has the label {few(unused)}; leave the column out")
    return lambda row: tuple(name for name in names if row.cells[name] == "1")


def _is_no_truth(name: str, row: _Row) -> bool:
    return row.cells[name] not in ("0", "1")


def _parted(row: _Row) -> tuple[str, ...]:
    """``a|b|c``; nothing is no label."""
    cell = row.cells["labels"]
    return tuple(label.strip() for label in cell.split("|")) if cell else ()


def _part(row: _Row) -> str | None:
    return PART_OF.get(row.cells.get("part", "train").lower())


def _no_line(file: Path, rows: Sequence[_Row], what: str, is_wrong: Callable[[_Row], bool]) -> None:
    """Raises `BadInput` when there is a line that is wrong."""
    wrong = [f"line {row.line}" for row in rows if is_wrong(row)]
    if wrong:
        raise BadInput(f"{file}: {what} in {few(wrong)}")


def _read(file: Path) -> tuple[list[str], list[_Row]]:
    """The columns' names, and the lines."""
    try:
        with file.open(newline="", encoding="utf-8-sig") as stream:  # spreadsheets put a byte order mark first
            reader = csv.DictReader(stream)
            header = [(name or "").strip() for name in reader.fieldnames or ()]
            _check_header(file, header)
            reader.fieldnames = header
            lines = [(reader.line_num, row) for row in reader]
    except UnicodeDecodeError as error:
        raise BadInput(f"{file}: not UTF-8 text ({error.reason} at byte {error.start})") from error
    except csv.Error as error:
        raise BadInput(f"{file}: not a CSV ({error})") from error
    # Of what a line lacks DictReader makes None, and a column None of what it has too much.
    uneven = [f"line {number}" for number, row in lines if None in row or None in row.values()]
    if uneven:
        raise BadInput(f"{file}: {few(uneven)}: not the header's {len(header)} cells; quote a cell that has a comma")
    return header, [_Row(number, {name: row[name].strip() for name in header}) for number, row in lines]


def _check_header(file: Path, header: Sequence[str]) -> None:
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise BadInput(f"{file}: line 1 has the column {' and '.join(twice)} twice")
    missing = [name for name in ("path",) if name not in header]
    missing += [] if any(name not in _NOT_LABELS for name in header) else ["label"]
    if missing:
        raise BadInput(
            f"{file}: line 1 lacks the column {' and '.join(missing)}; "
            f"the header must have {_HEADERS} and is {','.join(header) or 'empty'}"
        )
