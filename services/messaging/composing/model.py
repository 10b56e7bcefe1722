"""What helps to write: templates with declared variables, and signatures (S3-04, S3-05)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime

from shared.kernel.aggregate import Aggregate


@dataclass(kw_only=True)
class Template(Aggregate):
    """scope: tenant (owner none), seller (his id) or user (his id). A removed one keeps its row, not its body."""

    stream = "template"

    name: str
    locale: str
    scope: str
    owner: str | None
    body: str
    updated_at: datetime
    variables: list[str] = field(default_factory=list)
    removed: bool = False

    def save(self, body: str, variables: list[str], now: datetime) -> None:
        self.body, self.variables, self.updated_at, self.removed = body, variables, now, False
        self.record("template.saved", **self._facts())

    def remove(self, now: datetime) -> None:
        self.body, self.variables, self.updated_at, self.removed = "", [], now, True
        self.record("template.removed", **self._facts())

    def _facts(self) -> dict[str, str | None]:
        return {"template_id": self.id, "scope": self.scope, "owner": self.owner, "locale": self.locale}


@dataclass(kw_only=True)
class Signature(Aggregate):
    """scope: user or seller. It stands below public mails, apart from the text (5.4)."""

    stream = "signature"

    scope: str
    owner: str
    text: str = ""

    def save(self, text: str) -> None:
        self.text = text
        self.record("signature.saved", scope=self.scope, owner=self.owner)


def template_id(tenant: str, scope: str, owner: str | None, locale: str, name: str) -> str:
    """One name, locale, scope and owner: one template."""
    parts = "\n".join((tenant, scope, owner or "", locale, name))
    return "tpl_" + hashlib.sha256(parts.encode()).hexdigest()[:32]


def signature_id(tenant: str, scope: str, owner: str) -> str:
    return "sig_" + hashlib.sha256(f"{tenant}\n{scope}\n{owner}".encode()).hexdigest()[:32]
