"""The compose file: no password that everybody knows, nothing open to the network, nothing lost, nothing misspelt."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml

from predictor.settings import Settings

PROJECT = Path(__file__).parents[1]
TEXT = (PROJECT / "compose.yaml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
GRAFANA = PROJECT / "monitoring" / "grafana"
TARGETS = PROJECT / "monitoring" / "prometheus" / "targets"

every_service = pytest.mark.parametrize("name", SERVICES)


def default_of(text: str) -> str:
    """A value with its variables at their defaults."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text)


def mounts_of(name: str) -> dict[str, dict[str, Any]]:
    """A service's mounts by their place in the container: `source`, and whether it is `read_only`."""
    found = {}
    for volume in SERVICES[name].get("volumes", []):
        if isinstance(volume, dict):
            found[volume["target"]] = {**volume, "source": default_of(volume["source"])}
        else:
            source, target, *options = default_of(volume).split(":")
            found[target] = {"source": source, "read_only": "ro" in ",".join(options).split(",")}
    return found


def test_it_has_the_predictor_and_what_watches_it() -> None:
    assert set(SERVICES) == {"predictor", "prometheus", "alertmanager", "grafana", "node-exporter", "mlflow"}


def test_grafanas_password_is_asked_for_and_has_no_default() -> None:
    password = SERVICES["grafana"]["environment"]["GF_SECURITY_ADMIN_PASSWORD"]
    assert re.fullmatch(r"\$\{GRAFANA_ADMIN_PASSWORD:\?[^${}]+\}", password)
    assert "openssl rand" in password


@every_service
def test_no_secret_is_written_down(name: str) -> None:
    environment = SERVICES[name].get("environment", {})
    secrets = {key: value for key, value in environment.items() if re.search("PASSWORD|SECRET|TOKEN|_KEY", key)}
    assert all(re.fullmatch(r"\$\{\w+:\?[^}]+\}", value) for value in secrets.values())
    assert "env_file" not in SERVICES[name]
    assert not re.search(r"://[^/\s]*:[^/\s]*@", json.dumps(SERVICES[name]))


def test_nobody_gets_into_grafana_without_an_account() -> None:
    environment = SERVICES["grafana"]["environment"]
    assert environment["GF_AUTH_ANONYMOUS_ENABLED"] == "false"
    assert environment["GF_USERS_ALLOW_SIGN_UP"] == "false"


@every_service
def test_ports_are_open_to_this_machine_only(name: str) -> None:
    assert SERVICES[name].get("network_mode") != "host"
    for port in SERVICES[name].get("ports", []):
        assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", default_of(port))


def test_no_two_services_want_the_same_port() -> None:
    published = [default_of(port).split(":")[1] for service in SERVICES.values() for port in service.get("ports", [])]
    assert len(published) == len(set(published)) == 5


@every_service
def test_images_are_pinned(name: str) -> None:
    service = SERVICES[name]
    images = re.findall(r"^FROM (\S+)", service.get("build", {}).get("dockerfile_inline", ""), re.MULTILINE)
    if "build" not in service:
        images.append(service["image"])
    for image in images:
        assert re.fullmatch(r"[a-z.]+/[a-z/-]+:v?\d+\.\d+\.\d+", image)
    assert ":" in service["image"]
    assert ":latest" not in service["image"]


def test_grafana_is_the_version_that_the_dashboards_are_written_for() -> None:
    (version,) = re.findall(
        r"^grafana-foundation-sdk==\d+!(\d+\.\d+)", (PROJECT / "requirements" / "dev.in").read_text(), re.MULTILINE
    )
    assert SERVICES["grafana"]["image"].partition(":")[2].startswith(f"{version}.")


def test_the_mlflow_server_is_the_version_that_the_pipeline_talks_to() -> None:
    (version,) = re.findall(r"^mlflow==(\S+)", (PROJECT / "requirements" / "pipeline.txt").read_text(), re.MULTILINE)
    assert SERVICES["mlflow"]["image"] == f"concord-mlflow:{version}"
    assert f"FROM ghcr.io/mlflow/mlflow:v{version}\n" in SERVICES["mlflow"]["build"]["dockerfile_inline"]


def test_the_predictor_is_built_from_a_target_of_the_dockerfile() -> None:
    target = SERVICES["predictor"]["build"]["target"]
    assert re.search(rf"^FROM \S+ AS {target}$", (PROJECT / "Dockerfile").read_text(), re.MULTILINE)


