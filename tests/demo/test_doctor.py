"""`aftersale doctor` names what would stop a start, and what to do about it."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from services.commands.doctor import examine
from shared.ops.settings import Settings
from shared.storage.migrate import migrate


def remedies(settings: Settings) -> dict[str, str]:
    return {finding.what: finding.remedy for finding in examine(settings) if finding.remedy}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return Settings(data_dir=tmp_path, port=probe.getsockname()[1])


def test_nothing_is_to_do_on_a_machine_that_can_run_the_demo(settings):
    assert remedies(settings) == {}


def test_a_taken_port_is_named_with_another_one(tmp_path):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        found = remedies(Settings(data_dir=tmp_path, port=port))
    assert list(found) == [f"port {port} on 127.0.0.1 cannot be used: Address already in use"]
    assert f"PORT={port + 1}" in found.popitem()[1]


def test_a_database_without_its_schema_is_named_with_the_command(settings, tmp_path):
    settings = Settings(port=settings.port, database=f"sqlite:///{tmp_path}/{{service}}.db")
    for service in ("order", "claim", "messaging", "refund"):
        migrate(service, settings.database_url(service))
    assert remedies(settings) == {"the notification database is empty": "run `aftersale migrate notification`"}


def test_a_broker_that_is_away_is_named_without_its_password(settings):
    found = remedies(Settings(data_dir=settings.data_dir, port=settings.port, amqp_uri="amqp://order:s3cret@127.0.0.1:1/"))
    assert len(found) == 1
    assert "broker 127.0.0.1 as order" in next(iter(found))
    assert "s3cret" not in repr(found)
