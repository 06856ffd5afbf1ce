"""`python -m contract`, as a person runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import yaml

PROJECT = Path(__file__).resolve().parents[2]
HEART = "datasets/heart/contract.yaml"


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "contract", *arguments], cwd=PROJECT, capture_output=True, text=True, check=False
    )


def test_a_right_contract_is_fine() -> None:
    done = run("check", HEART)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{HEART}: Heart disease (UCI), Cleveland: 13 features, target num: fine\n"


def test_every_file_is_checked_and_every_broken_rule_is_printed(tmp_path: Path, parcels_text: str) -> None:
    broken = tmp_path / "broken.yaml"
    broken.write_text(
        parcels_text.replace("seed: 3", "seed: '3'").replace("value: 0.5", "value: 1.9"), encoding="utf-8"
    )
    fine = tmp_path / "fine.yaml"
    fine.write_text(parcels_text, encoding="utf-8")
    done = run("check", broken, tmp_path / "absent.yaml", fine)
    assert done.returncode == 1
    assert done.stdout == f"{fine}: Parcels: 5 features, target arrived: fine\n"
    assert done.stderr.splitlines() == [
        f"{broken}:59: split.seed: must be a valid integer, not '3'",
        f"{broken}:63: decision.threshold.value: must be less than or equal to 1, not 1.9",
        f"{tmp_path / 'absent.yaml'}: can't be read: No such file or directory",
    ]


def test_without_a_command_the_usage_is_told() -> None:
    for arguments in ((), ("check",), ("chek", HEART)):
        done = run(*arguments)
        assert done.returncode == 2
        assert done.stdout == ""
        assert done.stderr.startswith("usage: python -m contract")


def test_help_shows_what_to_try() -> None:
    done = run("--help")
    assert done.returncode == 0
    assert "python -m contract check datasets/heart/contract.yaml" in done.stdout


def test_the_schema_says_what_a_contract_may_hold() -> None:
    done = run("schema")
    assert (done.returncode, done.stderr) == (0, "")
    schema = json.loads(done.stdout)
    required = {"format", "name", "title", "description", "licence", "citation", "training", "features"}
    assert set(schema["required"]) == required | {"target", "split", "decision", "examples"}
    kinds = schema["properties"]["features"]["items"]["discriminator"]["mapping"]
    assert set(kinds) == {"numeric", "integer", "boolean", "categorical"}
    value = schema["$defs"]["Threshold"]["properties"]["value"]
    assert (value["type"], value["minimum"], value["maximum"]) == ("number", 0, 1)
    objects = [part for part in (schema, *schema["$defs"].values()) if "properties" in part]
    assert len(objects) > 10
    assert all(part["additionalProperties"] is False for part in objects)


def test_the_schema_knows_every_field_of_the_heart_contract() -> None:
    schema = json.loads(run("schema").stdout)
    content = yaml.safe_load((PROJECT / HEART).read_text(encoding="utf-8"))
    assert set(schema["required"]) <= set(content) <= set(schema["properties"])
    kinds = schema["properties"]["features"]["items"]["discriminator"]["mapping"]
    for feature in content["features"]:
        kind = schema["$defs"][kinds[feature["kind"]].removeprefix("#/$defs/")]
        assert set(kind["required"]) <= set(feature) <= set(kind["properties"])
    for part, name in (("target", "Target"), ("split", "Split"), ("decision", "Decision"), ("training", "Source")):
        assert set(schema["$defs"][name]["required"]) <= set(content[part]) <= set(schema["$defs"][name]["properties"])