@every_service
def test_nothing_can_be_written_but_volumes_and_tmp(name: str) -> None:
    assert SERVICES[name]["read_only"] is True
    assert [place.partition(":")[0] for place in SERVICES[name]["tmpfs"]] == ["/tmp"]
    for mount in mounts_of(name).values():
        assert mount.get("read_only") or mount["source"] in COMPOSE["volumes"]


@every_service
def test_no_privilege_is_kept_or_gained(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"cap_add", "privileged", "devices"} & service.keys()
    assert not [mount for mount in mounts_of(name).values() if "docker.sock" in mount["source"]]


@every_service
def test_it_does_not_run_as_root(name: str) -> None:
    service = SERVICES[name]
    if user := service.get("user"):
        assert int(user.partition(":")[0]) > 0
        return
    inline = service["build"].get("dockerfile_inline")
    built = inline or (PROJECT / "Dockerfile").read_text()
    assert re.findall(r"^USER (.+)$", built, re.MULTILINE)[-1] == "10001:10001"


@every_service
def test_memory_and_logs_have_a_limit(name: str) -> None:
    service = SERVICES[name]
    assert re.fullmatch(r"\d+[mg]", service["mem_limit"])
    assert service["logging"]["driver"] == "json-file"
    assert {"max-size", "max-file"} <= service["logging"]["options"].keys()


@every_service
def test_what_is_mounted_from_the_repository_exists(name: str) -> None:
    for mount in mounts_of(name).values():
        if mount["source"].startswith("./") and not mount["source"].startswith("./runs/"):
            assert (PROJECT / mount["source"]).is_dir()
            assert mount["read_only"]


def test_what_must_last_is_on_named_volumes() -> None:
    lasting = {
        "predictor": SERVICES["predictor"]["environment"]["PREDICTOR_TRUTH_PATH"],
        "prometheus": "/prometheus",
        "alertmanager": "/alertmanager",
        "grafana": "/var/lib/grafana",
        "mlflow": "/var/lib/mlflow",
    }
    assert set(COMPOSE["volumes"]) == set(lasting)
    for name, place in lasting.items():
        assert mounts_of(name)[place]["source"] == name
    assert "--storage.tsdb.path=/prometheus" in SERVICES["prometheus"]["command"]
    assert "--storage.tsdb.retention.time=35d" in SERVICES["prometheus"]["command"]
    assert "--storage.path=/alertmanager" in SERVICES["alertmanager"]["command"]
    stored = [argument for argument in SERVICES["mlflow"]["command"] if "/var/lib/mlflow/" in argument]
    assert [argument.partition("=")[0] for argument in stored] == ["--backend-store-uri", "--artifacts-destination"]


def test_volumes_of_images_of_ours_belong_to_who_writes_them() -> None:
    assert "/var/lib/predictor" in (PROJECT / "Dockerfile").read_text()
    assert "/var/lib/mlflow" in SERVICES["mlflow"]["build"]["dockerfile_inline"]


def test_the_bundle_is_the_newest_one_unless_named_and_never_made_up() -> None:
    (given,) = [volume for volume in SERVICES["predictor"]["volumes"] if isinstance(volume, dict)]
    assert given["source"] == "${BUNDLE:-./runs/latest/bundle}"
    assert given["target"] == "/mnt/models"
    assert given["read_only"] is True
    assert given["bind"]["create_host_path"] is False


@every_service
def test_there_is_a_healthcheck(name: str) -> None:
    check = SERVICES[name]["healthcheck"]
    assert check["test"][0] == "CMD"
    ports = re.findall(r"127\.0\.0\.1:(\d+)", " ".join(check["test"]))
    published = [default_of(port).split(":")[2] for port in SERVICES[name].get("ports", [])]
    if name != "predictor" and published:
        assert ports == published


@contextmanager
def answering(status: HTTPStatus) -> Iterator[tuple[int, list[str]]]:
    """A server that gives one status to all; yields its port and the paths that it was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(status)
            self.end_headers()

        def log_message(self, *arguments: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port, asked
        finally:
            server.shutdown()
            thread.join()


def health(port: int) -> int:
    """The exit status of the predictor's healthcheck."""
    _, _, *arguments = SERVICES["predictor"]["healthcheck"]["test"]
    done = subprocess.run(
        [sys.executable, *arguments], env={"PREDICTOR_HTTP_PORT": str(port)}, capture_output=True, check=False
    )
    return done.returncode


