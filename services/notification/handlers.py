"""What notification does: its one command, the sending of mails, and the table of everything."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from services.notification import delivery, policies, queries, reply_addresses
from services.notification.letters import NoLetter
from services.notification.model import Contact, Disclosure, Notification, Roster, contact_id, roster_id
from services.notification.policies import COORDINATOR, PLATFORM, masked
from services.notification.ports import PermanentFailure, Ports, TransientFailure
from services.notification.reactions import MAIL, REACTIONS
from services.notification.timeline import timeline
from shared.contracts import notification as contract
from shared.contracts.timeline import OF_NOTIFICATIONS
from shared.kernel.errors import Forbidden
from shared.kernel.principal import Principal, system
from shared.runtime.jobs import JobRun
from shared.runtime.tables import Command, Contents, Job, Query
from shared.runtime.unit_of_work import Context


def record_contact(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """How to reach a seller, a supplier or a colleague: told by the staff, or by the party itself."""
    if not _may_record(ctx.principal, args["party"], args["ref"]):
        raise Forbidden()
    contact = keep_contact(ctx, args)
    return {
        "id": contact.id,
        "party": contact.party,
        "ref": contact.ref,
        "name": contact.name,
        "email": contact.email,
        "phone": contact.phone,
        "locale": contact.locale,
        "version": contact.version,
        "allowed_actions": ["contact.record"],
    }


def keep_contact_when_recorded(ctx: Context, event: Any) -> None:
    """Customers' contacts come from the order service, on the private exchange."""
    keep_contact(ctx, event.data)


def keep_contact_when_observer_invited(ctx: Context, event: Any) -> None:
    """S1-36: of somebody who follows a claim by mail only this service and messaging ever learn the address."""
    invited = event.data
    details = {name: invited[name] for name in ("name", "email", "locale")}
    keep_contact(ctx, {**details, "party": policies.MAIL_OBSERVER, "ref": invited["observer_id"]})


def keep_contact(ctx: Context, details: dict[str, Any]) -> Contact:
    party, ref = details["party"], details["ref"]
    id = contact_id(ctx.tenant, party, ref)
    known = ctx.get(Contact, id)
    contact = Contact(
        id=id,
        tenant=ctx.tenant,
        version=known.version if known else 0,
        seq=known.seq if known else 0,
        party=party,
        ref=ref,
        name=details["name"],
        email=details["email"],
        phone=details.get("phone"),
        locale=details["locale"],
    )
    if known is not None and known.email == contact.email:
        contact.bounces, contact.suppressed = known.bounces, known.suppressed
    if known == contact:
        return contact
    contact.recorded()
    ctx.save(contact)
    if known is None and party in (COORDINATOR, PLATFORM):
        _join_roster(ctx, party, ref)
    return contact


def _join_roster(ctx: Context, party: str, ref: str) -> None:
    id = roster_id(ctx.tenant, party)
    roster = ctx.get(Roster, id) or Roster(id=id, tenant=ctx.tenant)
    roster.join(party, ref)
    ctx.save(roster)


def _may_record(principal: Principal, party: str, ref: str) -> bool:
    if principal.is_staff or principal.role == "system":
        return True
    return principal.role == party and ref in (principal.party, principal.id)


def hear_bounce(ctx: Context, args: dict[str, Any]) -> dict[str, Any]:
    """NTF-07, NTF-08: told by the process that reads mail. The Message-ID says whose mail it was."""
    if ctx.principal.role != "system":
        raise Forbidden()
    hard, found = args["status"].startswith("5."), []
    for message_id in args["message_ids"]:
        notification = queries.sent_as(ctx, message_id)
        if notification is None:
            continue
        ctx.principal = system(notification.tenant, via="email")
        if notification.bounce(args["status"], hard):
            ctx.save(notification)
            found.append(notification.id)
            disclosure = ctx.get(Disclosure, notification.id)
            delivery.not_delivered(ctx, notification, disclosure.message_ids if disclosure else (), args["status"])
            contact = ctx.get(Contact, contact_id(ctx.tenant, notification.kind, notification.ref))
            if contact is not None:
                contact.bounced(hard)
                ctx.save(contact)
    return {"bounced": found}


# sending


def send_mail(ports: Ports, payload: dict[str, Any], key: str) -> dict[str, Any]:
    """Write the mail and hand it over, outside any transaction. A repeat after a crash carries the same Message-ID."""
    letter = ports.letters.write(payload["tenant"], key)
    if isinstance(letter, NoLetter):
        return {"result": "later" if letter.later else "withheld", "error": letter.reason}
    try:
        reference = ports.transport.send(letter.mail, letter.sender, letter.address)
    except TransientFailure as failure:
        return {"result": "later", "error": str(failure), "told": list(letter.told)}
    except PermanentFailure as failure:
        return {"result": "refused", "error": str(failure), "told": list(letter.told)}
    return {"result": "sent", "to": masked(letter.address), "reference": reference, "told": list(letter.told)}


def settle_mail(ctx: Context, job: JobRun, outcome: dict[str, Any]) -> timedelta | None:
    """NTF-03 to NTF-06. Answers when to try again, or None when this notification is done with."""
    notification = ctx.get(Notification, job.key)
    if notification is None or notification.state != "queued":
        return None  # another worker, whose lease ran out, was told the outcome first
    delay = None
    if outcome["result"] == "sent":
        notification.sent(outcome["to"], outcome["reference"], ctx.now)
        if outcome["told"]:
            disclosure = Disclosure(id=notification.id, tenant=ctx.tenant, message_ids=outcome["told"])
            disclosure.made(notification.kind, notification.ref, notification.channel, outcome["reference"])
            ctx.save(disclosure)
    elif outcome.get("error") == policies.NO_REPLY_ADDRESS:
        return policies.ADDRESS_DELAY  # no failed try: nothing was tried
    elif outcome["result"] == "later":
        delay = notification.put_off(outcome["error"])
        if delay is None:
            delivery.not_delivered(ctx, notification, outcome.get("told", ()), outcome["error"])
    elif outcome["result"] == "refused":
        notification.fail(outcome["error"])
        delivery.not_delivered(ctx, notification, outcome.get("told", ()), outcome["error"])
    else:
        notification.suppress(outcome["error"])
    ctx.save(notification)
    return delay


def _notification(payload: dict[str, Any]) -> list[tuple[type, str]]:
    return [(Notification, payload["key"])]


CONTENTS = Contents(
    commands=(
        Command(contract.CONTACT_RECORD, record_contact),
        Command(contract.NOTIFICATION_BOUNCE, hear_bounce),
        Command(contract.NOTIFICATION_RESEND, delivery.resend),
    ),
    queries=(
        Query(contract.NOTIFICATION_LIST, queries.list_notifications),
        Query(OF_NOTIFICATIONS, timeline),
    ),
    reactions={
        "contact.recorded": keep_contact_when_recorded,
        "observer.invited": keep_contact_when_observer_invited,
        **REACTIONS,
        **reply_addresses.REACTIONS,
    },
    jobs={MAIL: Job(send_mail, settle_mail, loads=_notification)},
)
