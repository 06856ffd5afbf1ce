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
    for arguments in ((), ("check",), ("chek", HEART), ("draft",), ("draft", "table.csv")):
        done = run(*arguments)
        assert done.returncode == 2
        assert done.stdout == ""
        assert done.stderr.startswith("usage: python -m contract")


def test_help_shows_what_to_try() -> None:
    done = run("--help")
    assert done.returncode == 0
    assert "python -m contract check datasets/heart/contract.yaml" in done.stdout
    assert "python -m contract draft --help" in done.stdout


def test_help_of_draft_teaches_what_it_does_and_what_comes_next() -> None:
    done = run("draft", "--help")
    assert done.returncode == 0
    for part in ("# review:", "--target COLUMN", "--positive VALUE", "--force", "make run DATASET=churn EFFORT=quick"):
        assert part in done.stdout


def test_a_draft_passes_the_check_and_says_what_to_do_next(tmp_path: Path) -> None:
    output = tmp_path / "draft.yaml"
    done = run("draft", "datasets/heart/cleveland.csv", "--target", "num", "--output", output, "--name", "hearts")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{output}: 303 rows, 13 features: 4 integer, 3 boolean, 5 categorical, 1 numeric\n")
    marks = output.read_text(encoding="utf-8").count("# review:")
    assert marks > 13
    assert f"look at its {marks} lines with `# review:`" in done.stdout
    assert f"python pipeline.py run {output} --effort quick" in done.stdout
    checked = run("check", output)
    assert (checked.returncode, checked.stderr) == (0, "")
    assert checked.stdout == f"{output}: Hearts: 13 features, target num: fine\n"


def test_a_table_in_datasets_is_run_by_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "datasets" / "two_words"
    folder.mkdir(parents=True)
    (folder / "table.csv").write_text("a,y\n1.5,0\n2,1\n", encoding="utf-8")
    done = run("draft", folder / "table.csv", "--target", "y")
    assert (done.returncode, done.stderr) == (0, "")
    assert "make run DATASET=two_words EFFORT=quick" in done.stdout
    assert "name: two-words" in (folder / "contract.yaml").read_text(encoding="utf-8")


def test_a_draft_overwrites_nothing_unless_told_to(tmp_path: Path) -> None:
    table, output = tmp_path / "table.csv", tmp_path / "contract.yaml"
    table.write_text("a,y\n1.5,0\n2,1\n", encoding="utf-8")
    output.write_text("mine\n", encoding="utf-8")
    done = run("draft", table, "--target", "y")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"{output}: is there already; name another --output, or overwrite it with --force\n"
    assert output.read_text(encoding="utf-8") == "mine\n"
    assert run("draft", table, "--target", "y", "--force").returncode == 0
    assert run("check", output).returncode == 0


def test_what_can_not_be_drafted_is_one_message_without_a_traceback(tmp_path: Path) -> None:
    done = run("draft", tmp_path / "absent.csv", "--target", "y")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        f"{tmp_path / 'absent.csv'}: can't be read: No such file or directory; name the CSV file of the table\n"
    )
    unknown = run("draft", HEART.replace("contract.yaml", "va.csv"), "--target", "Num", "--output", tmp_path / "c.yaml")
    assert unknown.returncode == 1
    assert "has no column 'Num'. Did you mean 'num'?" in unknown.stderr
    named = run("draft", HEART, "--target", "num", "--name", "Heart Disease")
    assert named.returncode == 2
    assert "'Heart Disease' is no name of a model; 'heart-disease' would be one" in named.stderr


def test_drafting_needs_nothing_of_what_trains(tmp_path: Path) -> None:
    output = tmp_path / "c.yaml"
    code = (
        "import sys, contract.__main__\n"
        f"contract.__main__.main(['draft', 'datasets/heart/va.csv', '--target=num', r'--output={output}'])\n"
        "print({'pandas', 'sklearn', 'kfp', 'mlflow'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.endswith("set()\n")


def test_the_schema_says_what_a_contract_may_hold() -> None:
    done = run("schema")
    assert (done.returncode, done.stderr) == (0, "")
    schema = json.loads(done.stdout)
    required = {"format", "name", "title", "description", "licence", "citation", "training", "features"}
    assert set(schema["required"]) == required | {"target", "split", "decision", "examples"}
    kinds = schema["properties"]["features"]["items"]["discriminator"]["mapping"]
    assert set(kinds) == {"numeric", "integer", "boolean", "categorical"}
    value = schema["$defs"]["Threshold"]["properties"]["value"]
    assert {"type": "number", "minimum": 0, "maximum": 1} in value["anyOf"]
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
