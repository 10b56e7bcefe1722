"""The Kubernetes manifests render, are valid in strict mode, and grant their pods as little as they can."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from shared.edge import topology_plan

ROOT = Path(__file__).resolve().parents[2]
OVERLAYS = ("base", "overlays/dev")
SERVICES = {"order", "claim", "messaging", "refund", "notification", "gateway"}
KUBERNETES = "1.32"  # the oldest release that still gets fixes
REMEDY = "kubectl is not installed (Debian 13: apt-get install kubectl)"

pytestmark = [
    pytest.mark.capability("U-07"),
    pytest.mark.skipif(not shutil.which("kubectl") and not os.environ.get("CI"), reason=REMEDY),
    pytest.mark.parametrize("overlay", OVERLAYS),
]


@cache
def rendered(overlay: str) -> list[dict[str, Any]]:
    assert shutil.which("kubectl"), REMEDY
    command = ["kubectl", "kustomize", str(ROOT / "k8s" / overlay)]
    return list(yaml.safe_load_all(subprocess.run(command, capture_output=True, text=True, check=True).stdout))


def of_kind(overlay: str, *kinds: str) -> dict[str, dict[str, Any]]:
    return {each["metadata"]["name"]: each for each in rendered(overlay) if each["kind"] in kinds}


def pods(overlay: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, workload in of_kind(overlay, "Deployment", "StatefulSet", "Job").items():
        yield name, workload["spec"]["template"]


def containers(overlay: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, pod in pods(overlay):
        assert not pod["spec"].get("initContainers"), "look at them here too"
        for container in pod["spec"]["containers"]:
            yield name, container


def test_every_manifest_is_valid_in_strict_mode(overlay: str) -> None:
    for manifest in rendered(overlay):
        kubernetes_validate.validate(manifest, KUBERNETES, strict=True)


def test_the_six_services_are_there_and_the_simulator_only_in_development(overlay: str) -> None:
    wanted = SERVICES | {"mail-in"} | ({"simulator"} if overlay == "overlays/dev" else set())
    assert set(of_kind(overlay, "Deployment")) == wanted
    assert set(of_kind(overlay, "PodDisruptionBudget")) == SERVICES
    jobs = {"topology", *(f"migrate-{service}" for service in topology_plan.load().services)}
    assert set(of_kind(overlay, "Job")) == jobs | ({"webhook"} if overlay == "overlays/dev" else set())
    text = yaml.safe_dump_all(rendered(overlay))
    assert ("simulator" in text) == ("development" in text) == (overlay == "overlays/dev")


@pytest.mark.capability("T13")
def test_a_pod_gets_its_own_secrets_only(overlay: str) -> None:
    for name, container in containers(overlay):
        whole = {_plain(each["secretRef"]["name"]) for each in container.get("envFrom", []) if "secretRef" in each}
        keys = {
            (_plain(each["valueFrom"]["secretKeyRef"]["name"]), each["valueFrom"]["secretKeyRef"]["key"])
            for each in container.get("env", [])
            if "valueFrom" in each
        }
        services = {f"aftersale-{service}" for service in topology_plan.load().services}
        if name in SERVICES:
            assert whole == {f"aftersale-{name}"}
            assert keys == ({(secret, "CALL_SECRET") for secret in services} if name == "gateway" else set())
        if name == "mail-in":
            assert (whole, keys) == (set(), {(f"aftersale-{s}", "CALL_SECRET") for s in ("messaging", "notification")})
        if name.startswith("migrate-"):
            assert not whole
            assert keys == {(f"aftersale-{name.removeprefix('migrate-')}", "DATABASE_URL")}


def _plain(name: str) -> str:
    """A generated secret's name without the hash that kustomize adds."""
    return "-".join(name.split("-")[:2])


