"""Does a text look as if it held a password or a key? (S3-07) Better asked once too often than stored once."""

from __future__ import annotations

import re

SUSPECT = re.compile(
    r"""
    \b(?:password|passwd|passphrase|pwd|pass|mdp|mot\s+de\s+passe|passwort|kennwort)\b \s*
        (?: [:=] \s* \S{4,} | (?:is|est|ist) \s+ (?=\S*[\d!@\#$%^&*_]) \S{5,} )
    | \b(?:api[\s_-]?key|access[\s_-]?key|secret[\s_-]?key|client[\s_-]?secret|cl[ée]\s+(?:api|secr[èe]te))\b \s*
        (?:is|est|ist|[:=]) \s* \S{8,}
    | -----BEGIN\ [A-Z ]*PRIVATE\ KEY-----
    | \b(?:ftps?|sftp|ssh|https?|mysql|postgres(?:ql)?)://[^\s/:@]+:[^\s/@]+@
    | \bAKIA[0-9A-Z]{16}\b
    | \b(?:sk|rk)_(?:live|test)_[0-9A-Za-z]{16,}
    | \bgh[pousr]_[0-9A-Za-z]{30,}
    | \beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,}
    """,
    re.VERBOSE | re.IGNORECASE,
)


def suspected(text: str) -> bool:
    """Quick on hostile text too: no part of the pattern can match in more than one way."""
    return SUSPECT.search(text) is not None
