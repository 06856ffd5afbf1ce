"""What the model says, about what, and whether it was right."""

from __future__ import annotations

from monitoring.dashboards.dashboard import Dashboard
from monitoring.dashboards.features import DRIFT, FEATURES
from monitoring.dashboards.predictions import CLASSES, MODEL_NOW, PROBABILITIES
from monitoring.dashboards.truth import TRUTH
from monitoring.dashboards.variable import CLASSES as CLASS
from monitoring.dashboards.variable import FEATURES as FEATURE
from monitoring.dashboards.variable import MODELS, NAMESPACES
from monitoring.dashboards.versions import VERSIONS

MODEL_DASHBOARD = Dashboard(
    name="model",
    title="Concord: model",
    description="What the model predicts, how far its input has moved since training, and what it was worth.",
    variables=(NAMESPACES, MODELS, CLASS, FEATURE),
    sections=(MODEL_NOW, CLASSES, PROBABILITIES, DRIFT, FEATURES, TRUTH, VERSIONS),
)
