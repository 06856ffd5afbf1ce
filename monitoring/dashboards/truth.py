"""What the model was worth: predictions beside the labels that came later, and beside what the evaluation promised."""

from __future__ import annotations

from monitoring.dashboards.dashboard import Section
from monitoring.dashboards.panel import (
    COUNT,
    NUMBER,
    RATIO,
    ROWS,
    Panel,
    Query,
    joined,
    matrix,
    stat,
    table,
    time_series,
    worse_above,
)
from monitoring.dashboards.promql import MODEL, highest, increase, lowest, mean, rate, total

TOO_FEW = "too few labels yet"
MEAN = "With more than two classes each is the positive one in turn, and this is the mean."
BELOW = ("PredictorQualityBelowEvaluation",)


def _live(suffix: str = "", matchers: str = MODEL) -> str:
    return f"predictor_truth_quality{suffix}{{{matchers}}} >= 0"


def _evaluated(suffix: str = "", matchers: str = MODEL) -> str:
    return f"predictor_evaluated_quality{suffix}{{{matchers}}}"


def _quality(measure: str, title: str, meaning: str, unit: str = RATIO, width: int = 8) -> Panel:
    matchers = f'{MODEL}, measure="{measure}"'
    return time_series(
        title,
        f"{meaning} Live over the newest labelled rows, evaluated on the rows held out of training; dashed lines end"
        " the 95 % intervals. Worry when the live interval lies beyond the evaluated one.",
        Query(mean(_live("", matchers), "model"), "{{model}} live"),
        Query(lowest(_live("_low", matchers), "model"), "{{model}} live, 95 % low"),
        Query(highest(_live("_high", matchers), "model"), "{{model}} live, 95 % high"),
        Query(mean(_evaluated("", matchers), "model"), "{{model}} evaluated"),
        Query(lowest(_evaluated("_low", matchers), "model"), "{{model}} evaluated, 95 % low"),
        Query(highest(_evaluated("_high", matchers), "model"), "{{model}} evaluated, 95 % high"),
        unit=unit,
        minimum=0,
        width=width,
        alerts=BELOW,
        empty=TOO_FEW,
    )


TRUTH = Section(
    "Ground truth",
    (
        stat(
            "Labelled rows",
            "Rows with their true class in the rolling window that quality is told from. With too few it isn't told.",
            Query(total(f"predictor_truth_window_rows{{{MODEL}}}"), instant=True),
            height=6,
            decimals=0,
            empty="no labels",
        ),
        stat(
            "Waiting for a label",
            "Predictions remembered whose true class hasn't come yet. Worry when it only grows: labels have ceased.",
            Query(total(f"predictor_truth_waiting_rows{{{MODEL}}}"), instant=True),
            height=6,
            decimals=0,
            empty="none",
        ),
        stat(
            "Labels without a prediction",
            "Labels over the time shown whose prediction isn't remembered: too late, or another instance's.",
            Query(total(increase("predictor_truth_unmatched_total")), instant=True),
            height=6,
            decimals=0,
            steps=worse_above(100, 1),
            empty="none",
        ),
        table(
            "Confusion matrix",
            "Rows in the window by true class (down) and class decided on (across). Worry when a row has nothing where"
            " both agree: the model no longer finds that class. Choose one model: several would be added up.",
            Query(total(f"predictor_truth_confusion_rows{{{MODEL}}}", "actual", "predicted"), instant=True),
            unit=COUNT,
            width=12,
            height=6,
            decimals=0,
            reshaping=matrix("actual", "predicted"),
            alerts=BELOW,
            empty="no labels",
        ),
        table(
            "Quality, live beside evaluation",
            "Every measure with the ends of its 95 % interval. Worry when live is worse than the evaluated interval."
            " For the Brier score lower is better. With more than two classes, what is told of one is the mean of all."
            " Choose one model: of several the mean is shown.",
            *(
                Query(of(series, "measure"), instant=True)
                for of, series in (
                    (mean, _live()),
                    (lowest, _live("_low")),
                    (highest, _live("_high")),
                    (mean, _evaluated()),
                    (lowest, _evaluated("_low")),
                    (highest, _evaluated("_high")),
                )
            ),
            unit=NUMBER,
            width=12,
            decimals=3,
            reshaping=joined(
                "measure", "live", "live, low", "live, high", "evaluated", "evaluated, low", "evaluated, high"
            ),
            alerts=BELOW,
            empty=TOO_FEW,
        ),
        time_series(
            "Labels over time",
            "Labelled rows by true class and class decided on: the confusion matrix as it comes in.",
            Query(
                total(rate("predictor_truth_rows_total"), "model", "actual", "predicted"),
                "{{model}}: {{actual}}, said {{predicted}}",
            ),
            unit=ROWS,
            width=12,
            empty="no labels",
        ),
        _quality("accuracy", "Accuracy", "Share of rows decided rightly."),
        _quality("precision", "Precision", f"Share of rows decided positive that truly are. {MEAN}"),
        _quality("sensitivity", "Sensitivity", f"Share of truly positive rows that are found (recall). {MEAN}"),
        _quality("roc_auc", "ROC-AUC", f"Probability that a positive row is ranked above another. {MEAN}", NUMBER, 12),
        _quality("brier", "Brier score", "Mean squared error of the probability; lower is better.", NUMBER, 12),
    ),
)
