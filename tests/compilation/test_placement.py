"""What a cluster is told about each task, as it stands in the YAML."""

from __future__ import annotations

import pytest

from compilation.surroundings import ADDRESSES
from components.needs import NEEDS, Reach
from tests.compilation.documents import Documents

STAGES = sorted(NEEDS)


def of(train: Documents, score: Documents, stage: str) -> Documents:
    return score if stage in {"shards", "score-shard", "gather"} else train


@pytest.mark.parametrize("stage", STAGES)
def test_a_task_gets_what_its_stage_needs(train: Documents, score: Documents, stage: str) -> None:
    documents, needs = of(train, score, stage), NEEDS[stage]
    resources = documents.container(stage)["resources"]
    assert resources["resourceCpuRequest"] == needs.cpu
    assert resources["resourceCpuLimit"] == needs.cpu_limit
    assert resources["resourceMemoryRequest"] == resources["resourceMemoryLimit"] == needs.memory
    assert documents.pod(stage)["activeDeadlineSeconds"] == str(needs.minutes * 60)
    task = documents.task(stage)
    assert task.get("cachingOptions", {}).get("enableCache", False) == (needs.reaches == Reach.NOTHING)
    assert task.get("retryPolicy", {}).get("maxRetryCount", 0) == needs.retries


@pytest.mark.parametrize("stage", STAGES)
def test_no_pod_is_roots_and_each_says_what_it_is(train: Documents, score: Documents, stage: str) -> None:
    pod = of(train, score, stage).pod(stage)
    assert pod["securityContext"] == {"runAsUser": "10001", "runAsGroup": "10001", "runAsNonRoot": True}
    assert pod["emptyDirMounts"] == [{"volumeName": "tmp", "mountPath": "/tmp", "sizeLimit": "10Gi"}]
    assert pod["imagePullPolicy"] == "IfNotPresent"
    assert pod["podMetadata"]["labels"] == {
        "app.kubernetes.io/name": "concord",
        "app.kubernetes.io/component": stage,
        "app.kubernetes.io/part-of": "concord",
        "app.kubernetes.io/managed-by": "kubeflow-pipelines",
        "concord/reaches": NEEDS[stage].reaches,
    }


@pytest.mark.parametrize("stage", STAGES)
def test_credentials_go_by_name_to_those_alone_that_need_them(train: Documents, score: Documents, stage: str) -> None:
    pod = of(train, score, stage).pod(stage)
    secrets = {
        item["secretNameParameter"]["runtimeValue"]["constant"]: {pair["envVar"] for pair in item["keyToEnv"]}
        for item in pod.get("secretAsEnv", [])
    }
    addresses = {
        item["configMapNameParameter"]["runtimeValue"]["constant"]: {pair["envVar"] for pair in item["keyToEnv"]}
        for item in pod.get("configMapAsEnv", [])
    }
    s3 = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}
    mlflow = {"MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN"}
    match stage:
        case "check-tracking" | "register" | "publish":
            assert secrets == {"concord-mlflow": mlflow | s3}
            assert addresses == {ADDRESSES: {"MLFLOW_TRACKING_URI", "MLFLOW_S3_ENDPOINT_URL"}}
        case "ingest":
            assert secrets == {"concord-sources": s3}
            assert addresses == {}
        case _:
            assert secrets == addresses == {}
    assert all(item["optional"] for item in [*pod.get("secretAsEnv", []), *pod.get("configMapAsEnv", [])])


def test_tasks_compute_with_one_thread_as_a_run_on_one_machine_does(train: Documents) -> None:
    assert train.container("train")["env"] == [{"name": "OMP_NUM_THREADS", "value": "1"}]
