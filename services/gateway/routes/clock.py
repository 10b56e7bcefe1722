"""The virtual clock of a test stack (N5, U-05): QA travels in time, and every service comes along."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from services.gateway.inquiry import Inquiry
from services.gateway.problems import NoSuchRoute, ServiceUnavailable
from services.gateway.table import ANY_CALLER, Route
from services.gateway.views import View
from shared.contracts import clock as contract
from shared.contracts.fields import Moment, Strict, Whole
from shared.kernel.calendar import months_later
from shared.kernel.calls import Answer
from shared.kernel.clock import ClockMovedBack, moment, stamp
from shared.kernel.errors import Forbidden, InvalidInput
from shared.ops.settings import SERVICES

STEPS = 24  # a leap is made in at most so many: what falls due on the way happens about when it should
PATIENCE = 12.0  # seconds in all; what is not done by then is done when everybody has arrived
QUIET_LOOK = 0.1
ANSWER_WITHIN = 4.0
Looks = dict[str, dict[str, Any]]


class Clock(View):
    """services: what time each of them has."""

    now = Moment(required=True)
    offset_seconds = Whole(required=True)
    services = fields.Dict(required=True)


class AdvancedClock(Clock):
    """settled: everything that fell due on the way is done."""

    settled = fields.Boolean(required=True)


class Advance(Strict):
    """How far, or to when. months: calendar months in the stack's time zone."""

    months = fields.Integer(strict=True)
    days = fields.Integer(strict=True)
    hours = fields.Integer(strict=True)
    minutes = fields.Integer(strict=True)
    seconds = fields.Integer(strict=True)
    to = Moment()

    @validates_schema
    def says_one(self, data: dict[str, Any], **_: object) -> None:
        if not data or ("to" in data and len(data) > 1):
            raise ValidationError("Say how far (months, days, hours, minutes, seconds), or `to` when.")
        if any(abs(value) > 1_000_000 for name, value in data.items() if name != "to"):
            raise ValidationError("Twenty years are the farthest.")


def advance(gateway: Any, inquiry: Inquiry) -> Answer:
    """Move every service's clock, in steps from deadline to deadline, and wait until what fell due is done."""
    _only_for_tests(gateway, inquiry)
    wanted = _wanted(inquiry)
    travel = _Travel(gateway, inquiry)
    looks = travel.look()
    start = max(each["offset_ms"] for each in looks.values())
    target = start + _distance(gateway, wanted, max(moment(each["now"]) for each in looks.values()))
    if target < start:
        raise ClockMovedBack()
    if target > contract.MOST_MS:
        raise InvalidInput(fields={"_schema": ["Twenty years are the farthest."]})
    settled = travel.go(start, target)
    return Answer(200, {**_shown(travel.look()), "settled": settled})


def show(gateway: Any, inquiry: Inquiry) -> Answer:
    """What time every service has."""
    _only_for_tests(gateway, inquiry)
    return Answer(200, _shown(_Travel(gateway, inquiry).look()))


def _only_for_tests(gateway: Any, inquiry: Inquiry) -> None:
    if not gateway.settings.virtual_clock:
        raise NoSuchRoute()
    if inquiry.principal.role not in contract.MOVE.may:
        raise Forbidden(action="move the clock")


def _wanted(inquiry: Inquiry) -> dict[str, Any]:
    try:
        return Advance().load(inquiry.args)
    except ValidationError as wrong:
        raise InvalidInput(fields=wrong.normalized_messages()) from None


def _distance(gateway: Any, wanted: dict[str, Any], now: datetime) -> int:
    """In milliseconds, negative for the past."""
    to = wanted.get("to")
    if to is None:
        rest = {name: value for name, value in wanted.items() if name != "months"}
        try:
            local = now.astimezone(gateway.settings.zone(""))
            day = months_later(local.date(), wanted.get("months", 0))
            to = datetime.combine(day, local.timetz()).astimezone(UTC) + timedelta(**rest)
        except (OverflowError, ValueError):
            raise InvalidInput(fields={"_schema": ["Twenty years are the farthest."]}) from None
    return int((to - now) / timedelta(milliseconds=1))


def _shown(looks: Looks) -> dict[str, Any]:
    offset = max(each["offset_ms"] for each in looks.values())
    return {
        "now": stamp(datetime.now(UTC) + timedelta(milliseconds=offset)),
        "offset_seconds": offset // 1000,
        "services": {service: each["now"] for service, each in looks.items()},
    }


class _Travel:
    """One journey of all clocks together."""

    def __init__(self, gateway: Any, inquiry: Inquiry) -> None:
        self._gateway, self._inquiry = gateway, inquiry
        self._until = time.monotonic() + PATIENCE

    def go(self, start: int, target: int) -> bool:
        """From offset to offset, to each deadline in turn; answers whether everything due was done in time."""
        here, least = start, max(1, (target - start) // STEPS)
        while here < target:
            here = target if self._late else self._next(here, target, least)
            self._move(here)
            self._settle()
        return self._settle()

    def _next(self, here: int, target: int, least: int) -> int:
        """The next deadline of any service, but not nearer than a small part of the way."""
        now = datetime.now(UTC) + timedelta(milliseconds=here)
        due = [moment(each["next_due"]) for each in self.look().values() if each["next_due"]]
        if not due:
            return target
        return min(target, here + max(least, int((min(due) - now) / timedelta(milliseconds=1)) + 1))

    def _move(self, offset_ms: int) -> None:
        self._ask(contract.MOVE.name, {"offset_ms": offset_ms})

    def look(self) -> Looks:
        return self._ask(contract.GET.name, {})

    def _settle(self) -> bool:
        """Wait until two looks in a row find nothing due, anywhere."""
        quiet = 0
        while not self._late:
            quiet = 0 if any(each["due"] for each in self.look().values()) else quiet + 1
            if quiet == 2:
                return True
            time.sleep(QUIET_LOOK)
        return False

    @property
    def _late(self) -> bool:
        return time.monotonic() > self._until

    def _ask(self, operation: str, args: dict[str, Any]) -> Looks:
        """The same of every service. Raises ServiceUnavailable: a clock alone in another time helps nobody."""
        calls = {}
        for service in SERVICES:
            call = self._inquiry.call(operation, dict(args))
            call.idempotency_key = None
            calls[service] = (service, call)
        found: Looks = {}
        for service, answer in self._gateway.clients.gather(calls, ANSWER_WITHIN).items():
            if answer is None:
                raise ServiceUnavailable(service=service)
            if not answer.ok:
                raise ClockMovedBack() if answer.body["code"] == ClockMovedBack.code else Forbidden()
            found[service] = answer.body
        return found


ROUTES = (
    Route(
        "GET",
        "/v1/_clock",
        "What time the services have; only in a test stack with VIRTUAL_CLOCK",
        scope=ANY_CALLER,
        view=Clock(),
        answer=show,
        tag="clock",
    ),
    Route(
        "POST",
        "/v1/_clock/advance",
        "Travel ahead in time; only in a test stack with VIRTUAL_CLOCK",
        scope=ANY_CALLER,
        schema=Advance(),
        view=AdvancedClock(),
        answer=advance,
        tag="clock",
    ),
)
