"""When two URLs are the same place: what a subscription is bought for, and what support is asked for (model.md 5.2)."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import idna

LONGEST = 500
_DEFAULT_PORTS = {"http": 80, "https": 443}
_BLANK = re.compile(r"[\s\x00-\x1f\x7f\\]")


class NotAnAddress(ValueError):
    """This is no address of a web site."""


def normalised(url: str) -> str:
    """`HTTPS://Shop.Exämple:443/fr/` → `shop.xn--exmple-cua/fr`. Raises NotAnAddress.

    Scheme, default port, trailing slash, query and fragment are dropped; the host becomes lower-case IDNA; `www.` and
    the path stay.
    """
    text = url.strip()
    if not text or len(text) > LONGEST or _BLANK.search(text):
        raise NotAnAddress(url)
    if "://" not in text:
        text = f"https://{text}"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise NotAnAddress(url) from None
    if parts.scheme.lower() not in _DEFAULT_PORTS or not parts.hostname or "@" in parts.netloc:
        raise NotAnAddress(url)
    host = _host(parts.hostname.rstrip("."))
    shown = "" if port is None or port in _DEFAULT_PORTS.values() else f":{port}"
    return f"{host}{shown}{parts.path.rstrip('/')}"


def _host(name: str) -> str:
    try:
        host = idna.encode(name, uts46=True).decode().lower()
    except idna.IDNAError:
        raise NotAnAddress(name) from None
    if "." not in host and host != "localhost":
        raise NotAnAddress(name)
    return host
