"""A CSV with the columns path and label."""

import csv
from pathlib import Path

from autocls.data.listing import Item, Listing, few
from autocls.errors import BadInput

_COLUMNS = ("path", "label")


def list_csv(file: Path) -> Listing:
    """One image per line; a relative path starts at the CSV's folder.

    Raises `BadInput`, with the line numbers, for a missing column, an empty cell or a file that isn't there.
    """
    rows = _rows(file)
    for column in _COLUMNS:
        empty = [f"line {line}" for line, *cells in rows if not cells[_COLUMNS.index(column)]]
        if empty:
            raise BadInput(f"{file}: the {column} is empty in {few(empty)}")
    missing = [f"{path} (line {line})" for line, path, _ in rows if not (file.parent / path).is_file()]
    if missing:
        raise BadInput(f"{file}: these files are missing: {few(missing)}; a relative path starts at {file.parent}")
    if not rows:
        raise BadInput(f"{file}: it has a header but no lines")
    return Listing(file.stem, [Item(path, label, "train", (file.parent / path).read_bytes) for _, path, label in rows])


def _rows(file: Path) -> list[tuple[int, str, str]]:
    """Line number, path and label of each line."""
    try:
        with file.open(newline="", encoding="utf-8-sig") as stream:  # spreadsheets put a byte order mark first
            reader = csv.DictReader(stream)
            header = reader.fieldnames or ()
            missing = [column for column in _COLUMNS if column not in header]
            if missing:
                raise BadInput(
                    f"{file}: line 1 lacks the column {' and '.join(missing)}; "
                    f"the header must have path,label and is {','.join(header) or 'empty'}"
                )
            # A line with fewer cells than the header has None in their place.
            return [(reader.line_num, (row["path"] or "").strip(), (row["label"] or "").strip()) for row in reader]
    except UnicodeDecodeError as error:
        raise BadInput(f"{file}: not UTF-8 text ({error.reason} at byte {error.start})") from error
    except csv.Error as error:
        raise BadInput(f"{file}: not a CSV ({error})") from error
