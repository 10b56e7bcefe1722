"""The tables of contents that a service's handlers end in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from shared.contracts.registry import Operation, narrow_of

Loads = Callable[[dict[str, Any]], Iterable[tuple[type, str]]]


@dataclass(frozen=True)
class Command:
    """Changes this service's data. `loads` names the aggregates to fetch for a whole batch in one statement.

    then(work, [(tenant, arguments) …]): fetches for the whole batch what is known only when those are there.
    """

    operation: Operation
    handler: Callable[[Any, dict[str, Any]], dict[str, Any]]
    loads: Loads | None = None
    then: Callable[[Any, list[tuple[str, dict[str, Any]]]], None] | None = None


@dataclass(frozen=True)
class Query:
    """Reads; changes nothing."""

    operation: Operation
    handler: Callable[[Any, dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True)
class Reaction:
    """What this service does when it hears an event of another service; narrow: only one with the type's narrow key.

    prompt: it lies on the way to somebody's money or word. Any other may wait a moment for company (ADR 0024).
    """

    handler: Callable[[Any, Any], None]
    loads: Loads | None = None
    narrow: bool = field(default=False, kw_only=True)
    prompt: bool = field(default=False, kw_only=True)


@dataclass(frozen=True)
class Job:
    """An effect outside the database: paying, mailing.

    perform(ports, payload, key) runs outside any transaction and returns the outcome as plain data; it may run again
    after a crash, so it sends `key` along as its idempotency key. An unexpected exception counts as a failed attempt.
    settle(ctx, job, outcome) stores the outcome in a transaction; it returns None when the job is over, or a delay
    after which to perform it again. Attempts that end in an exception wait `delays`, then the job is dead (an operator
    sees it and can redrive it). `loads` names what settling reads, from the payload plus `key`; it only makes it fast.
    """

    perform: Callable[[Any, dict[str, Any], str], Any]
    settle: Callable[[Any, Any, Any], timedelta | None]
    loads: Loads | None = field(default=None, kw_only=True)
    delays: tuple[timedelta, ...] = (
        timedelta(seconds=5),
        timedelta(seconds=30),
        timedelta(minutes=2),
        timedelta(minutes=10),
        timedelta(hours=1),
        timedelta(hours=4),
    )


@dataclass(frozen=True)
class Contents:
    """Everything a service does, on one screen."""

    commands: tuple[Command, ...] = ()
    queries: tuple[Query, ...] = ()
    reactions: dict[str, Callable | Reaction] = field(default_factory=dict)
    timers: dict[str, Callable[[Any, Any], None]] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)

    @property
    def bound(self) -> frozenset[str]:
        """The routing keys by which this service is sent what it reacts to."""
        narrow = self._marked("narrow")
        return frozenset(self.reactions) - narrow | _narrow_keys(narrow)

    @property
    def heard(self) -> frozenset[str]:
        """The keys of the events that it reacts to, as `Envelope.key` says them."""
        return self.bound | _narrow_keys(self.reactions)

    @property
    def prompt(self) -> frozenset[str]:
        """The types of event that are taken in at once."""
        return self._marked("prompt")

    def _marked(self, mark: str) -> frozenset[str]:
        """The types whose reaction says so of itself; a bare function says nothing."""
        return frozenset(type for type, found in self.reactions.items() if getattr(found, mark, False))


def _narrow_keys(types: Iterable[str]) -> set[str]:
    return {narrow.key for type in types if (narrow := narrow_of(type))}
