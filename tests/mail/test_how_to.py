"""The block of the how-to page signs as the webhook verifies."""

from __future__ import annotations

import subprocess
import time

from services.mailin.http import signed
from tests.docs.test_written import ROOT, blocks


def test_the_signature_of_the_page_is_taken():
    (code,) = blocks(ROOT / "docs" / "how-to" / "answer-by-mail.md", "sh")
    shown = f"{code}\necho $timestamp; printf '%s' \"$body\""
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", shown], capture_output=True, text=True, check=True)
    header, timestamp, body = done.stdout.split("\n", 2)
    signature = header.removeprefix("X-Signature: ")
    assert signed("the-secret-in-MAIL_HOOK_SECRET", timestamp, signature, body.encode(), time.time())
