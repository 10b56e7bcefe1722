"""The refund service as nameko runs it. Nothing is decided here."""

from __future__ import annotations

from shared.edge.nameko import Joined, calls, inbox


class RefundService:
    name = "refund"
    app = Joined()

    @inbox
    def receive(self, events):
        """A batch of events from refund.inbox."""
        self.app.inbox.receive(events)

    @calls
    def execute(self, batch):
        """A batch of commands and queries from the gateway."""
        return self.app.execute(batch)


SERVICE = RefundService
