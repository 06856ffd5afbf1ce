"""A file is answered as the real server answers its rows, and shards of it add up."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pyarrow as pa
import pytest
from kfp import dsl
from pyarrow import csv as arrow_csv
from pyarrow import parquet

from components import score
from components.errors import StageError, UnreadableTable, UnwritableFile
from components.scoring.job import score_file
from contract.bundle import load_bundle

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

    from contract.schema import Contract

    Start = Callable[..., tuple[subprocess.Popen[str], str]]

PROJECT = Path(__file__).parents[2]


def requests(contract: Contract, source: Path) -> list[dict[str, Any]]:
    """What a client would send for the rows of a file: each cell as JSON, if it is any."""
    with source.open(encoding="utf-8", newline="") as file:
        return [
            {feature.name: sent(row[feature.column or feature.name]) for feature in contract.features}
            for row in csv.DictReader(file)
        ]


def sent(cell: str) -> Any:
    try:
        return json.loads(cell)
    except ValueError:
        return None if cell in ("", "?") else cell


def spoilt(source: Path, path: Path) -> Path:
    """A copy whose rows hold what the contract doesn't allow, here and there."""
    with source.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    for number, cell in ((3, "nobody"), (5, ""), (7, "-7"), (11, "1e9"), (13, "0.5")):
        for column in range(0, len(header) - 1, 2):
            rows[number][column] = cell
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return path


@pytest.mark.parametrize(("fixture", "data"), [("bundle", "heart/cleveland.csv"), ("flowers", "iris/iris.csv")])
def test_the_server_says_the_same(
    request: pytest.FixtureRequest, start: Start, tmp_path: Path, fixture: str, data: str
) -> None:
    directory: Path = request.getfixturevalue(fixture)
    model = load_bundle(directory)
    source = spoilt(PROJECT / "datasets" / data, tmp_path / "rows.csv")
    counts = score_file(model, source, tmp_path / "answers.csv")
    answers = {row["row"]: row for row in arrow_csv.read_csv(tmp_path / "answers.csv").to_pylist()}
    with (tmp_path / "answers.refused.csv").open(encoding="utf-8", newline="") as file:
        reasons: dict[int, list[str]] = {}
        for item in csv.DictReader(file):
            reason = f"{item['column']}: {item['value']} breaks '{item['rule']}'; allowed: {item['allowed']}"
            reasons.setdefault(int(item["row"]), []).append(f"row 0, {reason}")
    asked = requests(model.contract, source)
    process, url = start(directory)
    try:
        with httpx.Client(base_url=url) as client:
            path = f"/v1/models/{model.manifest.name}:predict"
            together = client.post(path, json={"instances": [asked[row] for row in answers]}).raise_for_status().json()
            told = {row: client.post(path, json={"instances": [asked[row]]}) for row in reasons}
    finally:
        process.terminate()
        process.communicate()
    for answer, prediction in zip(answers.values(), together["predictions"], strict=True):
        assert answer["label"] == prediction["label"]
        labels, probabilities = model.contract.target.labels, prediction["probabilities"]
        if model.contract.target.is_binary:
            assert (answer["decision"], answer["probability"]) == (prediction["decision"], probabilities[labels[1]])
        else:
            assert [answer[f"probability_{label}"] for label in labels] == [probabilities[label] for label in labels]
    for row, reply in told.items():
        assert reply.status_code == 400
        assert reply.json()["error"] == "; ".join(reasons[row])
    assert sorted([*answers, *reasons]) == list(range(len(asked)))
    assert counts.refused >= 4
    assert counts.answered > 100


def artifact(path: Path) -> dsl.Artifact:
    return dsl.Artifact(uri=str(path))


def many(tmp_path: Path) -> Path:
    """More than two megabytes of real rows, the last of them no row."""
    header, *rows = (PROJECT / "datasets" / "heart" / "cleveland.csv").read_text().splitlines()
    source = tmp_path / "many.csv"
    source.write_text("\n".join([header, *(rows * 200), "1,2,3"]) + "\n")
    return source


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_the_stages_of_shards_give_what_one_run_gives(bundle: Path, tmp_path: Path, kind: str) -> None:
    source = many(tmp_path)
    numbers = score.numbers(1, artifact(source))
    assert numbers == [0, 1, 2]
    shards = [artifact(tmp_path / f"shard-{shard}") for shard in numbers]
    for shard, kept in zip(numbers, shards, strict=True):
        score.run_shard(shard, 1, artifact(bundle), artifact(source), kept)
        assert kept.metadata["rows"] > 10_000
    answers, refused = artifact(tmp_path / "answers"), artifact(tmp_path / "refused")
    count = score.join(kind, shards, answers, refused)
    whole = score_file(load_bundle(bundle), source, tmp_path / f"out.{kind}", tmp_path / f"refused.{kind}")
    assert (count, answers.metadata["rows"]) == (whole.refused, whole.answered)
    assert refused.metadata["rules"] == whole.by_rule
    for one, other in (("answers", f"out.{kind}"), ("refused", f"refused.{kind}")):
        if kind == "csv":
            assert (tmp_path / one).read_bytes() == (tmp_path / other).read_bytes()
        else:
            read = [parquet.read_table(pa.OSFile(str(tmp_path / name))) for name in (one, other)]
            assert read[0].equals(read[1])


def test_what_shards_cannot_be_made_of(bundle: Path, tmp_path: Path) -> None:
    source = tmp_path / "rows.csv"
    source.write_text((PROJECT / "datasets" / "heart" / "cleveland.csv").read_text().splitlines()[0] + "\n")
    with pytest.raises(StageError, match="shard_megabytes is 0"):
        score.numbers(0, artifact(source))
    with pytest.raises(UnreadableTable, match="can't be read"):
        score.numbers(1, artifact(tmp_path / "absent"))
    kept = artifact(tmp_path / "shard")
    score.run_shard(0, 1, artifact(bundle), artifact(source), kept)
    for kind, error, words in (("xlsx", UnwritableFile, "ends with neither"), ("csv", UnreadableTable, "no rows")):
        with pytest.raises(error, match=words):
            score.join(kind, [kept], artifact(tmp_path / "answers"), artifact(tmp_path / "refused"))
    assert {path.name for path in tmp_path.iterdir()} == {"rows.csv", "shard"}
