"""The Docker stack itself: what runs in it, who may do what, what is left of it (`make test-compose`)."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.stack import ALL, WITH_DATA

ROOT = Path(__file__).resolve().parents[2]
PROJECT = os.environ.get("COMPOSE_PROJECT")  # of the stack that SUITE_URL names
BESIDE = ("rabbitmq", "postgres", "simulator", "mail-in")
ONCE = ("topology", "migrate", "webhook")

pytestmark = [
    pytest.mark.compose,
    pytest.mark.skipif(PROJECT is None, reason="COMPOSE_PROJECT names no Docker stack"),
    pytest.mark.capability("U-03"),
]


def docker(*arguments: str) -> str:
    done = subprocess.run(["docker", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def inside(service: str, *command: str) -> str:
    return docker("compose", "-p", PROJECT, "exec", "-T", service, *command)


def test_broker_databases_and_six_services_are_healthy_and_what_runs_once_has_ended_well():
    listed = docker("compose", "-p", PROJECT, "ps", "--all", "--format", "json").splitlines()
    found = {each["Service"]: each for each in map(json.loads, listed)}
    for service in (*ALL, *BESIDE):
        assert (found[service]["State"], found[service]["Health"]) == ("running", "healthy"), service
    for job in ONCE:
        assert (found[job]["State"], found[job]["ExitCode"]) == ("exited", 0), job


@pytest.mark.parametrize("service", WITH_DATA)
def test_each_service_has_a_broker_user_that_reads_its_inbox_alone_and_declares_nothing(service):
    asked = ("rabbitmqctl", "-q", "list_user_permissions", service, "--formatter", "json")
    (right,) = json.loads(inside("rabbitmq", *asked))
    assert (right["configure"], right["read"]) == ("", rf"^({service}\.inbox)$")
    assert all(f"{other}\\." not in right["write"] for other in set(WITH_DATA) - {service})


@pytest.mark.parametrize("service", WITH_DATA)
def test_each_service_owns_its_database_and_enters_no_other(service):
    enters = f"has_database_privilege('{service}', datname, 'connect')"
    question = f"select datname, pg_get_userbyid(datdba), {enters} from pg_database"
    rows = inside("postgres", "psql", "-U", "postgres", "-Atc", question).splitlines()
    found = {name: (owner, enters == "t") for name, owner, enters in (row.split("|") for row in rows)}
    assert {name for name in WITH_DATA if found[name][1]} == {service}
    assert found[service][0] == service


def test_a_stack_that_is_taken_down_with_its_volumes_leaves_nothing():
    project = f"{PROJECT}-gone"
    compose = ("compose", "-p", project, "-f", "docker-compose.yml")
    docker(*compose, "up", "--detach", "--wait", "postgres")
    kinds = (("container", "--all"), ("volume",), ("network",))
    label = ("--quiet", "--filter", f"label=com.docker.compose.project={project}")
    assert all(docker(kind, "ls", *more, *label) for kind, *more in kinds)
    docker(*compose, "down", "--volumes", "--timeout", "5")
    assert [docker(kind, "ls", *more, *label) for kind, *more in kinds] == ["", "", ""]
