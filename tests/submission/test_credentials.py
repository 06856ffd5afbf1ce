from pathlib import Path

import pytest

from submission.credentials import Credentials, find_credentials
from submission.errors import CredentialsUnusable


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_an_option_beats_a_variable_and_a_variable_beats_the_pods_own(tmp_path: Path) -> None:
    token, projected = written(tmp_path / "token", "abc\n"), written(tmp_path / "projected", "pod")
    environment = {"KF_PIPELINES_SA_TOKEN_PATH": str(projected)}

    assert find_credentials(token, None, {**environment, "KFP_TOKEN": "def"}).token_file == token
    assert find_credentials(None, None, {**environment, "KFP_TOKEN": "def\n"}).token == "def"
    of_pod = find_credentials(None, None, environment)
    assert of_pod.token_file == projected
    assert "service account" in of_pod.origin


def test_a_cookie_is_one_name_and_value(tmp_path: Path) -> None:
    cookie = written(tmp_path / "cookie", "authservice_session=a=b; other=c\n")
    assert find_credentials(None, cookie, {}).cookie == "authservice_session=a=b; other=c"
    assert find_credentials(None, None, {"KFP_COOKIE": "a=b"}).cookie == "a=b"


def test_without_any_nothing_secret_is_sent() -> None:
    found = find_credentials(None, None, {})
    assert not found.is_secret
    assert "none were given" in found.origin


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is empty"),
        ("a\nb", "more than a token"),
        ("Bearer abc", "without 'Bearer'"),
        (b"\xff\xfe\x00", "it isn't text"),
        (None, "No such file"),
    ],
)
def test_a_file_without_a_token_is_named_with_what_is_wrong(
    tmp_path: Path, content: str | bytes | None, words: str
) -> None:
    path = tmp_path / "token"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(CredentialsUnusable, match=words) as caught:
        find_credentials(path, None, {})
    assert str(path) in str(caught.value)


def test_two_kinds_of_credentials_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CredentialsUnusable, match="--token-file and --cookie-file"):
        find_credentials(tmp_path / "a", tmp_path / "b", {})
    with pytest.raises(CredentialsUnusable, match="unset one of them"):
        find_credentials(None, None, {"KFP_TOKEN": "abc", "KFP_COOKIE": "a=b"})
    with pytest.raises(CredentialsUnusable, match="NAME=VALUE"):
        find_credentials(None, None, {"KFP_COOKIE": "abc"})


def test_a_text_of_the_servers_never_repeats_a_secret(tmp_path: Path) -> None:
    file = written(tmp_path / "token", "s3cret\n")
    for credentials in (Credentials(token="s3cret"), Credentials(cookie="s3cret"), Credentials(token_file=file)):
        assert credentials.without_secrets("no user for s3cret.") == "no user for …."
    assert Credentials(token_file=tmp_path / "gone").without_secrets("as it is") == "as it is"
