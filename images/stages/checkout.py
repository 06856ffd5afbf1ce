"""Whether an image holds the code of this checkout: with other code it would prove nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

from docker.errors import DockerException

from components import PROJECT
from images.stages.containers import LOCKED_DOWN
from images.stages.errors import ImageUnfit

if TYPE_CHECKING:
    from pathlib import Path

    from docker import DockerClient
    from docker.models.images import Image

CODE = ("components", "contract", "predictor")
"""What the tasks import, and the predictor that they start."""

_SHOWN = 3

_DIGESTS = """
import hashlib, json, pathlib, sys
print(json.dumps({
    path.as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
    for part in sys.argv[1:] for path in pathlib.Path(part).rglob("*")
    if path.suffix == ".py" or path.name == "contract.yaml"
}))
"""


def check_code(client: DockerClient, image: Image, dataset: Path) -> None:
    """Check that the image's code, and its contract of a dataset, are those of this checkout.

    Args:
        client: the engine that has the image.
        image: what is checked.
        dataset: the folder of the dataset, relative to the project.

    Raises:
        ImageUnfit: it names the first files that differ.
    """
    parts = [*CODE, str(dataset)]
    command = ["python3", "-c", _DIGESTS, *parts]
    try:
        said = client.containers.run(
            image.id, entrypoint=command[:1], command=command[1:], remove=True, network_mode="none", **LOCKED_DOWN
        )
    except DockerException as error:
        raise ImageUnfit(f"the image can't list its code: {error}") from None
    here = subprocess.check_output([sys.executable, *command[1:]], cwd=PROJECT)  # noqa: S603
    found, expected = json.loads(said), json.loads(here)
    changed = sorted(path for path in found | expected if found.get(path) != expected.get(path))
    if changed:
        more = f" and {len(changed) - _SHOWN} more" if len(changed) > _SHOWN else ""
        raise ImageUnfit(
            f"the image isn't built from this checkout: {', '.join(changed[:_SHOWN])}{more} differ. Build it anew:"
            " make images"
        )
