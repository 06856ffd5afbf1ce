"""pip's settings on their way into a build."""

from __future__ import annotations

import configparser
from pathlib import Path

import pytest

from images.package_index import pip_settings, secrets


def test_what_the_environment_says_comes_before_what_files_say() -> None:
    listed = ":env:.index-url='https://one.example/simple'\nglobal.index-url='https://two.example/simple'\n"
    assert pip_settings(listed) == {"index-url": "https://one.example/simple"}


def test_only_what_matters_to_a_build_is_passed_on() -> None:
    listed = "global.cert='/certificates.pem'\nglobal.no-color='1'\ninstall.user='true'\n:env:.default-timeout='180'\n"
    assert pip_settings(listed) == {"cert": "/certificates.pem", "timeout": "180"}


def test_a_directory_of_this_machine_is_not_searched_in_a_build() -> None:
    assert pip_settings("global.find-links='/wheels'\n") == {}
    listed = "global.find-links='/wheels https://wheels.example/'\n"
    assert pip_settings(listed) == {"find-links": "https://wheels.example/"}


def test_several_places_stay_several() -> None:
    listed = "global.extra-index-url='https://one.example/simple\\nhttps://two.example/simple'\n"
    assert pip_settings(listed)["extra-index-url"].splitlines() == [
        "https://one.example/simple",
        "https://two.example/simple",
    ]


def test_secrets_are_files_that_nobody_else_may_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificates = tmp_path / "certificates.pem"
    certificates.touch()
    monkeypatch.setenv("PIP_CERT", str(certificates))
    monkeypatch.setenv("PIP_INDEX_URL", "https://user:password@index.example/simple")
    given = secrets(tmp_path)
    assert given["certificates"] == certificates
    assert given["pip"].stat().st_mode & 0o077 == 0
    written = configparser.RawConfigParser()
    written.read(given["pip"])
    assert written["global"]["index-url"] == "https://user:password@index.example/simple"
    assert written["global"]["cert"] == "/run/secrets/certificates"


def test_without_settings_there_is_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PIP_CERT", "PIP_INDEX_URL", "PIP_FIND_LINKS", "PIP_DEFAULT_TIMEOUT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    assert secrets(tmp_path) == {}
