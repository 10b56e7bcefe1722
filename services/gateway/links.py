"""Signed links to files: for one person, one file, one purpose, ten minutes at most."""

from __future__ import annotations

import hashlib
import secrets
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import jwt

from shared.kernel.clock import stamp
from shared.kernel.errors import Refusal
from shared.kernel.principal import Principal
from shared.ops.settings import Settings

UPLOAD, DOWNLOAD = "upload", "download"
METHODS = {UPLOAD: "PUT", DOWNLOAD: "GET"}
STEP = 300  # links made within five minutes are equal, so that a page that shows them is not new each time


class LinkInvalid(Refusal):
    """This link is over, or leads nowhere: ask for the file again."""

    code, status = "LINK_INVALID", 404


class Links:
    def __init__(self, settings: Settings) -> None:
        known = settings.link_secret or settings.jwt_secret or settings.call_secret
        known = known or "".join(secret for _, secret in sorted(settings.call_secrets.items()))
        # one process alone can do with a secret that nobody else knows
        self._key = hashlib.sha256(b"links to files" + (known.encode() if known else secrets.token_bytes(32))).digest()
        self._base = settings.public_url.rstrip("/")

    def link(self, purpose: str, attachment_id: str, principal: Principal) -> dict[str, str]:
        """Lasts between five and ten minutes."""
        expires = (int(time.time()) // STEP + 2) * STEP
        claims = {"aud": purpose, "exp": expires, "file": attachment_id, "for": principal.claims()}
        token = jwt.encode(claims, self._key, algorithm="HS256")
        return {
            "method": METHODS[purpose],
            "url": f"{self._base}/files?token={token}",
            "expires_at": stamp(datetime.fromtimestamp(expires, UTC)),
        }

    def followed(self, purpose: str, query: str) -> tuple[str, Principal]:
        """The file, and for whom the link was made. Raises LinkInvalid."""
        try:
            [token] = parse_qs(query, max_num_fields=1)["token"]
            claims: dict[str, Any] = jwt.decode(
                token, self._key, algorithms=["HS256"], audience=purpose, options={"require": ["exp", "aud"]}
            )
            return claims["file"], Principal.from_claims(claims["for"])
        except (jwt.PyJWTError, KeyError, ValueError, TypeError):
            raise LinkInvalid() from None
