"""What the model is asked about: how far features have moved since training, and what is odd about their values."""

from __future__ import annotations

from monitoring.dashboards.dashboard import Section
from monitoring.dashboards.panel import (
    COUNT,
    NUMBER,
    RATIO,
    ROWS,
    Query,
    Step,
    bar_chart,
    bar_gauge,
    joined,
    merged,
    table,
    time_series,
)
from monitoring.dashboards.promql import MODEL, highest, increase, lowest, rate, total
from monitoring.objectives import OBJECTIVES

VALUES = "predictor_feature_values_total"
MISSING = "predictor_missing_values_total"
REFUSED = "predictor_refused_values_total"
CHOSEN = f'{MODEL}, feature="$feature"'
TOO_FEW = "too few rows yet"

MOVED = (Step("green"), Step("yellow", OBJECTIVES.drift_psi / 2), Step("red", OBJECTIVES.drift_psi))
PSI = (
    f"PSI above {OBJECTIVES.drift_psi / 2:g} is somewhat, above {OBJECTIVES.drift_psi:g} clearly moved, if it is also"
    " above what chance explains with so few rows."
)


def _psi(metric: str, *labels: str, matchers: str = MODEL) -> str:
    return highest(f"predictor_{metric}{{{matchers}}}", *labels)


DRIFT = Section(
    "Drift",
    (
        bar_gauge(
            "Drift by feature",
            f"Distance of each feature's newest values from training, the largest first. {PSI} NaN until the window has"
            " enough rows.",
            Query(f"sort_desc({_psi('feature_drift_psi', 'model', 'feature')})", "{{model}} {{feature}}", instant=True),
            unit=NUMBER,
            minimum=0,
            decimals=3,
            steps=MOVED,
            alerts=("PredictorFeatureDrift",),
            empty=TOO_FEW,
        ),
        time_series(
            "Drift over time",
            f"The same over time, for every feature. {PSI}",
            Query(_psi("feature_drift_psi", "model", "feature"), "{{model}} {{feature}}"),
            unit=NUMBER,
            minimum=0,
            steps=MOVED,
            alerts=("PredictorFeatureDrift",),
            empty=TOO_FEW,
        ),
        time_series(
            "Drift of one feature, beside chance",
            "The chosen feature's PSI, and what PSI stays below by chance 99.9 % of the time (dashed). Worry when it is"
            " above both lines.",
            Query(_psi("feature_drift_psi", "model", "feature", matchers=CHOSEN), "{{model}} {{feature}}"),
            Query(_psi("feature_drift_psi_chance", "model", "feature", matchers=CHOSEN), "{{model}} chance"),
            unit=NUMBER,
            minimum=0,
            steps=MOVED,
            alerts=("PredictorFeatureDrift",),
            empty=TOO_FEW,
        ),
        time_series(
            "Prediction drift",
            f"Distance of the newest probabilities of a class from training, and chance (dashed). {PSI} It moves with"
            " the features and also when the wrong bundle is served.",
            Query(_psi("prediction_drift_psi", "model", "label"), "{{model}}: {{label}}"),
            Query(_psi("prediction_drift_psi_chance", "model", "label"), "{{model}}: {{label}}, chance"),
            unit=NUMBER,
            minimum=0,
            width=12,
            steps=MOVED,
            alerts=("PredictorPredictionDrift",),
            empty=TOO_FEW,
        ),
        time_series(
            "Rows that drift is told from",
            "Newest rows in each instance's window. Below the minimum (--drift_minimum) drift isn't told; a window that"
            " empties means that traffic has ceased.",
            Query(lowest(f"predictor_drift_window_rows{{{MODEL}}}", "model", "instance"), "{{model}} {{instance}}"),
            unit=COUNT,
            minimum=0,
            width=12,
        ),
    ),
)


def _by_bin(window_of: str) -> str:
    """Values by bin as shares of all of them; those that are missing are a bin of their own, as in the profile."""
    window = "$__range" if window_of == "increase" else "$__rate_interval"
    values = total(f"{window_of}({VALUES}{{{CHOSEN}}}[{window}])", "bin")
    missing = total(f"{window_of}({MISSING}{{{CHOSEN}}}[{window}])")
    everything = f"{total(f'{window_of}({VALUES}{{{CHOSEN}}}[{window}])')} + {missing}"
    labelled = f'label_replace({missing}, "bin", "missing", "", "")'
    return f"({values} or {labelled}) / on () group_left () (({everything}) > 0)"


MISSING_RATIO = (
    f"{total(increase(MISSING), 'feature')} / (({total(increase(VALUES), 'feature')}"
    f" + {total(increase(MISSING), 'feature')}) > 0)"
)
TRAINING_MISSING = highest(f'predictor_profile_share{{{MODEL}, bin="missing"}}', "feature")

FEATURES = Section(
    "Features",
    (
        bar_chart(
            "Values of one feature, beside training",
            "The chosen feature's values over the time shown, as shares by bin, beside those of the training rows."
            " Where the bars differ is where it has moved. Choose one model: bins of several would be mixed.",
            Query(_by_bin("increase"), "live", instant=True),
            Query(highest(f"predictor_profile_share{{{CHOSEN}}}", "bin"), "training", instant=True),
            unit=RATIO,
            width=12,
            maximum=None,
            reshaping=joined("bin", "live", "training"),
            alerts=("PredictorFeatureDrift",),
            covers=("iris serving: Input feature monitoring",),
            empty="no traffic",
        ),
        time_series(
            "Values of one feature over time",
            "The chosen feature's live values as shares by bin. Worry about a step: a client, a unit or a source has"
            " changed.",
            Query(_by_bin("rate"), "{{bin}}"),
            unit=RATIO,
            width=12,
            stacked=True,
            alerts=("PredictorFeatureDrift",),
            covers=("iris serving: Input feature monitoring",),
            empty="no traffic",
        ),
        bar_chart(
            "Missing values, beside training",
            "Share of each feature's values that are missing, over the time shown and in the training rows. Worry when"
            " live is far above training: a source has stopped sending it.",
            Query(MISSING_RATIO, "live", instant=True),
            Query(TRAINING_MISSING, "training", instant=True),
            unit=RATIO,
            maximum=None,
            reshaping=joined("feature", "live", "training"),
            alerts=("PredictorMissingValues",),
            empty="no traffic",
        ),
        time_series(
            "Unusual values",
            "Values outside the contract's usual range, answered with a warning, by feature. Worry when one keeps"
            " coming: the model was not trained on such rows.",
            Query(total(rate("predictor_unusual_values_total"), "model", "feature"), "{{model}} {{feature}}"),
            unit=ROWS,
            alerts=("PredictorFeatureDrift",),
            covers=("iris serving: Input feature monitoring",),
        ),
        time_series(
            "Refused values by rule",
            "Values that the contract refuses, by the rule they break; each refuses its whole request. Worry about"
            " unknown-category and out-of-range: a client speaks another coding.",
            Query(total(rate(REFUSED), "model", "rule"), "{{model}} {{rule}}"),
            unit=ROWS,
            alerts=("PredictorRefusals",),
            covers=("heart monitoring: Error Rate",),
        ),
        table(
            "Refused values by feature",
            "What was refused over the time shown, by feature and rule, the most frequent first. It names what to ask"
            " the client about.",
            Query(f"sort_desc({total(increase(REFUSED), 'model', 'feature', 'rule')} > 0)", instant=True),
            unit=COUNT,
            width=24,
            decimals=0,
            reshaping=merged(("model", "feature", "rule"), "values"),
            alerts=("PredictorRefusals",),
            empty="nothing was refused",
        ),
    ),
)
