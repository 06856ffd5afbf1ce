"""What is in an image, as a CycloneDX document: Python's packages, Debian's, and the interpreter."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from docker.errors import DockerException
from packageurl import PackageURL

from images.errors import Undescribed
from images.proof import LOCKED_DOWN
from images.stages.service import container_engine, image_named

if TYPE_CHECKING:
    from collections.abc import Mapping

_CONTENTS = Path(__file__).with_name("contents.py")
_LABEL = "org.opencontainers.image."
SCHEMA = SchemaVersion.V1_6
"""What the scanners that read such documents know by now."""


def describe(name: str) -> str:
    """The document of an image, as JSON. Raises `Undescribed`, or a `StagesError` where no engine or image is here."""
    with container_engine() as client:
        image = image_named(client, name)
        command = ["python3", "-c", _CONTENTS.read_text(encoding="utf-8")]
        container = client.containers.create(
            image.id,
            entrypoint=command[:1],
            command=command[1:],
            network_mode="none",
            **LOCKED_DOWN,
            healthcheck={"test": ["NONE"]},
        )
        try:
            container.start()
            status = container.wait()["StatusCode"]
            said = container.logs(stderr=status != 0).decode(errors="replace")
        except DockerException as error:
            raise Undescribed(f"the image {name} can't be asked what is in it: {error}") from None
        finally:
            container.remove(force=True)
        if status != 0:
            raise Undescribed(f"the image {name} can't list what is in it:\n{said}")
        document = bill_of_materials(name, str(image.id), image.labels, json.loads(said))
    return str(make_outputter(document, OutputFormat.JSON, SCHEMA).output_as_string(indent=2))


def bill_of_materials(name: str, identity: str, labels: Mapping[str, str], contents: Mapping[str, Any]) -> Bom:
    """The document: the image depends on everything that `images.contents` listed."""
    licences = LicenseFactory()
    image = Component(
        type=ComponentType.CONTAINER,
        name=name.partition(":")[0],
        version=labels.get(f"{_LABEL}version"),
        bom_ref=identity,
        licenses=[licences.make_from_string(labels[f"{_LABEL}licenses"])] if f"{_LABEL}licenses" in labels else (),
        properties=[Property(name=key, value=value) for key, value in labels.items() if key.startswith(_LABEL)],
    )
    python = PackageURL("generic", None, "python", contents["python"])
    parts = [Component(type=ComponentType.PLATFORM, name="python", version=python.version, purl=python)]
    for item in contents["distributions"]:
        normal = item["name"].lower().replace("_", "-").replace(".", "-")
        parts.append(
            Component(
                name=item["name"],
                version=item["version"],
                description=item["summary"] or None,
                licenses=[licences.make_from_string(item["licence"])] if item["licence"] else (),
                purl=PackageURL("pypi", None, normal, item["version"]),
            )
        )
    system = contents["release"].partition("-")[0] or "debian"
    for item in contents["packages"]:
        qualifiers = {"arch": item["architecture"], "distro": contents["release"]}
        # Advisories are about sources: name, or name (version) where that isn't the package's own.
        if item["source"] != item["name"]:
            qualifiers["upstream"] = item["source"].replace(" (", "@").rstrip(")")
        url = PackageURL("deb", system, item["name"], item["version"], qualifiers)
        parts.append(Component(name=item["name"], version=item["version"], purl=url))
    for part in parts:
        part.bom_ref.value = str(part.purl)
    document = Bom(components=parts)
    document.metadata.component = image
    document.register_dependency(image, parts)
    return document
