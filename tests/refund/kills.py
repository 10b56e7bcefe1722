"""A refund service in a process of its own, to be killed at any moment."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from tests.suite import Suite, seller


def work(folder: str, start: str, settings: dict[str, Any], orders: list[str]) -> None:
    """Ask for each order's refund under its own key, pay, and store what the provider said."""
    suite = Suite(Path(folder), ["refund"], datetime.fromisoformat(start), **settings)
    for order_id in orders:
        args = {"order_id": order_id, "kind": "post_shipment_order", "reason_code": "damaged_items"}
        suite.do("refund.request", seller(), f"key-{order_id}", **args)
        suite.settle()
