"""The command line: what it refuses to serve, how it starts and how it ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import psutil
import pytest

from contract.bundle import FILES, MANIFEST
from predictor.__main__ import main
from predictor.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    Start = Callable[..., tuple[subprocess.Popen[str], str]]
    Run = Callable[..., subprocess.CompletedProcess[str]]

ROOT = Path(__file__).parents[2]


def refusal(bundle: Path, free_port: Callable[[], int], capsys: pytest.CaptureFixture[str]) -> str:
    """The one line on standard error with which a bundle is refused."""
    assert main(["--bundle", str(bundle), "--http_port", str(free_port())]) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.count("\n") == 1
    return output.err


@pytest.mark.parametrize("name", [*FILES, MANIFEST])
def test_a_flipped_bit_in_any_file_is_never_served(
    copied: Path, free_port: Callable[[], int], capsys: pytest.CaptureFixture[str], name: str
) -> None:
    content = bytearray((copied / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copied / name).write_bytes(content)
    assert refusal(copied, free_port, capsys).startswith(f"{copied / name}: ")


@pytest.mark.parametrize("name", [*FILES, MANIFEST])
def test_a_missing_file_is_named(
    copied: Path, free_port: Callable[[], int], capsys: pytest.CaptureFixture[str], name: str
) -> None:
    (copied / name).unlink()
    assert refusal(copied, free_port, capsys) == f"{copied / name}: can't be read: No such file or directory\n"


def test_an_unsupported_format_is_named(
    copied: Path, free_port: Callable[[], int], capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = copied / MANIFEST
    manifest.write_text(json.dumps({**json.loads(manifest.read_bytes()), "format": 1}), encoding="utf-8")
    assert refusal(copied, free_port, capsys) == f"{manifest}: has format 1; this version reads format 2\n"


def test_a_sealed_contract_that_is_broken_is_told_in_one_line(
    copied: Path, reseal: Callable[[Path], None], free_port: Callable[[], int], capsys: pytest.CaptureFixture[str]
) -> None:
    contract = copied / "contract.yaml"
    contract.write_text(contract.read_text(encoding="utf-8").replace("kind: boolean", "kind: bool"), encoding="utf-8")
    reseal(copied)
    assert refusal(copied, free_port, capsys).startswith(f"{contract}: is sealed but can't be read: ")


def test_golden_requests_that_lie_stop_it(copied: Path, reseal: Callable[[Path], None], run: Run) -> None:
    path = copied / "golden.json"
    golden = json.loads(path.read_bytes())
    golden["requests"][1]["probabilities"][0]["disease"] += 0.25
    path.write_text(json.dumps(golden), encoding="utf-8")
    reseal(copied)
    ended = run("--bundle", copied)
    assert ended.returncode == 1
    assert ended.stdout == ""
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f"{path}: request 'atypical angina, nothing else found': row 0: probability ")
    assert line.endswith(": 0.25 apart, at most 1e-06 is allowed")


def test_a_port_in_use_is_named(bundle: Path, run: Run) -> None:
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = run("--bundle", bundle, "--http_port", str(port))
    assert ended.returncode == 1
    assert ended.stderr == f"port {port} can't be listened on: Address already in use; choose another --http_port\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "error: --bundle (or PREDICTOR_BUNDLE): is required"),
        (["--bundle", "x", "--workers", "2"], "error: --workers: one process serves a pod"),
        (
            ["--bundle", "x", "--enable_grpc", "perhaps"],
            "error: --enable_grpc (or PREDICTOR_ENABLE_GRPC): input should be",
        ),
        (
            ["--bundle", "x", "--http_port", "70000"],
            "error: --http_port (or PREDICTOR_HTTP_PORT): input should be less",
        ),
        (["--bundle", "x", "--bundel", "y"], "error: unrecognized arguments: --bundel y"),
    ],
)
def test_wrong_arguments_end_with_status_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    assert words in capsys.readouterr().err


def test_help_teaches(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    text = capsys.readouterr().out
    for name, field in Settings.model_fields.items():
        assert f"--{name} " in text
        assert field.description
    for word in ("--model_dir", "PREDICTOR_HTTP_PORT", "Try:", "Exit status"):
        assert word in text


def test_sigterm_ends_it_cleanly_also_with_a_connection_that_stays_open(bundle: Path, start: Start) -> None:
    process, url = start(bundle, "--model_name", "heart")
    with httpx.Client(base_url=url) as client:
        client.get("/v2/models/heart")
        process.terminate()
        assert process.wait(30) == 0


def test_sigterm_as_soon_as_it_listens_is_not_lost(bundle: Path, free_port: Callable[[], int]) -> None:
    port = str(free_port())
    arguments = ["--model_dir", str(bundle), "--http_port", port, "--model_name", "h", "--drain_delay_seconds", "0"]
    with subprocess.Popen(
        [sys.executable, "-m", "predictor", *arguments], cwd=ROOT, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        line = json.loads(process.stderr.readline())
        process.terminate()
        assert process.wait(30) == 0
    digest = json.loads((bundle / MANIFEST).read_bytes())["digest"]
    assert line["message"] == (
        f"h version 7 (digest {digest[:12]}) ready on http://0.0.0.0:{port}: 13 features, threshold 0.4000,"
        " 6 golden requests pass"
    )


@pytest.mark.parametrize("seconds", [0.1, 0.3, 0.6, 0.9])
def test_sigterm_while_it_starts_ends_it_too(bundle: Path, free_port: Callable[[], int], seconds: float) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "predictor", "--bundle", bundle, "--http_port", str(free_port())],
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PREDICTOR_DRAIN_DELAY_SECONDS": "0"},
    )
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(seconds)
    process.terminate()
    assert process.wait(30) in {0, -signal.SIGTERM}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may make a process the first of its namespace")
def test_sigterm_while_it_starts_ends_the_first_process_of_a_container(
    bundle: Path, free_port: Callable[[], int]
) -> None:
    arguments = ["--bundle", str(bundle), "--http_port", str(free_port()), "--drain_delay_seconds", "0"]
    outside = subprocess.Popen(
        ["unshare", "--pid", "--fork", "--kill-child", sys.executable, "-m", "predictor", *arguments],
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
    )
    with pytest.raises(subprocess.TimeoutExpired):
        outside.wait(0.4)
    (first,) = psutil.Process(outside.pid).children()
    first.terminate()
    assert outside.wait(10) == 0


def test_nothing_is_told_to_the_maker_of_onnx_runtime(bundle: Path, tmp_path: Path) -> None:
    code = "import sys; from contract.bundle import load_bundle; load_bundle(sys.argv[1])"
    environment = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    subprocess.run(
        [sys.executable, "-c", code, bundle],
        cwd=ROOT,
        env={**environment, "HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path)},
        check=True,
    )
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.parametrize(
    ("modules", "never"),
    [
        ("v1, v2, golden, served, settings, explain, lane", "kserve pandas sklearn kfp mlflow matplotlib"),
        ("__main__, repository, server", "pandas sklearn skl2onnx kfp mlflow matplotlib kubernetes components"),
    ],
)
def test_serving_imports_nothing_of_training(modules: str, never: str) -> None:
    code = f"import sys; from predictor import {modules}; print(*(set({never.split()!r}) & set(sys.modules)))"
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == ""
