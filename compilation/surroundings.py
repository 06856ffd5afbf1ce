"""What tasks learn from their namespace: addresses from a ConfigMap, credentials from Secrets, each only where needed.

All of it is optional. Without the ConfigMap the first task ends with a sentence that says what is missing, where
Kubernetes would let a pod wait for it without a word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from components.needs import Reach

if TYPE_CHECKING:
    from collections.abc import Mapping

ADDRESSES = "concord"
"""The ConfigMap."""

ADDRESSES_OF: Mapping[Reach, Mapping[str, str]] = {
    Reach.MLFLOW: {
        "mlflow-tracking-uri": "MLFLOW_TRACKING_URI",
        "mlflow-s3-endpoint-url": "MLFLOW_S3_ENDPOINT_URL",
    },
}
"""What a stage gets of it, by what it reaches: variables of the environment by the keys of the ConfigMap."""

SECRET_OF: Mapping[Reach, str] = {Reach.SOURCES: "concord-sources", Reach.MLFLOW: "concord-mlflow"}
"""The Secret of a stage, by what it reaches: who may read tables needn't be who may write models."""

_S3 = {
    "aws-access-key-id": "AWS_ACCESS_KEY_ID",
    "aws-secret-access-key": "AWS_SECRET_ACCESS_KEY",
    "aws-session-token": "AWS_SESSION_TOKEN",
}

CREDENTIALS_OF: Mapping[Reach, Mapping[str, str]] = {
    Reach.SOURCES: _S3,
    Reach.MLFLOW: {
        "username": "MLFLOW_TRACKING_USERNAME",
        "password": "MLFLOW_TRACKING_PASSWORD",
        "token": "MLFLOW_TRACKING_TOKEN",
        **_S3,
    },
}
"""What a stage gets of its Secret: variables of the environment by the keys of the Secret. No key has to exist."""
