"""Output folders that are named by a URL, and where they lie on this machine."""

import hashlib
import re
from pathlib import Path

from autocls.data.cache import cache_root


def is_url(out: str) -> bool:
    """Whether it has a scheme and ``://``; a scheme of one letter is a drive of Windows."""
    return re.match(r"[A-Za-z][A-Za-z0-9+.-]+://", out) is not None


def local(out: str) -> Path:
    """The folder itself, or where one that is kept at a URL lies on this machine: in the user's cache."""
    if not is_url(out):
        return Path(out)
    place, _, options = out.partition("?")
    place = place.rstrip("/")
    name = re.sub(r"[^\w.-]+", "_", place.rpartition("/")[2])
    mark = hashlib.blake2b(f"{place}?{options}".encode(), digest_size=4).hexdigest()
    return cache_root().expanduser().absolute() / "runs" / f"{name}-{mark}"


def shown(url: str) -> str:
    """The URL without a password in it."""
    return re.sub(r"//[^/@]*:[^/@]*@", "//…@", url)
