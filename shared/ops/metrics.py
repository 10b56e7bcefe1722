"""Counters of the suite, in Prometheus' words (messaging.md 3.15)."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

PUBLISHED = Counter("aftersale_events_published_total", "Events the broker confirmed", ["service"])
SWEPT = Counter("aftersale_events_swept_total", "Events sent by the sweeper, after a crash or an outage", ["service"])
UNROUTED = Counter("aftersale_events_unrouted_total", "Events that no queue is bound to")
RECONNECTS = Counter("aftersale_broker_reconnects_total", "Lines to the broker that were lost", ["service"])
RECEIVED = Counter("aftersale_events_received_total", "Messages taken in", ["service"])
REJECTED = Counter("aftersale_messages_rejected_total", "Messages sent to the dead letters unread", ["service"])
CALLS = Counter("aftersale_calls_total", "Commands and queries answered", ["service", "operation", "status"])
CALL_BATCH = Histogram(
    "aftersale_call_batch_size", "Calls per transaction", ["service"], buckets=(1, 2, 5, 10, 20, 50, 100)
)
