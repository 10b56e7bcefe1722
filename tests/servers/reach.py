"""Where the servers are and whether they answer."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

import psycopg2
import requests

TIMEOUT = (5, 60)  # seconds to connect and to answer: a broker shares the machine with all its clients


@dataclass(frozen=True)
class Broker:
    """A RabbitMQ and its administrator."""

    host: str
    amqp_port: int
    http_port: int
    user: str
    password: str

    @property
    def management(self) -> str:
        """Base URL of the management API."""
        return f"http://{self.host}:{self.http_port}"

    def amqp_uri(self, user: str | None = None, password: str | None = None, vhost: str = "/") -> str:
        """URI of a user, the administrator if none is given."""
        user, password = user or self.user, self.password if user is None else password or ""
        return f"amqp://{quote(user)}:{quote(password, safe='')}@{self.host}:{self.amqp_port}/{quote(vhost, safe='')}"


@dataclass(frozen=True)
class Database:
    """A PostgreSQL and its superuser."""

    host: str
    port: int
    user: str
    password: str
    name: str = "postgres"

    def url(self, name: str | None = None) -> str:
        """URL of the database `name` as superuser."""
        account = f"{quote(self.user)}:{quote(self.password, safe='')}"
        return f"postgresql://{account}@{self.host}:{self.port}/{name or self.name}"


def broker_api(broker: Broker, method: str, path: str, body: dict | None = None) -> requests.Response:
    """One call of the management API as administrator."""
    account = (broker.user, broker.password)
    return requests.request(method, f"{broker.management}/api/{path}", json=body, auth=account, timeout=TIMEOUT)


def broker_answers(broker: Broker) -> bool:
    """Whether management answers and, behind it, the AMQP listener and the default virtual host are there."""
    overview = broker_api(broker, "GET", "overview")
    ready = overview.ok and any(each["protocol"] == "amqp" for each in overview.json()["listeners"])
    return ready and "running" in broker_api(broker, "GET", "vhosts/%2F").json()["cluster_state"].values()


def database_answers(database: Database) -> bool:
    """Whether a query is answered."""
    return bool(query(database, "select 1"))


def query(database: Database, statement: str) -> list[tuple]:
    """Run one statement outside a transaction, as CREATE DATABASE asks for."""
    connection = psycopg2.connect(database.url(), connect_timeout=TIMEOUT[0])
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()


def versions(broker: Broker, database: Database) -> str:
    """What runs there, for people."""
    overview = broker_api(broker, "GET", "overview").json()
    rabbit = f"RabbitMQ {overview['rabbitmq_version']} (Erlang {overview['erlang_version']})"
    return f"{rabbit}, PostgreSQL {query(database, 'show server_version')[0][0].split()[0]}"
