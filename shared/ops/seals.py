"""Sealed words: what a link may carry, or a table may hold, and only the suite can open (AES-256-GCM)."""

from __future__ import annotations

import base64
import hashlib
import os


class SealBroken(ValueError):
    """Not sealed with this secret, for this purpose, or changed since."""


def seal(secret: str, purpose: str, content: bytes) -> str:
    """URL-safe text; sealed anew, the same content looks different."""
    nonce = os.urandom(12)
    closed = nonce + _cipher(secret).encrypt(nonce, content, purpose.encode())
    return base64.urlsafe_b64encode(closed).decode().rstrip("=")


def unseal(secret: str, purpose: str, sealed: str) -> bytes:
    """The content. Raises SealBroken."""
    from cryptography.exceptions import InvalidTag

    try:
        closed = base64.urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4))
        return _cipher(secret).decrypt(closed[:12], closed[12:], purpose.encode())
    except (InvalidTag, ValueError) as broken:
        raise SealBroken(purpose) from broken


def _cipher(secret: str):  # type: ignore[no-untyped-def]
    # imported where it is used: 6 MB that a process which seals nothing does without
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(hashlib.sha256(b"aftersale links\n" + secret.encode()).digest())
