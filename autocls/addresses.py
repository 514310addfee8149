"""Which addresses are this machine's own, so that only those who sit at it reach what listens there."""

from ipaddress import ip_address
from urllib.parse import urlsplit

LOOPBACK = "127.0.0.1"


def is_loopback(host: str) -> bool:
    """Whether a name or an address can only be this machine's own."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def names_loopback(header: str) -> bool:
    """Whether a request's Host header names this machine.

    A page of another site, whose name was led here, sends its own name: it may not read what is for this machine alone.
    """
    try:
        return is_loopback(urlsplit(f"//{header}").hostname or "")
    except ValueError:
        return False
