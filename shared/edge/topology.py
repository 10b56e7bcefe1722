"""Bring the broker to what `topology.yaml` says, and name every difference from it.

`apply` and `check` walk the same differences over the management API; `apply` mends each before it looks for the next.
A service's own broker user sees no management API: topology_seen.py.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping
from contextlib import closing

from environs import FileAwareEnv

from shared.edge import topology_plan
from shared.edge.management import Management, ManagementError
from shared.edge.topology_differences import TopologyError, differences
from shared.edge.topology_plan import Plan

__all__ = ["ManagementError", "TopologyError", "apply", "check", "main"]


def apply(
    management_url: str,
    admin_user: str,
    admin_password: str,
    vhost: str,
    passwords: Mapping[str, str],
    plan: Plan | None = None,
) -> list[str]:
    """Mend every difference and say what was changed; nothing left to change answers an empty list.

    `passwords` maps every broker user of the topology to its password. Raises `TopologyError` for what only a person
    can decide, after everything else is mended, and `ManagementError` when the broker refuses or does not answer.
    """
    plan = plan or topology_plan.load()
    absent = [user for user in plan.users if not passwords.get(user)]
    if absent:
        raise TopologyError(f"no password given for the broker users {', '.join(absent)}")
    changed, stuck = [], []
    with closing(Management(management_url, admin_user, admin_password, vhost)) as api:
        for difference in differences(api, plan, passwords):
            if difference.mend is None:
                stuck.append(difference.what)
            else:
                difference.mend()
                changed.append(difference.done)
    if stuck:
        raise TopologyError("; ".join(stuck))
    return changed


def check(
    management_url: str,
    admin_user: str,
    admin_password: str,
    vhost: str,
    passwords: Mapping[str, str] | None = None,
    plan: Plan | None = None,
) -> list[str]:
    """Every difference between the broker and the topology, one sentence each; changes nothing.

    Without `passwords` the broker users must exist, with whatever password.
    """
    with closing(Management(management_url, admin_user, admin_password, vhost)) as api:
        return [difference.what for difference in differences(api, plan or topology_plan.load(), passwords or {})]


def main(argv: list[str]) -> int:
    """`aftersale topology apply|check`: 0 when the broker is as written, 1 when it differs, 2 when it cannot be told.

    Reads RABBIT_MANAGEMENT_URL, RABBIT_ADMIN_USER, RABBIT_ADMIN_PASSWORD, RABBIT_VHOST and one BROKER_PASSWORD_<USER>
    per broker user; each may be given as a file in <NAME>_FILE.
    """
    parser = argparse.ArgumentParser(prog="aftersale topology", description="What stands on the broker.")
    parser.add_argument("action", choices=["apply", "check"])
    parser.add_argument("--wait", type=float, default=0, metavar="SECONDS", help="for a broker that is still starting")
    options = parser.parse_args(argv)
    env, plan = FileAwareEnv(), topology_plan.load()
    broker = (
        env.str("RABBIT_MANAGEMENT_URL", "http://localhost:15672"),
        env.str("RABBIT_ADMIN_USER", "guest"),
        env.str("RABBIT_ADMIN_PASSWORD", "guest"),
        env.str("RABBIT_VHOST", "/"),
    )
    passwords = {user: env.str(f"BROKER_PASSWORD_{user.upper()}", "") for user in plan.users}
    try:
        _wait_for(broker, options.wait)
        lines = apply(*broker, passwords) if options.action == "apply" else check(*broker, passwords)
    except (ManagementError, TopologyError) as error:
        print(f"topology: {error}", file=sys.stderr)
        return 2
    for line in lines:
        print(f"topology: {line}")
    if options.action == "check" and lines:
        return 1
    print("topology: the broker is as written")
    return 0


def _wait_for(broker: tuple[str, str, str, str], seconds: float) -> None:
    """Return when the management API answers; its `ManagementError` after that many seconds."""
    deadline = time.monotonic() + seconds
    with closing(Management(*broker)) as api:
        while True:
            try:
                api.version()
                return
            except ManagementError:
                if time.monotonic() >= deadline:
                    raise
                time.sleep(0.5)
