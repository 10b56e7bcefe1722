"""A virtual host with the suite's whole topology on it, for one test module."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from shared.edge import topology, topology_plan
from tests.servers import Servers


@dataclass(frozen=True)
class SuiteBroker:
    """One virtual host, its users and how to reach it as each."""

    servers: Servers
    vhost: str
    passwords: dict[str, str]

    @property
    def management(self) -> tuple[str, str, str, str]:
        """The first four arguments of `topology.apply` and `topology.check`."""
        return (self.servers.management, *self.servers.admin, self.vhost)

    def uri(self, user: str) -> str:
        """AMQP URI of one broker user, for example `order`."""
        return self.servers.amqp_uri(user, self.passwords[user], self.vhost)

    @property
    def admin_uri(self) -> str:
        """AMQP URI of the administrator, for what no user of the suite may do."""
        return self.servers.amqp_uri(vhost=self.vhost)


def suite_broker(servers: Servers, name: str, plan: topology_plan.Plan | None = None) -> SuiteBroker:
    """Make a virtual host `name` with the topology applied, the suite's if no other is given."""
    plan = plan or topology_plan.load()
    broker = SuiteBroker(servers, servers.vhost(name), passwords_of(servers, plan))
    topology.apply(*broker.management, broker.passwords, plan)
    return broker


def passwords_of(servers: Servers, plan: topology_plan.Plan | None = None) -> dict[str, str]:
    """Passwords of the broker users; users belong to the whole broker, so every worker has to arrive at the same."""
    secret, users = servers.admin[1], (plan or topology_plan.load()).users
    return {user: hashlib.sha256(f"{secret}:{user}".encode()).hexdigest()[:24] for user in users}
