"""People, orders and claims for the tests of the claim service's rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from services.claim.model import Asking, Claim, Complaint, OrderCase, open_claim
from services.claim.policies import Profile
from services.claim.profiles import PROFILES
from shared.kernel.principal import ROLES, Principal, system

T0 = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)  # a Monday
ISSUE = PROFILES.newest("issue")
DISCUSSION = PROFILES.newest("discussion")
# Every switch on: what is refused under it is refused by the table, not by a switch.
PERMISSIVE = replace(
    ISSUE,
    code="permissive",
    manual_state=True,
    handler_may_resolve=True,
    closes_unresolved=True,
    auto_confirm_business_days=5,
    resolutions=("replacement", "refund", "gesture", "proposal", "message"),
)
REFUND = {"kind": "claim_resolution", "lines": [], "shipping": True, "reason_code": "damaged_items"}

CUSTOMER = Principal(role="customer", id="usr_ana", tenant="t1", party="cus_ana")
STRANGER = Principal(role="customer", id="usr_bob", tenant="t1", party="cus_bob")
SELLER = Principal(role="seller", id="usr_sam", tenant="t1", party="sel_1")
RIVAL = Principal(role="seller", id="usr_rex", tenant="t1", party="sel_2")
INTEGRATOR = Principal(role="integrator", id="key_1", tenant="t1", party="sel_1")
SUPPLIER = Principal(role="supplier", id="usr_sue", tenant="t1", party="sup_1")
COORDINATOR = Principal(role="coordinator", id="usr_cora", tenant="t1")
PLATFORM = Principal(role="platform_agent", id="usr_pat", tenant="t1")
OBSERVER = Principal(role="account_observer", id="usr_oli", tenant="t1")
MAILER = Principal(role="mail_observer", id="usr_mia", tenant="t1")
SYSTEM = system("t1")
EVERYBODY = [CUSTOMER, SELLER, INTEGRATOR, SUPPLIER, COORDINATOR, PLATFORM, OBSERVER, MAILER, SYSTEM]
assert {who.role for who in EVERYBODY} == set(ROLES)


HOUR = timedelta(hours=1)


def by(who: Principal, after: timedelta = HOUR, phase: str = "delivered", cleared: bool = False) -> Asking:
    """This person asks, so long after the claim was opened."""
    return Asking(who, T0 + after, phase, cleared)


def an_order(**changes: Any) -> OrderCase:
    lines = [
        {"line_id": "lin_1", "qty": 3, "gross": 3000, "supplier_id": "sup_1"},
        {"line_id": "lin_2", "qty": 1, "gross": 1999, "supplier_id": None},
    ]
    given = {
        "id": "ord_1",
        "tenant": "t1",
        "number": "A-100",
        "marketplace": "mkt",
        "profile": "issue",
        "customer_ref": "cus_ana",
        "seller_id": "sel_1",
        "currency": "EUR",
        "total": 5499,
        "phase": "delivered",
        "lines": lines,
    }
    return OrderCase(**(given | changes))


def opened(
    profile: Profile = ISSUE,
    reason: str = "damaged_items",
    who: Principal = CUSTOMER,
    case: OrderCase | None = None,
    **complaint: Any,
) -> Claim:
    """A claim opened at T0, its opening events still on it."""
    case = case or an_order()
    wanted = {"claim_id": f"clm_{case.claims_ever + 1}", "message_id": "msg_1", "text": "Three plates broke."}
    asking = Asking(who, T0, case.phase, case.cleared)
    return open_claim(asking, profile, case, Complaint(reason_code=reason, **(wanted | complaint)))


def in_state(state: str, profile: Profile = PERMISSIVE, reason: str = "damaged_items") -> Claim:
    """A claim in this state, brought there by its own commands, with no event left on it."""
    claim = opened(profile, reason)
    for step in _WAYS[state]:
        step(claim)
    assert claim.state == state
    claim.events.clear()
    return claim


def events_of(claim: Any) -> list[str]:
    return [event.type for event in claim.events]


_WAYS = {
    "submitted": [],
    "in_progress": [lambda c: c.start(by(SELLER))],
    "solution_proposed": [lambda c: c.propose(by(SELLER), "msg_2", "10 % off?")],
    "platform_review": [lambda c: c.escalate(by(CUSTOMER), "no answer")],
    "resolved": [lambda c: c.resolve(by(SELLER))],
    "refused": [lambda c: c.escalate(by(CUSTOMER), "no answer"), lambda c: c.refuse(by(PLATFORM), "no_proof")],
    "closed": [lambda c: c.resolve(by(SELLER)), lambda c: c.close(by(SELLER))],
    "withdrawn": [lambda c: c.withdraw(by(CUSTOMER))],
    "merged": [lambda c: c.merge_into(by(COORDINATOR), opened(PERMISSIVE, claim_id="clm_9"))],
}
