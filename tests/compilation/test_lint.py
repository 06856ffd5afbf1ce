"""Each rule on the real compiled pipeline, changed so that it breaks just this rule; and where it must stay silent."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from compilation.lint import RULES
from compilation.parameter_rules import LARGEST
from components.needs import NEEDS, Reach
from tests.compilation.documents import IMAGE, Documents

Change = Callable[[Documents], object]


def test_the_pipelines_keep_every_rule(train: Documents, score: Documents) -> None:
    assert train.found() == []
    assert score.found() == []


def cached(name: str) -> Change:
    return lambda it: it.task(name).update(cachingOptions={"enableCache": True})


BREAKING: dict[str, list[tuple[str, Change, str, str]]] = {
    "image-by-digest": [
        (
            "a tag",
            lambda it: it.container("split").update(image="images/python:v1"),
            "task 'Split'",
            "images/python:v1",
        ),
        ("a short digest", lambda it: it.container("split").update(image=IMAGE[:-1]), "task 'Split'", "digest"),
    ],
    "limits": [
        (
            "no memory limit",
            lambda it: it.container("train")["resources"].pop("resourceMemoryLimit"),
            "task 'Train'",
            "memory limit",
        ),
        (
            "no cpu limit",
            lambda it: it.container("report")["resources"].pop("resourceCpuLimit"),
            "task 'Report'",
            "cpu limit",
        ),
        (
            "no cpu request",
            lambda it: it.container("report")["resources"].pop("resourceCpuRequest"),
            "task 'Report'",
            "cpu request",
        ),
    ],
    "timeout": [
        ("none", lambda it: it.pod("publish").pop("activeDeadlineSeconds"), "task 'Publish'", "timeout"),
        (
            "0, which is none",
            lambda it: it.pod("publish").update(activeDeadlineSeconds="0"),
            "task 'Publish'",
            "timeout",
        ),
    ],
    "non-root": [
        ("nothing said", lambda it: it.pod("ingest").pop("securityContext"), "task 'Ingest'", "root"),
        ("root itself", lambda it: it.pod("ingest")["securityContext"].update(runAsUser="0"), "task 'Ingest'", "root"),
        ("only a number", lambda it: it.pod("ingest")["securityContext"].pop("runAsNonRoot"), "task 'Ingest'", "root"),
    ],
    "labelled": [
        (
            "another reach",
            lambda it: it.pod("register")["podMetadata"]["labels"].update({"concord/reaches": "nothing"}),
            "task 'Register'",
            "reaches mlflow",
        ),
        (
            "no reach",
            lambda it: it.pod("train")["podMetadata"]["labels"].pop("concord/reaches"),
            "task 'Train'",
            "reaches nothing",
        ),
        (
            "no label's value",
            lambda it: it.pod("train")["podMetadata"]["labels"].update(team="data science"),
            "task 'Train'",
            "data science",
        ),
    ],
    "least-credentials": [
        (
            "for what computes",
            lambda it: it.pod("train").update(secretAsEnv=it.pod("publish")["secretAsEnv"]),
            "task 'Train'",
            "'concord-mlflow'",
        ),
        (
            "an impossible name",
            lambda it: it.pod("publish")["secretAsEnv"][0]["secretNameParameter"]["runtimeValue"].update(
                constant="Concord MLflow"
            ),
            "task 'Publish'",
            "Concord MLflow",
        ),
    ],
    "installs-nothing": [
        (
            "KFP's own way",
            lambda it: it.container("train")["command"].insert(2, "python3 -m pip install --quiet pandas &&"),
            "task 'Train'",
            "'pip install'",
        ),
        (
            "a package of the system",
            lambda it: it.container("train")["args"].append("apt-get install git"),
            "task 'Train'",
            "'apt-get install'",
        ),
    ],
    "thin-body": [
        (
            "a stage in the YAML",
            lambda it: it.body("split", "import pandas", "rows = pandas.read_csv(x)", "print(rows)"),
            "task 'Split'",
            "3 statements",
        ),
        (
            "too long",
            lambda it: it.body("split", "import a", "import b", "import c", "a.run(x)"),
            "task 'Split'",
            "4 statements",
        ),
        ("no call", lambda it: it.body("split", "return x"), "task 'Split'", "1 statements"),
        ("no Python", lambda it: it.body("split", "echo hello"), "task 'Split'", "isn't a Python function"),
        (
            "another function",
            lambda it: it.container("split")["command"].append("def other():\n    run()"),
            "task 'Split'",
            "isn't a Python function",
        ),
    ],
    "no-secret": [
        (
            "a password",
            lambda it: it.container("register")["env"].append({"name": "MLFLOW_TRACKING_PASSWORD", "value": "sesame"}),
            "task 'Register'",
            "MLFLOW_TRACKING_PASSWORD",
        ),
        (
            "within an address",
            lambda it: it.container("register")["env"].append(
                {"name": "MLFLOW_TRACKING_URI", "value": "https://ada:sesame@mlflow"}
            ),
            "task 'Register'",
            "MLFLOW_TRACKING_URI",
        ),
    ],
    "declared": [
        (
            "a new component",
            lambda it: it.rename("select", "choose_at_random"),
            "task 'Select'",
            "choose-at-random",
        ),
    ],
    "not-cached": [
        (
            name,
            cached(name),
            "task",
            "may come from the cache",
        )
        for name in ("check-tracking", "ingest", "register", "publish")
    ],
    "repeatable": [
        (
            "what isn't",
            lambda it: it.task("register").update(retryPolicy={"maxRetryCount": 2, "backoffDuration": "9s"}),
            "task 'Register'",
            "3 times",
        ),
        (
            "at once",
            lambda it: it.task("ingest")["retryPolicy"].update(backoffDuration="0s"),
            "task 'Ingest'",
            "without a pause",
        ),
    ],
    "no-cache-key": [
        (
            "in the loop",
            lambda it: it.task("train").update(cachingOptions={"enableCache": True, "cacheKey": "one"}),
            "task 'Train'",
            "'one'",
        ),
    ],
    "display-name": [
        (
            "KFP's own",
            lambda it: it.task("evaluate").update(taskInfo={"name": "evaluate"}),
            "task 'evaluate'",
            "no name for people",
        ),
        ("none", lambda it: it.task("evaluate").pop("taskInfo"), "task 'evaluate'", "no name for people"),
    ],
    "valid-name": [
        (
            "too long",
            lambda it: it.spec["root"]["dag"]["tasks"].update(
                {"x" * 64: it.spec["root"]["dag"]["tasks"].pop("publish")}
            ),
            "task 'Publish'",
            "x" * 64,
        ),
    ],
    "described": [
        ("no text", lambda it: it.parameter("effort").pop("description"), "parameter 'effort'", "no description"),
        ("blanks", lambda it: it.parameter("effort").update(description=" "), "parameter 'effort'", "no description"),
    ],
    "valid-pipeline-name": [
        ("capitals", lambda it: it.spec["pipelineInfo"].update(name="Concord"), "pipeline", "'Concord'"),
    ],
    "values-fit": [
        (
            "a default",
            lambda it: it.parameter("experiment").update(defaultValue="x" * (LARGEST + 1)),
            "parameter 'experiment'",
            "32,769 bytes",
        ),
        (
            "of bytes",
            lambda it: it.parameter("experiment").update(defaultValue="é" * LARGEST),
            "parameter 'experiment'",
            "65,536 bytes",
        ),
        (
            "a constant",
            lambda it: it.task("ingest")["inputs"]["parameters"].update(
                contract_path={"runtimeValue": {"constant": "x" * 40_000}}
            ),
            "task 'Ingest'",
            "40,000 bytes",
        ),
    ],
    "no-secret-value": [
        (
            "within an address",
            lambda it: it.parameter("source").update(defaultValue={"": "https://ada:sesame@tables/heart.csv"}),
            "parameter 'source'",
            "looks like a secret",
        ),
        (
            "by its name",
            lambda it: it.spec["root"]["inputDefinitions"]["parameters"].update(
                api_token={"parameterType": "STRING", "defaultValue": "x", "description": "A token."}
            ),
            "parameter 'api_token'",
            "looks like a secret",
        ),
    ],
}


@pytest.mark.parametrize(
    ("rule", "change", "place", "words"),
    [
        pytest.param(rule, change, place, words, id=f"{rule}-{title}")
        for rule, cases in BREAKING.items()
        for title, change, place, words in cases
    ],
)
def test_a_rule_finds_what_breaks_it_and_no_other_rule_does(
    train: Documents, rule: str, change: Change, place: str, words: str
) -> None:
    change(train)
    found = train.found()
    assert {finding.rule for finding in found} == {rule}
    (finding,) = found
    assert finding.place.startswith(place)
    assert words in finding.fault.wrong
    assert finding.fault.fix


def test_every_rule_is_tested() -> None:
    assert set(BREAKING) == set(RULES)


KEEPING: list[tuple[str, Change]] = [
    ("a registry with a port", lambda it: it.container("split").update(image="[::1]:5000/" + IMAGE.partition("/")[2])),
    ("a tag beside the digest", lambda it: it.container("split").update(image=IMAGE.replace("@", ":v1@"))),
    ("more memory", lambda it: it.container("train")["resources"].update(resourceMemoryLimit="64Gi")),
    ("another user", lambda it: it.pod("train")["securityContext"].update(runAsUser="65532")),
    ("a label of somebody else", lambda it: it.pod("train")["podMetadata"]["labels"].update(team="data-science")),
    ("an empty variable", lambda it: it.container("train")["env"].append({"name": "API_TOKEN", "value": ""})),
    (
        "an address without a password",
        lambda it: it.container("train")["env"].append({"name": "PLACE", "value": "https://ada@host/x"}),
    ),
    (
        "imports and a call whose result isn't kept",
        lambda it: it.body("split", "import a", "from b import run", "run(x)"),
    ),
    ("the word pip", lambda it: it.body("split", "from pipes import install", "return install(x)")),
    ("no cache for what computes", lambda it: it.task("train").update(cachingOptions={})),
    (
        "a cache key outside of a loop",
        lambda it: it.task("split").update(cachingOptions={"enableCache": True, "cacheKey": "one"}),
    ),
    (
        "retries of what computes",
        lambda it: it.task("split").update(retryPolicy={"maxRetryCount": 5, "backoffDuration": "60s"}),
    ),
    ("no retries", lambda it: it.task("ingest").pop("retryPolicy")),
    ("a parameter without a default", lambda it: it.parameter("effort").pop("defaultValue")),
    ("a value as long as allowed", lambda it: it.parameter("experiment").update(defaultValue="x" * LARGEST)),
    ("an address in the store", lambda it: it.parameter("source").update(defaultValue={"": "s3://tables/heart.csv"})),
]


@pytest.mark.parametrize("change", [pytest.param(change, id=title) for title, change in KEEPING])
def test_what_keeps_the_rules_is_let_through(train: Documents, change: Change) -> None:
    before = repr(train.all)
    change(train)
    assert repr(train.all) != before
    assert train.found() == []


@pytest.mark.parametrize("name", ["shards", "score-shard", "gather"])
def test_what_scores_files_is_never_cached(score: Documents, name: str) -> None:
    score.task(name)["cachingOptions"] = {"enableCache": True}
    assert [finding.rule for finding in score.found()] == ["not-cached"]


def test_an_import_has_a_name_for_people_too(score: Documents) -> None:
    score.task("importer")["taskInfo"] = {"name": "importer"}
    (finding,) = score.found()
    assert (finding.rule, finding.place) == ("display-name", "task 'importer'")


def test_a_tag_is_let_through_where_it_is_allowed_and_nothing_else_is(train: Documents) -> None:
    train.container("split")["image"] = "images/python:v1"
    assert train.found(allow_tag=True) == []
    train.pod("split").pop("activeDeadlineSeconds")
    assert [finding.rule for finding in train.found(allow_tag=True)] == ["timeout"]


def test_without_the_document_for_kubernetes_every_task_is_at_fault(train: Documents) -> None:
    train.platform.clear()
    found = train.found()
    assert {finding.rule for finding in found} == {"timeout", "non-root", "labelled"}
    assert len(found) == 3 * 14


def test_a_finding_names_place_fault_rule_and_fix(train: Documents) -> None:
    train.pod("train").pop("activeDeadlineSeconds")
    (finding,) = train.found()
    assert str(finding) == ("task 'Train': it has no timeout (timeout)\n    let pipeline.py place the task: placed(…)")


def test_whatever_reaches_out_may_fail_to_reach_it_so_it_is_repeated_if_it_can_be() -> None:
    for stage, needs in NEEDS.items():
        assert bool(needs.retries) <= needs.repeatable, stage
        if needs.reaches != Reach.NOTHING and needs.repeatable:
            assert needs.retries, stage