def test_every_pod_meets_the_restricted_profile(overlay: str) -> None:
    for name, pod in pods(overlay):
        spec = pod["spec"]
        assert spec["securityContext"]["runAsNonRoot"] is True, name
        assert spec["securityContext"]["runAsUser"] > 0, name
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert spec["automountServiceAccountToken"] is False, name
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys(), name
        allowed = {"name", "emptyDir", "configMap", "secret", "persistentVolumeClaim"}
        assert all(volume.keys() <= allowed for volume in spec.get("volumes", [])), name
    for name, container in containers(overlay):
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False, name
        assert context["capabilities"] == {"drop": ["ALL"]}, name
        assert context.get("readOnlyRootFilesystem") is True or name == "rabbitmq", name
    namespace = of_kind(overlay, "Namespace")["aftersale"]
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_every_container_has_limits_and_every_server_has_probes(overlay: str) -> None:
    jobs = of_kind(overlay, "Job")
    for name, container in containers(overlay):
        assert container["resources"]["limits"]["memory"], name
        assert container["resources"]["requests"].keys() == {"cpu", "memory"}, name
        if name not in jobs:
            assert {"startupProbe", "livenessProbe", "readinessProbe"} <= container.keys(), name
        if name in SERVICES:
            assert container["livenessProbe"]["httpGet"]["path"] == "/livez"
            assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"


def test_everything_is_denied_but_what_a_policy_allows(overlay: str) -> None:
    policies = of_kind(overlay, "NetworkPolicy")
    assert policies["deny-all"]["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    to_services = [
        source["podSelector"]["matchLabels"]["app.kubernetes.io/name"]
        for rule in policies["services"]["spec"]["ingress"]
        for source in rule["from"]
    ]
    assert to_services == ["gateway"]
    open_to_all = [
        name for name, policy in policies.items() for rule in policy["spec"].get("ingress", []) if not rule.get("from")
    ]
    assert open_to_all == ["gateway", "mail-in"]


def test_a_policy_or_a_service_selects_pods_that_exist(overlay: str) -> None:
    names = {pod["metadata"]["labels"]["app.kubernetes.io/name"] for _, pod in pods(overlay)}
    for service in of_kind(overlay, "Service").values():
        assert service["spec"]["selector"]["app.kubernetes.io/name"] in names
    for policy in of_kind(overlay, "NetworkPolicy").values():
        selector = policy["spec"]["podSelector"]
        wanted = {selector.get("matchLabels", {}).get("app.kubernetes.io/name")} - {None}
        wanted |= {value for rule in selector.get("matchExpressions", []) for value in rule["values"]}
        assert wanted <= names, policy["metadata"]["name"]


def test_a_secret_or_setting_that_is_generated_is_also_used(overlay: str) -> None:
    text = yaml.safe_dump_all([each for each in rendered(overlay) if each["kind"] not in ("Secret", "ConfigMap")])
    for name in of_kind(overlay, "Secret", "ConfigMap"):
        assert name in text


def test_the_copied_scripts_are_those_of_the_compose_stack(overlay: str) -> None:
    folder = ROOT / "k8s" / overlay
    for copy in (*folder.glob("*.sh"), *folder.glob("*.py")):
        assert copy.read_bytes() == (ROOT / "deploy" / copy.name).read_bytes()


@pytest.mark.capability("T29")
def test_all_who_handle_files_share_one_volume(overlay: str) -> None:
    settings = of_kind(overlay, "ConfigMap")["aftersale"]["data"]
    folder = settings["ATTACHMENTS"]
    places = {}
    for name, pod in pods(overlay):
        claims = {
            volume["name"]: volume["persistentVolumeClaim"]["claimName"]
            for volume in pod["spec"].get("volumes", [])
            if "persistentVolumeClaim" in volume
        }
        [container] = pod["spec"]["containers"]
        for mount in container.get("volumeMounts", []):
            if mount["mountPath"] == folder:
                places[name] = claims[mount["name"]]
    assert places == dict.fromkeys(("gateway", "messaging", "mail-in"), "attachments")
    modes = of_kind(overlay, "PersistentVolumeClaim")["attachments"]["spec"]["accessModes"]
    assert modes == (["ReadWriteOnce"] if overlay == "overlays/dev" else ["ReadWriteMany"])


@pytest.mark.capability("N12")
def test_the_gateway_is_given_what_it_signs_case_files_with(overlay: str) -> None:
    if overlay == "overlays/dev":
        [secret] = [s for n, s in of_kind(overlay, "Secret").items() if _plain(n) == "aftersale-gateway"]
        assert base64.b64decode(secret["data"]["CASE_FILE_KEY"]).decode().isalnum()
    assert "`CASE_FILE_KEY`" in (ROOT / "k8s" / "README.md").read_text(encoding="utf-8")
