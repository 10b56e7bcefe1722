"""Who may read, write, hide and close what: decisions as data and pure functions."""

from __future__ import annotations

from datetime import timedelta

from shared.kernel.principal import Principal

INSIDERS = frozenset(
    {"coordinator", "platform_agent", "supplier", "seller", "integrator", "account_observer", "system"}
)
"""Who may read and write private comments on a thread they take part in; never the customer (S1-24, S1-25).
An observer who was included with the scope `public` is no insider either (A5)."""

MAIL_OBSERVER = "mail_observer"
"""Has no account: reads and writes by mail alone, and what he writes is private (S1-36, A5)."""

WRITERS = INSIDERS | {"customer"}

HOUSE = frozenset({"seller", "coordinator", "platform_agent"})
"""Authors whose public message is an answer to the customer. Suppliers and observers join in, but do not answer."""

MODERATORS = frozenset({"coordinator", "platform_agent"})
"""May change the visibility of any message, at any time (5.1)."""

OWN_CHANGE = frozenset({"seller", "supplier"})
"""May change the visibility of their own message for a day (5.1); observers and integrators may not at all."""

OWN_CHANGE_WINDOW = timedelta(hours=24)

MAY_CLOSE = frozenset({"seller", "integrator", "coordinator", "platform_agent", "system"})

ANSWER_FIRST_PROFILES = frozenset({"discussion", "support"})
"""Profiles with close_requires_answer (5.3). A thread on an order without claim is a discussion too (S0-22)."""

CANCELLING_CATEGORY = "withdrawal"
CANCELLING_REASONS = frozenset({"cancel_order"})
"""A claim like this is a request to cancel, and waits for a decision (UNAUTHORIZED_CANCEL_PENDING)."""

EDIT_WINDOW = timedelta(minutes=10)
"""MSG-05: so long a text may still vanish, where nobody outside received it."""

MOST_REVISIONS = 20

INSIDE = frozenset({"coordinator", "platform_agent", "platform", "system"})
"""Whose knowing a text does not count as disclosed outside (MSG-05): they see every version anyway."""

MOST_PER_SIDE = 1_000
"""Public, and private, messages on one thread (model 7): beyond that nobody reads, somebody loops."""


def may_write(principal: Principal) -> bool:
    return principal.role in WRITERS or follows_by_mail(principal)


def follows_by_mail(principal: Principal) -> bool:
    return principal.role == MAIL_OBSERVER and principal.via == "email"


def default_visibility(insider: bool, has_private: bool, role: str = "") -> str:
    """What a message without a stated visibility becomes (S1-31, T04).

    Private for insiders as soon as the thread holds a private comment: an answer to a supplier that goes to the
    customer by oversight cannot be taken back. A customer's message is public always, a mail observer's private.
    """
    return "private" if (insider and has_private) or role == MAIL_OBSERVER else "public"


def author_of(principal: Principal) -> tuple[str, str]:
    """Type and id under which a caller writes: an integrator writes as its seller, a party as the party (5.1)."""
    if principal.role == "integrator":
        return "seller", principal.party or principal.id
    if principal.role in ("customer", "seller", "supplier"):
        return principal.role, principal.party or principal.id
    return principal.role, principal.id


def asks_to_cancel(category: str, reason_code: str) -> bool:
    return category == CANCELLING_CATEGORY or reason_code in CANCELLING_REASONS


def side_of(author_type: str) -> str | None:
    """`customer` and `house` talk to each other; what others write answers neither."""
    if author_type == "customer":
        return "customer"
    return "house" if author_type in HOUSE else None


def may_change_visibility(principal: Principal, author: tuple[str, str], age: timedelta) -> bool:
    """MSG-03, MSG-04 and the table of 5.1."""
    if principal.role in MODERATORS:
        return True
    return principal.role in OWN_CHANGE and author_of(principal) == author and age <= OWN_CHANGE_WINDOW


def may_mark_handled(principal: Principal, author_type: str) -> bool:
    """Only the side that received a message can say that it dealt with it (MSG-06)."""
    sender, reader = side_of(author_type), side_of(author_of(principal)[0])
    return sender is not None and reader is not None and sender != reader


def held(principal: Principal, visibility: str) -> bool:
    """MSG-01: people at a screen take back what they just sent in public; programs and private comments go at once."""
    return principal.via == "ui" and visibility == "public" and principal.role not in ("integrator", "system")


def vanishes(age: timedelta, disclosed: list[str]) -> bool:
    """MSG-05: may an edited text be replaced without a trace? disclosed: types of those who received it."""
    return age <= EDIT_WINDOW and all(type in INSIDE for type in disclosed)


def may_see_disclosures(principal: Principal, author: tuple[str, str]) -> bool:
    """N3: staff, and the author's side for its own messages; never a customer, whom it could tell of others."""
    return principal.role in MODERATORS or (principal.role in INSIDERS and author_of(principal) == author)


def answer_required(profile: str | None) -> bool:
    """Must the customer have had the last answer before the thread may be closed? (S0-22)"""
    return profile is None or profile in ANSWER_FIRST_PROFILES
