"""The spaces that come with autocls: in a checkout they lie at its top, in an installed wheel inside the package."""

from importlib.resources import files
from pathlib import Path

from autocls.errors import BadInput, unknown


def shipped() -> dict[str, Path]:
    """The spaces that come with autocls, by name."""
    inside = Path(str(files("autocls"))) / "search_spaces"
    folder = inside if inside.is_dir() else inside.parents[1] / "search_spaces"
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def find(name: str | Path) -> Path:
    """The file of a space that is named or given as a path. Raises BadInput."""
    known = shipped()
    if str(name) in known:
        return known[str(name)]
    path = Path(name)
    if path.is_file():
        return path
    if path.suffix in (".yaml", ".yml") or len(path.parts) > 1:
        raise BadInput(f"{name}: no such file; shipped spaces: {', '.join(known)}")
    raise BadInput(unknown("space", name, known))
