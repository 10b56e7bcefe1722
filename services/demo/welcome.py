"""What the demo says: one line while it works, and then who can log in where, and what to try."""

from __future__ import annotations

import time
from typing import Any, TextIO

from services.demo.folder import Folder

ROLES = {
    "customer": "sees her own orders and claims, in public",
    "seller": "decides the claims about her own orders",
    "supplier": "sees the claims it was included in",
    "coordinator": "follows and assigns every claim",
    "platform_agent": "decides what the platform handles",
    "integrator": "the shop's own system: places orders, books payments",
}
WIDTH = 100
QUOTE = '{"order_id": "ord_M-1001", "kind": "post_shipment_order"}'


class Progress:
    """One line, written over and over on a terminal; elsewhere only its first words when they change."""

    def __init__(self, out: TextIO) -> None:
        self._out, self._live, self._last = out, out.isatty(), ""

    def say(self, line: str) -> None:
        if self._live:
            self._out.write(f"\r{line[: WIDTH - 1]:<{WIDTH - 1}}")
            self._out.flush()
            return
        topic = line.partition(":")[0]
        if topic != self._last:
            self._last = topic
            print(topic, file=self._out, flush=True)

    def clear(self) -> None:
        if self._live:
            self._out.write("\r" + " " * (WIDTH - 1) + "\r")
            self._out.flush()


def welcome(folder: Folder, started: float) -> str:
    """The whole text. started: monotonic seconds at which the command began."""
    notes = folder.notes
    url, people = notes["url"], notes["people"]
    seller, customer = people["seller"]["token"], people["customer"]["token"]
    return "\n".join(
        [
            f"Aftersale runs: six services in one process, ready after {time.monotonic() - started:.1f} s.",
            "",
            f"  API          {url}/v1",
            f"  API as page  {url}/docs",
            f"  mails        {notes['mail_url']}   every mail that the suite sends arrives here",
            f"  data         {folder.path}",
            "",
            "Log-ins: paste a token at /docs under Authorize, or send it as `Authorization: Bearer …`.",
            "",
            *_log_ins(people),
            "",
            "Try",
            "  1. As Léa the seller: the claims that wait for somebody's decision.",
            f"     curl -s -H 'X-Api-Key: {seller}' \\",
            f"       '{url}/v1/desk/claims'",
            "  2. As Camille the customer: an order, its claims, and what was refunded of it.",
            f"     curl -s -H 'X-Api-Key: {customer}' \\",
            f"       '{url}/v1/orders/ord_M-1001'",
            "  3. As Léa: what refunding the other lamp too would be, to the cent; nothing is reserved.",
            f"     curl -s -H 'X-Api-Key: {seller}' \\",
            "       -H 'Content-Type: application/json' \\",
            f"       -d '{QUOTE}' \\",
            f"       '{url}/v1/refunds:quote'",
            "",
            "`make story` in another terminal walks a whole sale through it. Ctrl-C stops everything.",
        ]
    )


def _log_ins(people: dict[str, dict[str, Any]]) -> list[str]:
    lines = []
    for role, person in people.items():
        lines.append(f"  {role:<15} {person['token']}  {person['name']}")
        lines.append(f"  {'':<15} {ROLES[role]}")
    return lines
