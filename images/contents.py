"""Lists what is in an image, from inside: `python3 -c` this text prints it as JSON.

It runs on the image's own Python, which may have nothing but the standard library.
"""

from __future__ import annotations

import json
import platform
from importlib import metadata
from pathlib import Path


def distributions() -> list[dict[str, str]]:
    """Python's packages: name, version, and the licence as its author states it, or nothing."""
    found = {}
    for distribution in metadata.distributions():
        stated = distribution.metadata
        classified = [
            text.rpartition(" :: ")[2] for text in stated.get_all("Classifier") or [] if text.startswith("License ::")
        ]
        licence = stated["License-Expression"] or " AND ".join(classified) or stated["License"] or ""
        found[stated["Name"]] = {
            "name": stated["Name"],
            "version": distribution.version,
            # Some state their licence's whole text.
            "licence": licence if "\n" not in licence else "",
            "summary": stated["Summary"] or "",
        }
    return [found[name] for name in sorted(found, key=str.lower)]


def packages() -> list[dict[str, str]]:
    """Debian's packages: name, version, architecture, and the source that they are built from."""
    status = Path("/var/lib/dpkg/status")
    texts = [status] if status.exists() else sorted(Path("/var/lib/dpkg/status.d").glob("*"))
    found = []
    for record in "\n\n".join(text.read_text(encoding="utf-8") for text in texts).split("\n\n"):
        fields = dict(line.split(": ", 1) for line in record.splitlines() if line[:1].isalpha() and ": " in line)
        if fields.get("Status") == "install ok installed":
            source = fields.get("Source", fields["Package"])
            kept = {"name": "Package", "version": "Version", "architecture": "Architecture"}
            found.append({**{name: fields[field] for name, field in kept.items()}, "source": source})
    return found


def release() -> str:
    """The distribution as package URLs name it (`debian-12`), or nothing."""
    try:
        known = platform.freedesktop_os_release()
    except OSError:
        return ""
    return f"{known['ID']}-{known['VERSION_ID']}" if "VERSION_ID" in known else known["ID"]


if __name__ == "__main__":
    listed = {"python": platform.python_version(), "release": release()}
    print(json.dumps({**listed, "distributions": distributions(), "packages": packages()}))
