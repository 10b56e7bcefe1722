"""Refunds that move after their call: by the clock or by hand."""

import asyncio
import time

from services.simulator.ledger import Ledger, NotSettleable, UnknownRefund
from services.simulator.records import Records, Refund
from services.simulator.webhooks import Webhooks


class Settling:
    """Moves refunds and tells it; the due times are in the records, so a restart keeps them."""

    def __init__(self, records: Records, ledger: Ledger, webhooks: Webhooks, apis: tuple):
        self._records = records
        self._ledger = ledger
        self._webhooks = webhooks
        self._apis = {api.name: api for api in apis}
        self._timer: asyncio.TimerHandle | None = None

    def settle(self, refund: Refund, status: str, failure: str | None = None) -> Refund:
        """Move one refund and announce it; NotSettleable."""
        with self._records.change():
            moved = self._ledger.settle(refund, status, failure)
            self._apis[refund.provider].announce_settled(moved, refund.status)
        self._webhooks.wake()
        return moved

    def settle_pending(self, status: str, id: str | None = None, failure: str | None = None) -> list[Refund]:
        """Move one refund, or every pending one; UnknownRefund when the id is not known."""
        chosen = (self._records.refunds("id = ?", id) if id
                  else self._records.refunds("status = 'pending' ORDER BY seq"))
        if id and not chosen:
            raise UnknownRefund(id)
        return [self.settle(refund, status, failure) for refund in chosen]

    def announce(self, refund: Refund) -> None:
        """Write the events of a refund that no call made; in the caller's transaction."""
        self._apis[refund.provider].announce_created(refund)

    def resume(self) -> None:
        """Set the clock for the refund that is due next."""
        row = self._records.db.execute("SELECT min(settle_at) FROM refunds WHERE settle_at IS NOT NULL").fetchone()
        self.stop()
        if row[0] is not None:
            self._timer = asyncio.get_running_loop().call_later(max(0, row[0] - time.time()), self._due)

    def stop(self) -> None:
        """Stop the clock."""
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _due(self) -> None:
        for refund in self._records.refunds("settle_at <= ? ORDER BY seq", time.time()):
            try:
                self.settle(refund, refund.settle_as or "succeeded")
            except NotSettleable:
                continue  # moved by hand meanwhile; its clock was cleared with it
        self.resume()
