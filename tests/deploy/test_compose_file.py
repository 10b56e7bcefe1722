"""The compose file keeps what belongs apart apart, and shows the world the gateway alone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from shared.edge import topology_plan
from shared.ops.settings import Settings, SettingsRefused

ROOT = Path(__file__).resolve().parents[2]
SERVICES = topology_plan.load().services
WITH_FILES = {"gateway", "messaging", "mail-in"}
THEIR_OWN = {"rabbitmq", "postgres"}  # images of others


@pytest.fixture(scope="module")
def stack() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))


def default(value: str) -> str:
    """The value that holds where the environment sets nothing."""
    return re.sub(r"\$\{[A-Z_]+:-([^}]*)}", r"\1", value)


def test_each_service_has_a_database_and_a_broker_user_of_its_own(stack: dict[str, Any]) -> None:
    for service in SERVICES:
        environment = stack["services"][service]["environment"]
        database, broker = (urlsplit(default(environment[name])) for name in ("DATABASE_URL", "AMQP_URI"))
        assert (database.username, database.path) == (service, f"/{service}")
        assert broker.username == service
    gateway = stack["services"]["gateway"]["environment"]
    assert not {"DATABASE_URL", "AMQP_URI"} & gateway.keys()


def test_a_call_secret_is_known_to_its_service_and_the_gateway_alone(stack: dict[str, Any]) -> None:
    gateway = stack["services"]["gateway"]["environment"]
    secrets = {service: stack["services"][service]["environment"]["CALL_SECRET"] for service in SERVICES}
    assert len(set(secrets.values())) == len(SERVICES)
    assert {service: gateway[f"{service.upper()}_CALL_SECRET"] for service in SERVICES} == secrets


def test_passwords_agree_on_both_sides(stack: dict[str, Any]) -> None:
    postgres, topology = (stack["services"][name]["environment"] for name in ("postgres", "topology"))
    for service in SERVICES:
        environment = stack["services"][service]["environment"]
        assert f":{postgres[f'DATABASE_PASSWORD_{service.upper()}']}@" in environment["DATABASE_URL"]
        assert f":{topology[f'BROKER_PASSWORD_{service.upper()}']}@" in environment["AMQP_URI"]
        migrate = stack["services"]["migrate"]["environment"]
        assert migrate[service] == environment["DATABASE_URL"]


def test_containers_have_no_capabilities_no_writable_root_and_a_memory_limit(stack: dict[str, Any]) -> None:
    for name, service in stack["services"].items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["mem_limit"], name
        if name not in THEIR_OWN:
            assert service["read_only"] is True, name
            assert "cap_add" not in service, name


@pytest.mark.capability("T17")
def test_only_the_gateway_and_the_mails_ways_are_published_and_on_this_machine_alone(stack: dict[str, Any]) -> None:
    published = {name: service["ports"] for name, service in stack["services"].items() if "ports" in service}
    assert published.keys() == {"gateway", "simulator", "mail-in"}
    ports = {default(port) for each in published.values() for port in each}
    # the simulated provider's page is where payers of the example stack pay
    providers_page = "127.0.0.1:8010:8010"
    assert ports == {"127.0.0.1:8000:8000", "127.0.0.1:8025:8025", "127.0.0.1:2525:2525", providers_page}
    assert stack["networks"]["inside"]["internal"] is True
    outside = {name for name, service in stack["services"].items() if "outside" in service["networks"]}
    assert outside == published.keys()


def test_every_service_waits_for_topology_and_tables_and_says_when_it_is_ready(stack: dict[str, Any]) -> None:
    for service in SERVICES:
        waits = stack["services"][service]["depends_on"]
        for job in ("topology", "migrate"):
            assert waits[job] == {"condition": "service_completed_successfully"}
        assert "/readyz" in " ".join(stack["services"][service]["healthcheck"]["test"])


@pytest.mark.capability("T29")
def test_all_who_handle_files_have_the_same_place_for_them_on_one_volume(stack: dict[str, Any]) -> None:
    places = {
        name: default(service["environment"]["ATTACHMENTS"])
        for name, service in stack["services"].items()
        if "ATTACHMENTS" in service.get("environment", {})
    }
    assert places == dict.fromkeys(WITH_FILES, "/attachments")
    mounted = {
        name
        for name, service in stack["services"].items()
        if any(str(volume).startswith("attachments:") for volume in service.get("volumes", []))
    }
    assert mounted == WITH_FILES
    assert "attachments" in stack["volumes"]
    image = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert re.search(r"install --directory --owner=10001 --group=10001 [^\n]*/attachments", image), "a volume's owner"
    assert re.search(r"^boto3==", (ROOT / "requirements.lock").read_text(encoding="utf-8"), re.M), "or S3"


@pytest.mark.capability("N12")
def test_case_files_are_signed_and_production_refuses_the_public_key(stack: dict[str, Any]) -> None:
    key = default(stack["services"]["gateway"]["environment"]["CASE_FILE_KEY"].split("#")[0].strip())
    assert Settings(case_file_key=key).case_file_key == key
    with pytest.raises(SettingsRefused, match="CASE_FILE_KEY"):
        Settings(mode="production", case_file_key=key)
    assert Settings(mode="production", case_file_key="5a" * 32).production
