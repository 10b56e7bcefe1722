"""Every way in which a broker can differ from `topology.yaml`, and how each is mended."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, NamedTuple

from shared.edge import topology_plan
from shared.edge.management import Management, ManagementError
from shared.edge.topology_plan import Binding, Plan

PRIORITY = 100  # of our policies; a catch-all policy of the operations team usually has 0
ADMIN_RIGHTS = {"configure": ".*", "write": ".*", "read": ".*"}


class TopologyError(Exception):
    """The broker differs from the topology in a way that cannot be mended without losing messages or foreign work."""


class Difference(NamedTuple):
    """One thing on the broker that is not as the topology says."""

    what: str
    done: str  # what `mend` does, in the past tense
    mend: Callable[[], None] | None  # None: only a person can decide


def differences(api: Management, plan: Plan, passwords: Mapping[str, str]) -> Iterator[Difference]:
    """All differences, in an order in which they can be mended one by one while iterating."""
    yield from _vhost(api)
    yield from _exchanges(api, plan)
    yield from _queues(api, plan)
    yield from _policies(api, plan)
    yield from _bindings(api, plan)
    yield from _users(api, plan, passwords)
    yield from _rights(api, plan)
    yield from _topic_rights(api, plan)


def _vhost(api: Management) -> Iterator[Difference]:
    if api.get("vhosts", api.vhost) is not None:
        return

    def create() -> None:
        api.put("vhosts", api.vhost, body={})
        api.put("permissions", api.vhost, api.user, body=ADMIN_RIGHTS)

    yield Difference(f"virtual host {api.vhost} is missing", f"created virtual host {api.vhost}", create)


def _exchanges(api: Management, plan: Plan) -> Iterator[Difference]:
    for name in plan.exchanges:
        found = api.get("exchanges", api.vhost, name)
        if found is None:
            body = {"type": "topic", "durable": True}
            yield Difference(
                f"exchange {name} is missing",
                f"declared exchange {name}",
                partial(api.put, "exchanges", api.vhost, name, body=body),
            )
        elif found["type"] != "topic" or not found["durable"]:
            kind = f"{'durable' if found['durable'] else 'transient'} {found['type']}"
            yield Difference(f"exchange {name} is {kind} instead of durable topic: delete it and apply again", "", None)


def _queues(api: Management, plan: Plan) -> Iterator[Difference]:
    for name in plan.queues:
        found = api.get("queues", api.vhost, name)
        if found is None:
            yield Difference(f"queue {name} is missing", f"declared queue {name}", partial(_declare, api, name))
        elif _type_of(found) != "quorum":
            what = f"queue {name} is {_type_of(found)} instead of quorum"
            yield Difference(what, f"replaced queue {name}", partial(_replace, api, name, what))


def _declare(api: Management, queue: str) -> None:
    body = {"durable": True, "auto_delete": False, "arguments": {"x-queue-type": "quorum"}}
    api.put("queues", api.vhost, queue, body=body)


def _replace(api: Management, queue: str, what: str) -> None:
    try:  # the broker itself makes sure that nothing is in it and nobody reads it
        api.delete("queues", api.vhost, queue, if_empty="true", if_unused="true")
    except ManagementError as error:
        raise TopologyError(f"{what} and not empty or in use: drain it, stop its reader, apply again") from error
    _declare(api, queue)


def _type_of(queue: Mapping[str, Any]) -> str:
    return queue.get("type") or queue.get("arguments", {}).get("x-queue-type", "classic")


def _policies(api: Management, plan: Plan) -> Iterator[Difference]:
    found = {policy["name"]: policy for policy in api.get("policies", api.vhost) or []}
    for queue, definition in plan.policies_for(api.version()).items():
        wanted = {
            "pattern": topology_plan.exactly([queue]),
            "apply-to": "queues",
            "priority": PRIORITY,
            "definition": definition,
        }
        ours = found.get(queue)
        if ours is None or {key: ours.get(key) for key in wanted} != wanted:
            yield Difference(
                f"policy {queue} is {'missing' if ours is None else 'not as written'}",
                f"set policy {queue}",
                partial(api.put, "policies", api.vhost, queue, body=wanted),
            )
        for other in found.values():
            if other["name"] != queue and other["priority"] >= PRIORITY and re.search(other["pattern"], queue):
                yield Difference(f"policy {other['name']} applies to queue {queue} instead of ours: lower it", "", None)


def _bindings(api: Management, plan: Plan) -> Iterator[Difference]:
    found = {}
    for row in api.get("bindings", api.vhost) or []:
        # Whoever else listens to the public exchanges is welcome; our queues and the private exchanges are closed.
        if row["source"] and (row["destination"] in plan.queues or row["source"] in plan.private):
            found[Binding(row["source"], row["destination"], row["routing_key"])] = row
    for binding in sorted(plan.bindings - found.keys()):
        yield Difference(f"binding {binding} is missing", f"bound {binding}", partial(_bind, api, binding))
    for binding in sorted(found.keys() - plan.bindings):
        row = found[binding]
        yield Difference(f"binding {binding} must not be", f"unbound {binding}", partial(_unbind, api, row))


def _bind(api: Management, binding: Binding) -> None:
    path = ("bindings", api.vhost, "e", binding.exchange, "q", binding.queue)
    api.post(*path, body={"routing_key": binding.key})


def _unbind(api: Management, row: Mapping[str, str]) -> None:
    kind = row["destination_type"][0]  # e or q
    api.delete("bindings", api.vhost, "e", row["source"], kind, row["destination"], row["properties_key"])


def _users(api: Management, plan: Plan, passwords: Mapping[str, str]) -> Iterator[Difference]:
    for user in plan.users:
        found, password = api.get("users", user), passwords.get(user)
        if found is None:
            what = f"user {user} is missing"
        elif _tags_of(found):
            what = f"user {user} has the tags {', '.join(_tags_of(found))}"
        elif password and not _is_password(password, found["password_hash"]):
            what = f"user {user} has another password"
        else:
            continue
        body = {"password": password, "tags": ""}
        yield Difference(what, f"set user {user}", partial(_set_user, api, user, body))


def _set_user(api: Management, user: str, body: Mapping[str, str | None]) -> None:
    """RabbitMQ refuses one of two who make the same user at the same moment; then it is there, and is set."""
    try:
        api.put("users", user, body=body)
    except ManagementError as refused:
        if "user_already_exists" not in str(refused):
            raise
        api.put("users", user, body=body)


def _tags_of(user: Mapping[str, Any]) -> list[str]:
    tags = user["tags"]
    return tags if isinstance(tags, list) else [tag for tag in tags.split(",") if tag]


def _is_password(password: str, stored: str) -> bool:
    """RabbitMQ stores four bytes of salt, then SHA-256 over salt and password."""
    raw = base64.b64decode(stored or "")
    return raw[4:] == hashlib.sha256(raw[:4] + password.encode()).digest()


def _rights(api: Management, plan: Plan) -> Iterator[Difference]:
    for user, rights in plan.rights.items():
        wanted, found = rights._asdict(), api.get("permissions", api.vhost, user)
        if found is None or {key: found[key] for key in wanted} != wanted:
            yield Difference(
                f"permissions of {user} are {'missing' if found is None else 'not as written'}",
                f"set permissions of {user}",
                partial(api.put, "permissions", api.vhost, user, body=wanted),
            )


def _topic_rights(api: Management, plan: Plan) -> Iterator[Difference]:
    found = {
        (row["user"], row["exchange"]): row for row in api.get("topic-permissions") or [] if row["vhost"] == api.vhost
    }
    for (user, exchange), rights in plan.topic_rights.items():
        wanted, row = rights._asdict(), found.get((user, exchange))
        if row is None or {key: row[key] for key in wanted} != wanted:
            body = {"exchange": exchange, **wanted}
            yield Difference(
                f"topic permissions of {user} on {exchange} are {'missing' if row is None else 'not as written'}",
                f"set topic permissions of {user} on {exchange}",
                partial(api.put, "topic-permissions", api.vhost, user, body=body),
            )
