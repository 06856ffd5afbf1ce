"""Where a build gets Python's packages from: as this machine's pip is set up, without a trace of that in the image.

pip's settings become secrets of the build, which are mounted while packages are installed. They may hold a password,
and they say nothing about the image: its packages are those of the lock, by hash, wherever they come from.
"""

from __future__ import annotations

import ast
import configparser
import subprocess
import sys
from pathlib import Path

_PASSED_ON = ("index-url", "extra-index-url", "find-links", "trusted-host", "proxy", "no-index", "timeout")
_CERTIFICATES = "/run/secrets/certificates"
"""Where the Dockerfile mounts the secret of that name."""


def secrets(folder: Path) -> dict[str, Path]:
    """The secrets of a build by their names in the Dockerfile, written to `folder` where they aren't files already."""
    asked = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(asked, capture_output=True, text=True, check=True)  # noqa: S603
    settings = pip_settings(listed.stdout)
    given = {}
    if certificates := settings.pop("cert", None):
        settings["cert"] = _CERTIFICATES
        given["certificates"] = Path(certificates)
    if settings:
        parser = configparser.RawConfigParser()
        parser["global"] = settings
        given["pip"] = folder / "pip.conf"
        with given["pip"].open("w", encoding="utf-8") as file:
            parser.write(file)
        given["pip"].chmod(0o600)
    return given


def pip_settings(listed: str) -> dict[str, str]:
    """Those of the settings that `pip config list` lists that matter to a build; the environment's come first.

    Directories of this machine are left out: a build doesn't see them.
    """
    found: dict[str, str] = {}
    # The environment's are listed before those of the files, which they override.
    for line in sorted(listed.splitlines(), key=lambda line: line.startswith(":env:")):
        key, _, value = line.partition("=")
        name = key.rpartition(".")[2].removeprefix("default-")
        text = str(ast.literal_eval(value))
        if name == "cert":
            found[name] = text
        elif name in _PASSED_ON:
            words = text.split() if name == "find-links" else [text]
            kept = [word for word in words if name != "find-links" or word.startswith(("https://", "http://"))]
            if kept:
                found[name] = "\n".join(kept)
    return found
