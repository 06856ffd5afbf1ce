"""The report as a reader gets it: everything is in it, nothing is fetched, nothing is taken for markup."""

from __future__ import annotations

from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest

from components.packaging.parity import Parity
from components.reporting.page import SMALL_CLASS, ReportFacts, exploration_page, report_page, small_class

if TYPE_CHECKING:
    import pandas as pd

    from components.learning.evaluation import Evaluation
    from contract.schema import Contract

EXPLORATION = {"table", "balance", "missing", "columns", "distributions", "boxes", "correlations"}
RESULTS = {
    "headline",
    "candidates",
    "comparison",
    "curves",
    "calibration",
    "confusion",
    "held-out",
    "external",
    "slices",
    "importances",
    "parameters",
    "intervals",
    "parity",
    "provenance",
}
VOID = {"meta", "link", "br", "img", "hr", "input"}
FACTS = ReportFacts(
    run_id="run-42",
    created=datetime(2026, 3, 1, 9, 30, tzinfo=UTC),
    code_revision="0f3c9d1",
    table_sha256="6c2ba07d",
    parity=Parity(candidate="logistic", rows=20_412, largest_difference=3.2e-8, flipped=0),
)


class Page(HTMLParser):
    """Text by section id, table rows, references and figures; fails on a tag that isn't closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.sections: dict[str, str] = {}
        self.rows: list[str] = []
        self.references: list[str] = []
        self.tags: list[str] = []
        self.figures: list[dict[str, str]] = []
        self._open: list[tuple[str, str | None]] = []
        self.feed(html)
        self.close()
        assert not self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        self.references += [named[name] for name in ("src", "href", "xlink:href", "action", "data") if name in named]
        if tag not in VOID:
            self._open.append((tag, named.get("id") if tag == "section" else None))
        if tag == "section":
            assert named["id"] not in self.sections
            self.sections[named["id"]] = ""
        elif tag == "tr":
            self.rows.append("")
        elif tag == "svg":
            self.figures.append({"alt": named.get("aria-label", ""), "role": named.get("role", ""), "caption": ""})

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        opened, _ = self._open.pop()
        assert opened == tag

    def handle_data(self, data: str) -> None:
        inside = [tag for tag, _ in self._open]
        for _, section in self._open:
            if section:
                self.sections[section] += f"{data} "
        if "tr" in inside:
            self.rows[-1] += f"{data} "
        if "figcaption" in inside:
            self.figures[-1]["caption"] += data


def words(text: str) -> str:
    return " ".join(text.split())


@pytest.fixture(name="html", scope="module")
def _html(heart: Contract, cleveland: pd.DataFrame, evaluation: Evaluation) -> str:
    return report_page(heart, cleveland, evaluation, FACTS)


@pytest.fixture(name="page", scope="module")
def _page(html: str) -> Page:
    return Page(html)


@pytest.fixture(name="exploration", scope="module")
def _exploration(heart: Contract, cleveland: pd.DataFrame) -> Page:
    return Page(exploration_page(heart, cleveland))


def test_every_section_is_there_with_content(page: Page, exploration: Page) -> None:
    assert set(page.sections) == EXPLORATION | RESULTS
    assert set(exploration.sections) == EXPLORATION
    assert all(len(words(text)) > 60 for text in page.sections.values())


def test_every_link_of_the_menu_leads_somewhere(page: Page) -> None:
    targets = {reference[1:] for reference in page.references if reference.startswith("#")}
    assert EXPLORATION | RESULTS - {"headline"} <= targets


def test_nothing_is_fetched(page: Page, html: str) -> None:
    outside = [reference for reference in page.references if not reference.startswith(("#", "data:image/png;base64,"))]
    assert outside == ["https://doi.org/10.24432/C52P4X"]
    assert not {"script", "link", "iframe", "object", "embed", "img"}.intersection(page.tags)
    assert "@import" not in html
    assert "url(http" not in html


def test_every_figure_has_a_text_in_its_place_and_a_caption(page: Page) -> None:
    for figure in page.figures:
        assert figure["role"] == "img"
        assert len(figure["alt"]) > 20
        assert 40 < len(figure["caption"]) < 140
    assert len({figure["alt"] for figure in page.figures}) == len(page.figures) == 7 + 4 + 3


def test_two_renders_are_equal_and_small(
    html: str, heart: Contract, cleveland: pd.DataFrame, evaluation: Evaluation
) -> None:
    assert report_page(heart, cleveland, evaluation, FACTS) == html
    assert len(html.encode()) < 2_500_000


def test_the_table_is_described(exploration: Page, heart: Contract) -> None:
    text = words(exploration.sections["table"])
    assert "Rows 303" in text
    assert "CC BY 4.0" in text
    assert str(heart.training.sha256) in text
    assert "Janosi" in text


def test_class_balance_and_missing_values(exploration: Page) -> None:
    balance, missing = (words(exploration.sections[name]) for name in ("balance", "missing"))
    assert "164 rows · 54.1 %" in balance
    assert "139 rows · 45.9 %" in balance
    assert "6 of 3,939 feature cells are missing (0.15 %), in 6 of 303 rows (1.98 %)" in missing
    assert "4 cells · 1.3 % of rows" in missing
    assert "2 cells · 0.7 % of rows" in missing


def test_a_complete_table_says_so(heart: Contract, cleveland: pd.DataFrame) -> None:
    whole = Page(exploration_page(heart, cleveland.dropna()))
    assert "None of 3,861 feature cells is missing" in words(whole.sections["missing"])
    assert "missing" not in [text.strip() for text in whole.sections["distributions"].split("\n")]


@pytest.mark.parametrize(
    ("kinds", "absent"), [({"integer", "numeric"}, "reversible defect"), ({"categorical", "boolean"}, "mmHg")]
)
def test_tables_of_one_kind_of_feature(heart: Contract, cleveland: pd.DataFrame, kinds: set[str], absent: str) -> None:
    features = tuple(item for item in heart.features if item.kind in kinds)
    page = Page(exploration_page(heart.model_copy(update={"features": features}), cleveland))
    assert set(page.sections) == EXPLORATION
    assert absent not in "".join(page.sections.values())


def test_correlation_ranking(exploration: Page) -> None:
    text = words(exploration.sections["correlations"])
    values = ["+0.522", "+0.460", "+0.432", "+0.425", "−0.417", "+0.414", "+0.339", "+0.277", "+0.223"]  # noqa: RUF001
    positions = [text.index(value) for value in [*values, "+0.169", "+0.151", "+0.085", "+0.025"]]
    assert positions == sorted(positions)


def test_headline_names_winner_metric_interval_and_counts(page: Page, evaluation: Evaluation) -> None:
    assert evaluation.selection is not None
    winner = evaluation.candidate(evaluation.selection.winner)
    best, seen = winner.resampled.estimates["roc_auc"], winner.held_out.confusion
    text = words(page.sections["headline"])
    interval = f"ROC-AUC {best.value:.3f}, 95 % interval {best.low:.3f} to {best.high:.3f}"
    assert f"{winner.title} was chosen: {interval}" in text
    assert evaluation.selection.reason in text
    assert f"finds {seen.true_positive} of 28 with disease, and clears {seen.true_negative} of 33" in text


def test_candidates_show_every_estimate(page: Page, evaluation: Evaluation) -> None:
    text = words(page.sections["candidates"])
    assert "specificity at 90 % sensitivity" in text
    assert "the highest that still finds 90 % of disease out of fold" in text
    for item in evaluation.candidates:
        assert f"{item.threshold:.3f}" in text
        for metric in ("roc_auc", "pr_auc", "brier", "log_loss", "accuracy", "specificity_at_sensitivity"):
            assert f"{item.resampled.estimates[metric].value:.3f}" in text


def test_a_refused_candidate_is_marked_with_the_floor_it_missed(page: Page, evaluation: Evaluation) -> None:
    assert evaluation.selection is not None
    refusal = next(item for item in evaluation.selection.refused if item.metric == "roc_auc")
    assert refusal.candidate == "stump"
    marked = [words(row) for row in page.rows if "refused" in row]
    assert len(marked) == 1
    assert marked[0].startswith(f"Decision stump refused: ROC-AUC {refusal.value:.3f}, floor 0.85")
    assert "winner" not in marked[0]


def test_switzerland_has_its_note_and_the_flag(page: Page) -> None:
    text = words(page.sections["external"])
    swiss = text[text.rindex("University Hospitals, Zurich and Basel") : text.rindex("V.A. Medical Center, Long Beach")]
    assert "123 rows, 115 with disease (93.5 %)" in swiss
    assert "Only 8 of 123 patients are without disease" in swiss
    assert "Only 8 of class “no disease” among 123 rows: hardly determined." in swiss
    assert text.count("hardly determined.") == 1
    assert "294 rows, 106 with disease (36.1 %)" in text


def test_small_class_counts_both_classes(evaluation: Evaluation) -> None:
    sample = evaluation.candidates[0].held_out
    few = sample.model_copy(update={"rows": 2 * SMALL_CLASS - 2, "positives": SMALL_CLASS - 1})
    enough = sample.model_copy(update={"rows": 2 * SMALL_CLASS, "positives": SMALL_CLASS})
    warning = "Only 19 of class “a” and 19 of class “b” among 38 rows: hardly determined."
    assert small_class(few, ("a", "b")) == warning
    assert small_class(enough, ("a", "b")) is None


def test_slices_parameters_and_importances_are_the_winners(page: Page, evaluation: Evaluation) -> None:
    assert evaluation.selection is not None
    winner = evaluation.candidate(evaluation.selection.winner)
    assert "sex: female" in words(page.sections["slices"])
    assert all(f"{name} = {value}" in page.sections["parameters"] for name, value in winner.parameters.items())
    strongest = max((item for item in winner.importances if item.kind == "permutation"), key=lambda item: item.value)
    assert f"+{strongest.value:.3f}" in page.sections["importances"]


def test_coefficients_and_permutation_importances_are_told_apart(
    heart: Contract, cleveland: pd.DataFrame, evaluation: Evaluation
) -> None:
    assert evaluation.selection is not None
    chosen = evaluation.selection.model_copy(update={"winner": "logistic"})
    page = Page(report_page(heart, cleveland, evaluation.model_copy(update={"selection": chosen}), FACTS))
    text = words(page.sections["importances"])
    assert "weight, in log-odds by standard deviation" in text
    assert "loss of ROC-AUC when shuffled" in text


def test_parity_and_provenance(page: Page, heart: Contract) -> None:
    parity, provenance = words(page.sections["parity"]), words(page.sections["provenance"])
    assert "20,412 rows" in parity
    assert "at most 3.2e-08, and no decision differs" in parity
    for fact in ("run-42", "2026-03-01 09:30:00+00:00", "0f3c9d1", "6c2ba07d", heart.digest):
        assert fact in provenance


def test_flipped_decisions_are_not_hidden(heart: Contract, cleveland: pd.DataFrame, evaluation: Evaluation) -> None:
    broken = ReportFacts(
        **{**vars(FACTS), "parity": Parity(candidate="logistic", rows=100, largest_difference=0.12, flipped=3)}
    )
    text = words(Page(report_page(heart, cleveland, evaluation, broken)).sections["parity"])
    assert "3 decisions differ" in text
    assert "no decision differs" not in text


def test_text_of_a_contract_is_never_markup(heart: Contract, cleveland: pd.DataFrame, evaluation: Evaluation) -> None:
    attack = '"><script>alert(1)</script><b>&'
    classes = tuple(
        item.model_copy(update={"label": attack}) if item.label == "disease" else item for item in heart.target.classes
    )
    target = heart.target.model_copy(update={"classes": classes, "positive": attack})
    features = tuple(item.model_copy(update={"description": attack}) for item in heart.features)
    text = {"title": attack, "description": attack, "licence": attack, "citation": attack}
    hostile = heart.model_copy(update={**text, "target": target, "features": features})
    first, *others = evaluation.candidates
    named = first.model_copy(update={"title": attack, "parameters": {attack: attack}})
    html = report_page(hostile, cleveland, evaluation.model_copy(update={"candidates": (named, *others)}), FACTS)
    page = Page(html)
    assert not {"script", "b"}.intersection(page.tags)
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


def test_without_a_selection_there_is_no_winner(
    heart: Contract, cleveland: pd.DataFrame, evaluation: Evaluation
) -> None:
    page = Page(report_page(heart, cleveland, evaluation.model_copy(update={"selection": None}), FACTS))
    assert "No winner yet" in page.sections["headline"]
    assert set(page.sections) == EXPLORATION | RESULTS
    assert not [row for row in page.rows if "winner" in row]


def test_without_external_sites_the_section_says_so(
    heart: Contract, cleveland: pd.DataFrame, evaluation: Evaluation
) -> None:
    alone = tuple(item.model_copy(update={"external": {}}) for item in evaluation.candidates)
    page = Page(report_page(heart, cleveland, evaluation.model_copy(update={"candidates": alone}), FACTS))
    assert "names no external table that was evaluated" in page.sections["external"]
