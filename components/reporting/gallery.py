"""The figures of a page, each with what it shows in words and a line on what to look for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from components.reporting import correlation_figures, exploration_figures
from components.reporting.figures import to_svg
from components.reporting.wording import part

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from components.reporting.summary import TableSummary


@dataclass(frozen=True)
class Drawing:
    """A figure of the page, and the line below it that says what to look for."""

    svg: Markup
    caption: str


def drawing(figure: Figure, description: str, *caption: str) -> Drawing:
    """A figure ready for the page; of the sentences of its caption, those that are empty are left out."""
    return Drawing(Markup(to_svg(figure, description)), " ".join(filter(None, caption)))  # noqa: S704 (it escapes text)


def explored(summary: TableSummary) -> dict[str, Drawing]:
    """The figures of a training table, by name; what the table has nothing to show for is left out."""
    draw, is_binary = exploration_figures, summary.contract.target.is_binary
    figures = {
        "balance": drawing(
            draw.class_balance(summary),
            "Bar chart of the rows in each class",
            f"The {'longer' if is_binary else 'longest'} bar's share is the accuracy of always giving that answer: a"
            " model has to beat it.",
        )
    }
    gaps = sum(count > 0 for count in summary.missing.values())
    if gaps:
        figures["missing"] = drawing(
            draw.missing_values(summary),
            "Bar chart of the missing cells of each feature",
            "Cells are counted here, one by feature and row; a row with two gaps counts in two bars.",
            part(gaps, draw.MOST_GAPS, "features with gaps", "with the most"),
        )
    classes = _classes(summary)
    if summary.measured:
        most = part(len(summary.measured), len(summary.measured_drawn), "features", "that tell most of the class")
        figures["histograms"] = drawing(
            draw.histograms(summary),
            "Histograms of the numeric features by class",
            f"Where {'the two' if is_binary else 'the'} colours come apart, the feature"
            " separates the classes by itself; each class sums to 100 %.",
            most,
            classes,
            _sampled(summary),
        )
        figures["boxes"] = drawing(
            draw.box_plots(summary),
            "Box plots of the numeric features by class",
            "Compare the medians with the width of the boxes; circles beyond the whiskers are values to look at.",
            most,
            classes,
            _sampled(summary),
        )
    if summary.counted:
        figures["categories"] = drawing(
            draw.category_bars(summary),
            "Bar charts of the boolean and categorical features by class",
            "Bars of unlike length mark a category that speaks for a class; rows, and their share of the class.",
            part(len(summary.counted), len(summary.counted_drawn), "features", "that tell most of the class"),
            classes,
        )
    return {**figures, **_correlated(summary)} if summary.ranking else figures


def _correlated(summary: TableSummary) -> dict[str, Drawing]:
    draw = correlation_figures
    target = summary.contract.target
    most = part(len(summary.ranking), draw.MOST_CORRELATED, "features", "most correlated")
    if target.is_binary:
        negative, positive = target.labels
        below = f"The last row is the target ({positive}); dark cells above it are features that say the same."
        colours = f"Orange rises with {positive}, blue with {negative}; only straight-line relations show."
    else:
        below = "The last rows are the classes; dark cells above them are features that say the same."
        colours = "Dots far from zero tell their class from the others; only straight-line relations show."
    return {
        "heatmap": drawing(
            draw.correlation_heatmap(summary),
            "Heat map of the correlations between features and target",
            below,
            most,
            _classes(summary),
        ),
        "ranking": drawing(
            draw.correlation_ranking(summary),
            "Bar chart of the features' correlations with the target, strongest first",
            colours,
            most,
            _classes(summary),
        ),
    }


def _classes(summary: TableSummary) -> str:
    return part(len(summary.class_counts), len(summary.classes_drawn), "classes", "most frequent")


def _sampled(summary: TableSummary) -> str:
    return f"Drawn from {len(summary.target):,} of the rows, chosen at random." if summary.is_sampled else ""
