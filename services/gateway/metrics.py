"""What the gateway counts. Labels are route templates, never paths: a path would be a series of its own for each id."""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Histogram, generate_latest

BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)


class Metrics:
    """A registry of its own, so that several gateways in one process (tests) do not count together."""

    content_type = CONTENT_TYPE_LATEST

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._seconds = Histogram(
            "aftersale_http_request_seconds",
            "Time from the request's headers to the answer",
            ("route",),
            buckets=BUCKETS,
            registry=self._registry,
        )
        self._answers = Counter(
            "aftersale_http_requests", "Requests answered", ("route", "status"), registry=self._registry
        )
        self._parts = Counter(
            "aftersale_page_parts_missing",
            "Parts of composed pages that did not answer",
            ("part",),
            registry=self._registry,
        )
        self._children: dict[tuple[str, int], tuple] = {}

    def answered(self, route: str, status: int, seconds: float) -> None:
        key = (route, status)
        if key not in self._children:
            self._children[key] = (self._seconds.labels(route), self._answers.labels(route, str(status)))
        histogram, counter = self._children[key]
        histogram.observe(seconds)
        counter.inc()

    def part_missing(self, part: str) -> None:
        self._parts.labels(part).inc()

    def text(self) -> bytes:
        return generate_latest(self._registry)
