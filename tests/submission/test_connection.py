"""Connecting, and what an answer that isn't a success becomes: against a real server, and none."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
from http import HTTPStatus
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from submission import connection as connections
from submission.connection import Connection, Endpoint
from submission.credentials import Credentials
from submission.errors import (
    CertificateRefused,
    CredentialsUnusable,
    EndpointUnreachable,
    NamespaceMissing,
    NotAuthenticated,
    NotFound,
    NotKubeflowPipelines,
    NotPermitted,
    RequestRefused,
    ServerFailed,
    SubmissionError,
    UnsupportedServer,
    WrongEndpoint,
)
from submission.package import Package
from submission.runs import Runs, experiment_id
from submission.versions import upload
from tests.submission.kfp_server import LOGIN, KfpServer, serving

SECRET = "s3cret-of-somebody"


def message_of(error: type[SubmissionError], endpoint: Endpoint) -> str:
    with pytest.raises(error) as caught:
        Connection(endpoint)
    text = str(caught.value)
    assert SECRET not in text
    assert "Traceback" not in text
    return text


def test_a_token_goes_with_every_request(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(f"{SECRET}\n")
    for credentials in (Credentials(token=SECRET), Credentials(token_file=file)):
        with serving(token=SECRET) as server:
            experiment_id(Connection(Endpoint(server.url, credentials=credentials)), "heart", create=True)
            assert len(server.received) == 3
            assert {request.headers["authorization"] for request in server.received} == {f"Bearer {SECRET}"}


def test_a_tokens_file_is_read_anew_for_each_request(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("first")
    with serving(token="first") as server:
        connection = Connection(Endpoint(server.url, credentials=Credentials("the token", token_file=file)))
        file.write_text("second")
        server.token = "second"
        experiment_id(connection, "heart", create=True)
        file.unlink()
        with pytest.raises(CredentialsUnusable, match="the token can't be read"):
            experiment_id(connection, "heart", create=True)


def test_a_cookie_goes_with_every_request_uploads_too(package: Package) -> None:
    with serving(cookie=f"session={SECRET}") as server:
        connection = Connection(Endpoint(server.url, credentials=Credentials(cookie=f"session={SECRET}")))
        upload(connection, package, "1")
        assert {request.headers["cookie"] for request in server.received} == {f"session={SECRET}"}


def test_without_credentials_none_are_sent(server: KfpServer) -> None:
    Connection(Endpoint(server.url))
    assert not {"authorization", "cookie"} & server.received[0].headers.keys()


def test_one_request_is_enough_to_connect(server: KfpServer) -> None:
    assert Connection(Endpoint(server.url)).server_version == "2.17.0"
    assert [request.path for request in server.received] == ["/apis/v2beta1/healthz"]


def test_a_namespace_is_sent_where_there_are_several_and_only_there(
    server: KfpServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    alone = Connection(Endpoint(server.url, namespace="team"))
    experiment_id(alone, "heart", create=True)
    assert all("namespace" not in request.query for request in server.received)
    assert alone.pod_namespace == "team"

    with serving(namespaces=("team", "other")) as shared:
        assert "--namespace or KFP_NAMESPACE" in message_of(NamespaceMissing, Endpoint(shared.url))
        experiment_id(Connection(Endpoint(shared.url, namespace="team")), "heart", create=True)
        assert shared.asked("GET .*/experiments")[0].query["namespace"] == "team"
        assert shared.asked("POST .*/experiments")[0].body["namespace"] == "team"

        of_pod = tmp_path / "namespace"
        of_pod.write_text("other\n")
        monkeypatch.setattr(connections, "_POD_NAMESPACE", of_pod)
        assert Connection(Endpoint(shared.url)).namespace == "other"


def test_nothing_listens() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
    text = message_of(EndpointUnreachable, Endpoint(url))
    assert text.startswith(f"{url} can't be reached: it refuses connections.")
    assert "kubectl port-forward -n kubeflow svc/ml-pipeline-ui 8080:80" in text


def test_no_such_host() -> None:
    text = message_of(EndpointUnreachable, Endpoint("https://kubeflow.invalid/pipeline"))
    assert text.startswith("https://kubeflow.invalid/pipeline can't be reached: no host has that name.")


def test_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "_TIMEOUT", (1, 0.1))
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"http://127.0.0.1:{mute.getsockname()[1]}"
        assert "it doesn't answer in time" in message_of(EndpointUnreachable, Endpoint(url))


@pytest.mark.parametrize("text", ["kubeflow.example.org", "ftp://kubeflow", "https://", "http:/pipeline", ""])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(WrongEndpoint, match="write it as https://HOST"):
        Endpoint(text).checked()


def test_a_password_in_an_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(WrongEndpoint, match="must hold no password") as caught:
        Endpoint(f"https://me:{SECRET}@kubeflow").checked()
    assert SECRET not in str(caught.value)


def test_an_address_copied_from_the_browser_will_do(server: KfpServer) -> None:
    connection = Connection(Endpoint(f"{server.url}/#/experiments?ns=team"))
    assert connection.run_link("1") == f"{server.url}/#/runs/details/1"
    with_pages = Connection(Endpoint(server.url, ui="https://kubeflow.example.org/_/pipeline/"))
    assert with_pages.run_link("1") == "https://kubeflow.example.org/_/pipeline/#/runs/details/1"


@pytest.mark.parametrize(
    ("host", "leaks"),
    [
        ("http://kubeflow.example.org", True),
        ("https://kubeflow.example.org", False),
        ("http://localhost:8080", False),
        ("http://127.0.0.1:8080", False),
        ("http://ml-pipeline.kubeflow.svc.cluster.local:8888", False),
    ],
)
def test_a_secret_without_tls_on_a_network_is_known(host: str, leaks: bool) -> None:
    assert Endpoint(host, credentials=Credentials(token="a")).leaks_credentials == leaks
    assert not Endpoint(host).leaks_credentials


@pytest.mark.parametrize("given", [Credentials(), Credentials("the token of KFP_TOKEN", token=SECRET)])
def test_401_names_the_credentials_that_were_used(given: Credentials) -> None:
    with serving(token="another") as server:
        text = message_of(NotAuthenticated, Endpoint(server.url, credentials=given))
        assert len(server.received) == 1
    assert f"doesn't accept {given.origin} (401)" in text
    assert "kubectl create token" in text
    assert ("Give other ones" in text) == given.is_secret


def test_403_names_the_permission_that_is_missing_and_how_to_grant_it() -> None:
    with serving(namespaces=("team",), forbidden={"create experiments"}) as server:
        connection = Connection(Endpoint(server.url, "team", Credentials("the token of KFP_TOKEN", token=SECRET)))
        with pytest.raises(NotPermitted) as caught:
            experiment_id(connection, "heart", create=True)
    text = str(caught.value)
    assert "doesn't let the token of KFP_TOKEN create the experiment 'heart' (403)" in text
    assert "'create' on 'experiments.pipelines.kubeflow.org' in the namespace team" in text
    assert "kubectl create rolebinding concord-submit --namespace team --clusterrole kubeflow-pipelines-edit" in text
    assert "kubectl auth can-i create experiments.pipelines.kubeflow.org --namespace team" in text


def test_403_of_a_proxy_in_front_names_what_was_asked_for(server: KfpServer) -> None:
    connection = Connection(Endpoint(server.url))
    server.fail("GET .*/experiments", HTTPStatus.FORBIDDEN, "RBAC: access denied")
    with pytest.raises(NotPermitted, match="RBAC: access denied") as caught:
        experiment_id(connection, "heart", create=True)
    assert "'list' on 'experiments.pipelines.kubeflow.org'" in str(caught.value)


def test_a_login_page_is_called_by_its_name() -> None:
    with serving(cookie="session=good") as server:
        text = message_of(NotKubeflowPipelines, Endpoint(server.url, credentials=Credentials(cookie=SECRET)))
        assert [request.path for request in server.received][:2] == ["/apis/v2beta1/healthz", "/login"]
    assert "A login page" in text
    assert "KFP_COOKIE or --cookie-file" in text
    assert "password" not in text


def test_a_session_that_ends_meanwhile_is_a_login_page_too(server: KfpServer) -> None:
    connection = Connection(Endpoint(server.url))
    server.fail("GET .*/runs/1", HTTPStatus.OK, LOGIN, content_type="text/html")
    with pytest.raises(NotKubeflowPipelines, match="A login page"):
        Runs(connection).get("1")


def test_redirections_without_end() -> None:
    with serving() as server:
        server.fail("GET /", HTTPStatus.FOUND, "/again")
        text = message_of(NotKubeflowPipelines, Endpoint(server.url))
        assert len(server.received) < 20
    assert "one redirection after the other" in text


@pytest.mark.parametrize(
    ("status", "body", "content_type"),
    [
        (HTTPStatus.NOT_FOUND, "<html>nginx</html>", "text/html"),
        (HTTPStatus.NOT_FOUND, '{"detail": "Not Found"}', "application/json"),
        (HTTPStatus.OK, '{"status": "ok"}', "application/json"),
        (HTTPStatus.OK, "[]", "application/json"),
        (HTTPStatus.OK, "ok", "text/plain"),
    ],
)
def test_another_server_is_known_as_such(server: KfpServer, status: HTTPStatus, body: str, content_type: str) -> None:
    server.fail("GET /", status, body, content_type=content_type)
    text = message_of(NotKubeflowPipelines, Endpoint(server.url))
    assert "answers, but not as Kubeflow Pipelines" in text
    assert "https://HOST/pipeline" in text


def test_a_server_of_version_1_is_known_as_such(server: KfpServer) -> None:
    server.fail("GET /apis/v2beta1", HTTPStatus.NOT_FOUND, '{"error": "Not Found"}', content_type="application/json")
    server.fail("GET /apis/v1beta1/healthz", HTTPStatus.OK, '{"tag_name": "1.8.5", "multi_user": false}')
    assert "Kubeflow Pipelines 1.8.5, without the API v2beta1" in message_of(UnsupportedServer, Endpoint(server.url))


@pytest.mark.parametrize(
    "status", [HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.BAD_GATEWAY, HTTPStatus.TOO_MANY_REQUESTS]
)
def test_a_server_that_fails_may_be_asked_again(server: KfpServer, status: HTTPStatus) -> None:
    server.fail("GET /", status, "<html><h1>upstream</h1></html>", content_type="text/html")
    with pytest.raises(ServerFailed, match=f"it answers {status}") as caught:
        Connection(Endpoint(server.url))
    assert caught.value.is_transient
    assert "<" not in str(caught.value)
    assert len(server.received) == 1


def test_a_refusal_names_both_versions_where_they_differ(package: Package) -> None:
    for number, is_named in (("2.5.0", True), ("2.17.1", False)):
        with serving(version=number) as server:
            connection = Connection(Endpoint(server.url))
            server.fail("POST .*upload_version", HTTPStatus.BAD_REQUEST, '{"error_message": "unknown template"}')
            with pytest.raises(RequestRefused, match=r"400 Bad Request\): unknown template") as caught:
                upload(connection, package, "1")
        assert ("The server has version 2.5.0, the SDK here 2.17.0" in str(caught.value)) == is_named


def test_what_isnt_there_is_said_so(server: KfpServer) -> None:
    runs = Runs(Connection(Endpoint(server.url)))
    with pytest.raises(NotFound, match="can't show the run nobody: there is no such thing"):
        runs.get("nobody")
    with pytest.raises(NotFound, match="there is no run yet"):
        runs.latest(None)
    with pytest.raises(NotFound, match="there is no experiment 'heart'"):
        runs.latest("heart")


def test_a_certificate_of_an_own_authority_needs_its_file(tmp_path: Path) -> None:
    certificate = self_signed(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with serving(tls=context) as server:
        text = message_of(CertificateRefused, Endpoint(server.url))
        assert "a certificate that isn't trusted: certificate verify failed" in text
        assert "--ca-file FILE or KFP_CA_FILE" in text
        assert not server.received
        assert Connection(Endpoint(server.url, ca_file=certificate)).server_version == "2.17.0"
        plain = Endpoint(server.url.replace("https", "http"))
        message_of(EndpointUnreachable, plain)
    with pytest.raises(CredentialsUnusable, match="there is no file"):
        Endpoint("https://kubeflow", ca_file=tmp_path / "gone.pem").checked()


def test_tls_where_there_is_none(server: KfpServer) -> None:
    assert "doesn't speak TLS" in message_of(CertificateRefused, Endpoint(server.url.replace("http", "https")))


def self_signed(folder: Path) -> Path:
    """A key and a certificate for 127.0.0.1 that nobody knows."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kubeflow")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "authority.pem"
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path
