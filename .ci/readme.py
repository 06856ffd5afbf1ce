"""Run every command of a README, in its order, as a reader would, and compare what it shows.

Each ```sh block is a script. One that starts a server runs in the background until the next such block; the commands
after it find the server ready. A ```json block below a command is what the command printed when the README was written:
the answer must have the same keys, and an error the same words.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

SERVERS = {
    "make serve": "http://127.0.0.1:8080/v2/health/ready",
    "make monitor": "http://127.0.0.1:9090/-/ready",
    "make mlflow": "http://127.0.0.1:5000/health",
}
READY_SECONDS = 120


def main(readme: Path) -> None:
    """Run the file's commands; exits with the status of the first that fails."""
    blocks = re.findall(r"^```(sh|json)\n(.*?)^```$", readme.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    os.environ["PATH"] = f"{Path.cwd() / '.venv' / 'bin'}:{os.environ['PATH']}"
    server: subprocess.Popen[bytes] | None = None
    printed = ""
    commands = 0
    try:
        for kind, text in blocks:
            if kind == "json":
                compare(json.loads(text), json.loads(printed), text)
                continue
            command = text.strip()
            print(f"\n$ {command}", flush=True)
            commands += 1
            if command in SERVERS:
                stop(server)
                server = start(command, SERVERS[command])
                continue
            captured = command.startswith("curl")
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", command], stdout=subprocess.PIPE if captured else None, check=False
            )
            printed = done.stdout.decode() if captured else ""
            print(printed, flush=True)
            if done.returncode:
                sys.exit(done.returncode)
    finally:
        stop(server)
    print(f"\nREADME: {commands} passed, 0 failed")


def start(command: str, ready: str) -> subprocess.Popen[bytes]:
    """Start a server in a process group of its own and wait until it answers."""
    process = subprocess.Popen(["bash", "-c", command], start_new_session=True)
    deadline = time.monotonic() + READY_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(ready, timeout=2):
                return process
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    stop(process)
    sys.exit(f"{command}: {ready} didn't answer")


def stop(process: subprocess.Popen[bytes] | None) -> None:
    """End a server and all of its processes."""
    if process and process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def compare(shown: Any, found: Any, text: str) -> None:
    """The README's answer and the server's must be alike."""
    if shape(shown) != shape(found):
        sys.exit(f"the README shows\n{text}but the answer was\n{json.dumps(found)}")


def shape(value: Any) -> Any:
    """What must agree: keys, and the words of an error; numbers depend on the effort of the run."""
    if isinstance(value, dict):
        return {key: item if key == "error" else shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value]
    return type(value).__name__


if __name__ == "__main__":
    main(Path(sys.argv[1]))
