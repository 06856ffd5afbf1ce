"""The list of what is in an image, against the schema of CycloneDX."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat
from cyclonedx.validation.json import JsonStrictValidator

from images.build import TARGETS
from images.inventory import SCHEMA, bill_of_materials, describe

CONTENTS = {
    "python": "3.11.2",
    "release": "debian-12",
    "distributions": [
        {"name": "numpy", "version": "2.5.5", "licence": "BSD-3-Clause AND 0BSD", "summary": "Arrays"},
        {"name": "Zope.Interface", "version": "1.0", "licence": "Whatever we like", "summary": ""},
        {"name": "nothing_said", "version": "1", "licence": "", "summary": ""},
    ],
    "packages": [
        {"name": "libc6", "version": "2.36-9", "architecture": "amd64", "source": "glibc"},
        {"name": "libgcc-s1", "version": "12.2.0-14", "architecture": "amd64", "source": "gcc-12 (12.2.0-13)"},
    ],
}
LABELS = {"org.opencontainers.image.version": "0.1.0", "org.opencontainers.image.licenses": "Apache-2.0", "other": "x"}


def errors_in(document: str) -> str | None:
    """What breaks the schema, or nothing."""
    error = JsonStrictValidator(SCHEMA).validate_str(document)
    return None if error is None else str(error)


@pytest.fixture
def document() -> dict[str, Any]:
    bom = bill_of_materials("concord-predictor:local", "sha256:abc", LABELS, CONTENTS)
    text = make_outputter(bom, OutputFormat.JSON, SCHEMA).output_as_string()
    assert errors_in(text) is None
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def test_the_document_is_about_the_image(document: dict[str, Any]) -> None:
    image = document["metadata"]["component"]
    assert (image["name"], image["type"], image["version"]) == ("concord-predictor", "container", "0.1.0")
    assert image["bom-ref"] == "sha256:abc"
    assert {item["name"] for item in image["properties"]} == LABELS.keys() - {"other"}


def test_every_part_has_an_address_and_the_image_depends_on_it(document: dict[str, Any]) -> None:
    addresses = {part["purl"] for part in document["components"]}
    assert addresses == {
        "pkg:generic/python@3.11.2",
        "pkg:pypi/numpy@2.5.5",
        "pkg:pypi/zope-interface@1.0",
        "pkg:pypi/nothing-said@1",
        "pkg:deb/debian/libc6@2.36-9?arch=amd64&distro=debian-12&upstream=glibc",
        "pkg:deb/debian/libgcc-s1@12.2.0-14?arch=amd64&distro=debian-12&upstream=gcc-12%4012.2.0-13",
    }
    (image,) = [entry for entry in document["dependencies"] if entry["ref"] == "sha256:abc"]
    assert set(image["dependsOn"]) == addresses


def test_a_licence_is_an_expression_where_it_is_one_and_nothing_where_nothing_is_said(
    document: dict[str, Any],
) -> None:
    licences = {part["name"]: part.get("licenses") for part in document["components"]}
    assert licences["numpy"] == [{"expression": "BSD-3-Clause AND 0BSD"}]
    assert licences["Zope.Interface"] == [{"license": {"name": "Whatever we like"}}]
    assert licences["nothing_said"] is None


def test_the_check_against_the_schema_finds_what_breaks_it() -> None:
    assert errors_in('{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [{"name": "typeless"}]}')


@pytest.mark.parametrize("target", TARGETS)
def test_a_built_image_is_described(image_of: Callable[[str], Any], target: str) -> None:
    image = image_of(target)
    text = describe(TARGETS[target])
    assert errors_in(text) is None
    document = json.loads(text)
    assert document["metadata"]["component"]["bom-ref"] == image.id
    kinds = {part["purl"].partition("/")[0] for part in document["components"]}
    assert kinds == {"pkg:generic", "pkg:pypi", "pkg:deb"}
    names = {part["name"] for part in document["components"]}
    assert {"kserve", "onnxruntime", "libc6"} <= names
    assert ("mlflow" in names) is (target == "pipeline")
    assert not {"kubernetes", "kfp-server-api"} & names
