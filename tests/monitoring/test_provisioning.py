"""What Grafana, the sidecar and the operator read: files written by hand, so every field that matters is checked."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

import monitoring
from monitoring import dashboards

FOLDER = Path(monitoring.__file__).parent
PROVISIONING = FOLDER / "grafana" / "provisioning"
DASHBOARDS = ("service", "model", "infrastructure")
KUBECTL = shutil.which("kubectl")
LARGEST_ANNOTATION = 262_144


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def kustomization() -> Any:
    return load(FOLDER / "kustomization.yaml")


@pytest.fixture(scope="module")
def pod_monitor() -> Any:
    return load(FOLDER / "kubernetes" / "pod-monitor.yaml")


def test_the_data_source_is_one_that_grafana_understands() -> None:
    content = load(PROVISIONING / "datasources" / "prometheus.yaml")
    assert set(content) == {"apiVersion", "datasources"}
    assert content["apiVersion"] == 1
    (source,) = content["datasources"]
    assert (source["type"], source["uid"], source["access"]) == ("prometheus", "prometheus", "proxy")
    assert source["url"] == "http://prometheus:9090"
    assert source["isDefault"] is True
    assert all(re.fullmatch(r"[a-zA-Z]+", key) for key in source), "keys run together"
    assert source["jsonData"]["timeInterval"] == "15s"


def test_dashboards_are_provided_from_files_and_kept_from_being_changed() -> None:
    content = load(PROVISIONING / "dashboards" / "concord.yaml")
    assert content["apiVersion"] == 1
    (provider,) = content["providers"]
    assert provider["type"] == "file"
    assert provider["allowUiUpdates"] is False
    assert provider["options"]["path"] == "/var/lib/grafana/dashboards"


def test_dashboards_are_not_among_what_provisions_them() -> None:
    assert not list(PROVISIONING.rglob("*.json"))


@pytest.mark.parametrize("path", sorted(FOLDER.rglob("*.yaml")), ids=lambda path: str(path.relative_to(FOLDER)))
def test_no_password_is_in_a_file(path: Path) -> None:
    text = path.read_text(encoding="utf-8").lower()
    assert not re.search(r"password|passwd|secret|basicauth|token", text)
    assert yaml.safe_load(text) is not None


def test_every_dashboard_is_a_config_map_for_the_sidecar(kustomization: Any) -> None:
    assert kustomization["generatorOptions"]["disableNameSuffixHash"] is True
    assert kustomization["generatorOptions"]["labels"] == {"grafana_dashboard": "1"}
    files = [file for item in kustomization["configMapGenerator"] for file in item["files"]]
    assert files == [f"{name}.json=grafana/dashboards/{name}.json" for name in DASHBOARDS]
    assert all((FOLDER / file.split("=")[1]).is_file() for file in files)


def test_a_dashboard_fits_into_what_apply_remembers() -> None:
    for name, text in dashboards.files().items():
        assert len(json.dumps(text)) < LARGEST_ANNOTATION, name


def test_everything_that_the_kustomization_names_is_there(kustomization: Any) -> None:
    assert set(kustomization["resources"]) == {"kubernetes/prometheus-rule.yaml", "kubernetes/pod-monitor.yaml"}
    assert kustomization["labels"][0]["pairs"]["release"]
    assert not kustomization["labels"][0].get("includeSelectors", False)


def test_the_pod_monitor_finds_predictors_of_ours_and_nothing_else(pod_monitor: Any) -> None:
    assert (pod_monitor["apiVersion"], pod_monitor["kind"]) == ("monitoring.coreos.com/v1", "PodMonitor")
    spec = pod_monitor["spec"]
    assert spec["namespaceSelector"] == {"any": True}
    assert spec["selector"]["matchLabels"] == {"app.kubernetes.io/part-of": "concord"}
    (endpoint,) = spec["podMetricsEndpoints"]
    assert endpoint["path"] == "/metrics"
    port, job = endpoint["relabelings"]
    assert (port["sourceLabels"], port["regex"], port["action"]) == (
        ["__meta_kubernetes_pod_container_port_number"],
        "8080",
        "keep",
    )
    assert (job["targetLabel"], job["replacement"]) == ("job", "predictor")
    assert not {"namespace", "pod", "instance"} & {rule.get("targetLabel") for rule in endpoint["relabelings"]}


@pytest.mark.skipif(KUBECTL is None, reason="kubectl isn't installed")
def test_the_kustomization_builds() -> None:
    command = [str(KUBECTL), "kustomize", str(FOLDER)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    built = {(item["kind"], item["metadata"]["name"]): item for item in yaml.safe_load_all(done.stdout)}
    assert {kind for kind, _ in built} == {"ConfigMap", "PodMonitor", "PrometheusRule"}
    assert {item["metadata"]["labels"]["release"] for item in built.values()} == {"kube-prometheus-stack"}
    for name in DASHBOARDS:
        config_map = built["ConfigMap", f"concord-dashboard-{name}"]
        assert config_map["metadata"]["labels"]["grafana_dashboard"] == "1"
        assert config_map["data"] == {f"{name}.json": dashboards.files()[f"grafana/dashboards/{name}.json"]}
    selector = built["PodMonitor", "concord-predictor"]["spec"]["selector"]["matchLabels"]
    assert selector == {"app.kubernetes.io/part-of": "concord"}
