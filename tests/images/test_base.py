"""What the images are built on."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from images.base import STAND_IN, base_for_buildah, default_base
from images.errors import BaseMissing

_EMPTY_STORE = 'echo "Error: no registry here" >&2; exit 125'
_WITH_STAND_IN = f'[ "$1" = inspect ] && [ "$4" = {STAND_IN} ] && exit 0\n{_EMPTY_STORE}'


def test_the_dockerfile_names_the_base() -> None:
    assert default_base() == "docker.io/library/python:3.11-slim"


def test_a_base_that_is_here_is_taken(program: Callable[[str, str], Path]) -> None:
    program("buildah", '[ "$1" = inspect ]')
    assert base_for_buildah("python@sha256:1", lambda _: None) == "python@sha256:1"


def test_a_base_that_a_registry_has_is_pulled(program: Callable[[str, str], Path]) -> None:
    program("buildah", '[ "$1" = pull ]')
    assert base_for_buildah(None, lambda _: None) == default_base()


def test_what_is_wanted_by_name_has_no_stand_in(program: Callable[[str, str], Path]) -> None:
    program("buildah", _WITH_STAND_IN)
    with pytest.raises(BaseMissing, match="python@sha256:1 can't be pulled: no registry here"):
        base_for_buildah("python@sha256:1", lambda _: None)


def test_a_stand_in_is_made_once(program: Callable[[str, str], Path]) -> None:
    program("buildah", _WITH_STAND_IN)
    program("debootstrap", "exit 1")
    assert base_for_buildah(None, lambda _: None) == STAND_IN


def test_a_stand_in_that_can_not_be_made_says_why(program: Callable[[str, str], Path]) -> None:
    program("buildah", _EMPTY_STORE)
    program("debootstrap", 'echo "E: no mirror answers"; exit 1')
    said: list[str] = []
    with pytest.raises(BaseMissing, match=r"no mirror answers|only be made by root"):
        base_for_buildah(None, said.append)
    assert "no registry here" in said[0]


def test_what_is_nowhere_is_refused_by_the_real_buildah() -> None:
    if shutil.which("buildah") is None:
        pytest.skip("buildah isn't installed: sudo apt-get install buildah")
    with pytest.raises(BaseMissing, match=r"localhost/concord-nowhere:1 can't be pulled"):
        base_for_buildah("localhost/concord-nowhere:1", lambda _: None)