@pytest.mark.parametrize(("status", "healthy"), [(HTTPStatus.OK, True), (HTTPStatus.SERVICE_UNAVAILABLE, False)])
def test_a_predictor_that_is_not_ready_is_not_healthy(status: HTTPStatus, healthy: bool) -> None:
    with answering(status) as (port, asked):
        assert (health(port) == 0) is healthy
    assert asked == ["/v2/health/ready"]


def test_a_predictor_that_does_not_listen_is_not_healthy() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        assert health(taken.getsockname()[1]) != 0


def test_what_waits_waits_for_a_service_with_a_condition() -> None:
    for service in SERVICES.values():
        for name, need in service.get("depends_on", {}).items():
            assert name in SERVICES
            assert need["condition"] == "service_started" or "healthcheck" in SERVICES[name]


def test_prometheus_comes_up_when_the_predictor_does_not() -> None:
    assert "predictor" not in SERVICES["prometheus"]["depends_on"]


def test_the_predictor_is_given_the_time_that_it_takes_to_stop() -> None:
    delay = float(SERVICES["predictor"]["environment"]["PREDICTOR_DRAIN_DELAY_SECONDS"])
    grace = int(SERVICES["predictor"]["stop_grace_period"].removesuffix("s"))
    assert delay + Settings.model_fields["drain_seconds"].default < grace


def test_the_predictors_settings_are_settings() -> None:
    given = {key.removeprefix("PREDICTOR_").lower() for key in SERVICES["predictor"]["environment"]}
    assert given <= Settings.model_fields.keys()


def test_node_exporter_sees_the_machine_and_changes_nothing_on_it() -> None:
    service = SERVICES["node-exporter"]
    (mount,) = service["volumes"]
    assert (mount["source"], mount["target"]) == ("/", "/host")
    assert mount["read_only"] is True
    assert mount["bind"]["propagation"] == "rslave"
    assert f"--path.rootfs={mount['target']}" in service["command"]
    assert service["pid"] == "host"
    assert "ports" not in service


def test_grafana_finds_its_provisioning_and_its_dashboards() -> None:
    mounts = mounts_of("grafana")
    assert mounts["/etc/grafana/provisioning"]["source"] == "./monitoring/grafana/provisioning"
    for file in (GRAFANA / "provisioning" / "dashboards").glob("*.yaml"):
        for provider in yaml.safe_load(file.read_text())["providers"]:
            assert mounts[provider["options"]["path"]]["source"] == "./monitoring/grafana/dashboards"
    home = Path(SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert (PROJECT / mounts[str(home.parent)]["source"] / home.name).is_file()


def addresses() -> Iterator[str]:
    """Whatever the files of the monitoring say is to be found in the compose file's network."""
    for file in TARGETS.glob("*.yaml"):
        for group in yaml.safe_load(file.read_text()):
            yield from group["targets"]
    for file in (GRAFANA / "provisioning" / "datasources").glob("*.yaml"):
        for source in yaml.safe_load(file.read_text())["datasources"]:
            yield source["url"].removeprefix("http://")


@pytest.mark.parametrize("address", list(addresses()))
def test_what_is_asked_is_a_service_that_listens_there(address: str) -> None:
    name, port = address.split(":")
    checked = json.dumps(SERVICES[name]["healthcheck"]["test"])
    listens = {default_of(published).split(":")[2] for published in SERVICES[name].get("ports", [])}
    assert port in listens or f"127.0.0.1:{port}/" in checked


@pytest.mark.parametrize("name", ["prometheus", "alertmanager"])
def test_the_configuration_that_is_named_is_mounted(name: str) -> None:
    (argument,) = [part for part in SERVICES[name]["command"] if part.startswith("--config.file=")]
    file = Path(argument.removeprefix("--config.file="))
    mount = mounts_of(name)[str(file.parent)]
    assert (PROJECT / mount["source"] / file.name).is_file()


def test_a_folder_is_mounted_rather_than_a_file_so_that_edits_are_followed() -> None:
    for name in ("prometheus", "alertmanager", "grafana"):
        for mount in mounts_of(name).values():
            if mount["source"].startswith("./"):
                assert (PROJECT / mount["source"]).is_dir()
