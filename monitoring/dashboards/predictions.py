"""What the model says: classes, how sure it is, and the probabilities behind them."""

from __future__ import annotations

from monitoring.dashboards.dashboard import Section
from monitoring.dashboards.panel import (
    COUNT,
    NUMBER,
    RATIO,
    ROWS,
    SECONDS,
    Query,
    gauge,
    heatmap,
    pie_chart,
    stat,
    time_series,
    worse_above,
)
from monitoring.dashboards.promql import MODEL, average, buckets, highest, increase, lowest, quantile, rate, total
from monitoring.objectives import OBJECTIVES

PREDICTIONS = "predictor_predictions_total"
CONFIDENCE = "predictor_prediction_confidence"
PROBABILITY = "predictor_prediction_probability"
CHOSEN = f'{MODEL}, label=~"$class"'
DAY = 86_400

AGE = f"time() - {lowest(f'predictor_model_created_timestamp_seconds{{{MODEL}}}', 'model')}"
THRESHOLD = highest(f"predictor_model_threshold{{{MODEL}}}", "model")
MOVED = (
    f"sum((({highest(f'predictor_feature_drift_psi{{{MODEL}}}', 'model', 'feature')} >= 0)"
    f" > bool {OBJECTIVES.drift_psi:g})"
    f" * ({highest(f'predictor_feature_drift_psi{{{MODEL}}}', 'model', 'feature')}"
    f" > bool {highest(f'predictor_feature_drift_psi_chance{{{MODEL}}}', 'model', 'feature')}))"
)

MODEL_NOW = Section(
    "Now",
    (
        stat(
            "Version",
            "The version of the bundle that is served. Worry about two of one model outside a roll-out.",
            Query(
                f"count by (model, version) (predictor_model_info{{{MODEL}}})", "{{model}} {{version}}", instant=True
            ),
            unit=NUMBER,
            width=8,
            alerts=("PredictorVersionsMixed",),
            covers=("heart monitoring: Model Status",),
            empty="no model",
        ),
        stat(
            "Age",
            f"Time since the bundle was sealed, of the oldest that is served. From"
            f" {OBJECTIVES.stale_days} days on it should be trained anew.",
            Query(AGE, "{{model}}", instant=True),
            unit=SECONDS,
            steps=worse_above(OBJECTIVES.stale_days * DAY, OBJECTIVES.stale_days * DAY * 2 / 3),
            alerts=("PredictorModelStale",),
            empty="unknown",
        ),
        stat(
            "Threshold",
            "Probability from which a row is decided positive; with more than two classes there is none, as the most"
            " probable one is answered. It changes with the version, never by itself.",
            Query(THRESHOLD, "{{model}}", instant=True),
            unit=RATIO,
            decimals=1,
            empty="none",
        ),
        stat(
            "Features that have moved",
            f"Features whose PSI is above {OBJECTIVES.drift_psi:g} and above what chance explains. Worry about any.",
            Query(MOVED, instant=True),
            decimals=0,
            steps=worse_above(3, 1),
            alerts=("PredictorFeatureDrift",),
            empty="too few rows yet",
        ),
        stat(
            "Rows predicted",
            "Rows answered over the time shown, all classes together.",
            Query(total(increase(PREDICTIONS)), instant=True),
            decimals=0,
            covers=("heart monitoring: Total Predictions", "road accidents: Total Predictions"),
        ),
    ),
)

CLASSES = Section(
    "Predictions",
    (
        time_series(
            "Predictions by class",
            "Rows answered, by the class decided on. Worry when a class disappears.",
            Query(total(rate(PREDICTIONS), "model", "label"), "{{model}}: {{label}}"),
            unit=ROWS,
            alerts=("PredictorCollapsed",),
            covers=("heart monitoring: Predictions by Result", "iris serving: Prediction distribution"),
        ),
        time_series(
            "Share of each class",
            "The same as shares of a model's rows. Worry when a share jumps without a reason in the world, and above"
            f" all when one class has all of {OBJECTIVES.one_class_rows} rows: the model has collapsed, or its input.",
            Query(
                f"{total(rate(PREDICTIONS), 'model', 'label')} / on (model) group_left ()"
                f" ({total(rate(PREDICTIONS), 'model')} > 0)",
                "{{model}}: {{label}}",
            ),
            unit=RATIO,
            stacked=True,
            alerts=("PredictorCollapsed", "PredictorPredictionDrift"),
            covers=("iris serving: Prediction distribution",),
        ),
        pie_chart(
            "Rows by class",
            "Rows answered over the time shown, by the class decided on.",
            Query(total(increase(PREDICTIONS), "model", "label"), "{{model}}: {{label}}", instant=True),
            unit=COUNT,
            decimals=0,
            alerts=("PredictorCollapsed",),
            covers=("heart pipeline: Predictions by Label",),
        ),
    ),
)

PROBABILITIES = Section(
    "Confidence and probability",
    (
        heatmap(
            "Confidence",
            "Probability of the class decided on: how sure the model is, row by row. Worry when all rows crowd at 1, as"
            " with features that were never scaled, or where the answer changes: at the threshold, or with more than"
            " two classes low down.",
            Query(buckets(CONFIDENCE), "{{le}}"),
            unit=RATIO,
            covers=("heart monitoring: Confidence",),
        ),
        gauge(
            "Median confidence",
            "The median of the same over the time shown, by class.",
            Query(
                f"histogram_quantile(0.5, {total(increase(f'{CONFIDENCE}_bucket'), 'le', 'model', 'label')})",
                "{{model}}: {{label}}",
                instant=True,
            ),
            width=8,
            height=8,
            covers=("heart pipeline: Median Prediction Confidence",),
            empty="no traffic",
        ),
        time_series(
            "Confidence by class",
            "Median and mean of the confidence over time. In a slow fall, rows come ever closer to another answer.",
            Query(quantile(0.5, CONFIDENCE, MODEL, "model", "label"), "{{model}}: {{label}}, median"),
            Query(average(CONFIDENCE, MODEL, "model", "label"), "{{model}}: {{label}}, mean"),
            unit=RATIO,
            covers=("heart pipeline: Median Prediction Confidence", "heart monitoring: Confidence"),
        ),
        heatmap(
            "Probability",
            "Probability of the positive class, row by row; with more than two classes that of each, or of the chosen"
            " one. Worry when its shape changes: see prediction drift.",
            Query(buckets(PROBABILITY, CHOSEN), "{{le}}"),
            unit=RATIO,
            alerts=("PredictorPredictionDrift",),
            covers=("Porto Seguro inference: Prediction distribution",),
        ),
        time_series(
            "Probability over time",
            "The same in quantiles and as a mean, beside the threshold (dashed). Without bias the mean is near the"
            " share of rows that are truly of the class.",
            *(
                Query(quantile(share, PROBABILITY, CHOSEN, "model", "label"), f"{{{{model}}}}: {{{{label}}}}, {name}")
                for share, name in ((0.1, "p10"), (0.5, "p50"), (0.9, "p90"))
            ),
            Query(average(PROBABILITY, CHOSEN, "model", "label"), "{{model}}: {{label}}, mean"),
            Query(THRESHOLD, "{{model}} threshold"),
            unit=RATIO,
            width=16,
            alerts=("PredictorPredictionDrift",),
            covers=("Porto Seguro inference: Prediction distribution",),
        ),
    ),
)
