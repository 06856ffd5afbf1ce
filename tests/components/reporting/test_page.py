"""The report as a reader gets it: everything is in it, nothing is fetched, nothing is taken for markup."""

from __future__ import annotations

from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import numpy as np
import pytest

from components.learning import metrics
from components.packaging.parity import Parity
from components.reporting import page as page_module
from components.reporting import rows
from components.reporting.page import ReportFacts, exploration_page, report_page
from components.reporting.results import MOST_SLICES
from components.reporting.wording import MADE
from contract.decision import TargetClass
from contract.schema import Files
from tests.components.evaluations import with_suspects

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


def test_a_table_in_pieces_gives_the_same_page(
    html: str, heart: Contract, cleveland: pd.DataFrame, evaluation: Evaluation
) -> None:
    pieces = (cleveland.iloc[start : start + 100] for start in range(0, 303, 100))
    assert report_page(heart, pieces, evaluation, FACTS) == html


def test_a_large_table_says_what_was_drawn_from_a_sample(
    heart: Contract, cleveland: pd.DataFrame, exploration: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not [figure for figure in exploration.figures if "at random" in figure["caption"]]
    monkeypatch.setattr(rows, "MOST_DRAWN", 200)
    page = Page(exploration_page(heart, cleveland))
    sampled = [figure["alt"] for figure in page.figures if "Drawn from 200 of the rows" in figure["caption"]]
    assert sampled == ["Histograms of the numeric features by class", "Box plots of the numeric features by class"]
    assert "164 rows · 54.1 %" in page.sections["balance"]
    assert "Pearson's r over 200 rows, drawn at random" in words(page.sections["correlations"])
    assert "All of it is counted on all 303 rows" in words(page.sections["columns"])


def test_made_rows_are_announced_on_both_pages(
    heart: Contract, cleveland: pd.DataFrame, evaluation: Evaluation, html: str
) -> None:
    stand_in = Files(location="made.csv", sha256="ab" * 32)
    training = heart.training.model_copy(update={"made": stand_in})
    contract = heart.model_copy(update={"training": training})
    made = evaluation.model_copy(update={"made": True})
    exploring = exploration_page(contract, cleveland, made=True)
    for found in (exploring, report_page(contract, cleveland, made, FACTS)):
        assert f'<p class="made" role="alert">{MADE}</p>' in found
        assert "made: made.csv , in place of cleveland.csv" in words(Page(found).sections["table"])
    assert "ab" * 32 in exploring
    for found in (html, exploration_page(contract, cleveland)):
        assert MADE not in found
        assert "made.csv" not in found


def test_a_table_of_several_files_names_them(heart: Contract, cleveland: pd.DataFrame) -> None:
    several = {"location": None, "sha256": None, "files": {"people": "people.csv", "tests": "tests.csv"}}
    training = heart.training.model_copy(update={**several, "preparation": "hospital"})
    text = words(Page(exploration_page(heart.model_copy(update={"training": training}), cleveland)).sections["table"])
    assert "people.csv, tests.csv" in text
    assert "can't for several files" in text


def test_columns_say_what_they_are_called_in_the_files(heart: Contract, cleveland: pd.DataFrame) -> None:
    first, *others = heart.features
    features = (first.model_copy(update={"column": "Age (years)"}), *others)
    text = words(Page(exploration_page(heart.model_copy(update={"features": features}), cleveland)).sections["columns"])
    assert text.count("in the files:") == 1
    assert "in the files: Age (years)" in text


def test_suspects_are_marked_and_the_quality_without_them_stands_beside(
    heart: Contract, cleveland: pd.DataFrame, evaluation: Evaluation, page: Page
) -> None:
    contract, found = with_suspects(heart, evaluation, ("ca", "thal"))
    assert found.selection is not None
    assert found.ablation is not None
    suspicious = Page(report_page(contract, cleveland, found, FACTS))
    winner = found.candidate(found.selection.winner)
    text = words(suspicious.sections["suspects"])
    assert "ca and thal may know the answer. Without them, ROC-AUC is" in text
    assert "ca is noted afterwards" in text
    for estimates in (
        winner.resampled.estimates,
        found.ablation.resampled.estimates,
        found.ablation.held_out.estimates,
    ):
        assert f"{estimates['roc_auc'].value:.3f}" in text
        assert f"{estimates['f1'].low:.3f}" in text
    assert "ca and thal may know the answer" in words(suspicious.sections["headline"])
    assert words(suspicious.sections["columns"]).count("May know the answer:") == 2
    assert "#suspects" in suspicious.references
    assert "suspects" not in page.sections
    assert "#suspects" not in page.references
    assert "may know the answer" not in " ".join(page.sections.values())


def test_a_candidate_fitted_on_fewer_rows_says_so(
    heart: Contract, cleveland: pd.DataFrame, evaluation: Evaluation, page: Page
) -> None:
    first, *others = evaluation.candidates
    short = evaluation.model_copy(update={"candidates": (first.model_copy(update={"fitted_rows": 100}), *others)})
    budget = "fitted on 100 of 242 rows (budget)"
    marked = [words(row) for row in Page(report_page(heart, cleveland, short, FACTS)).rows if budget in words(row)]
    assert len(marked) == 1
    assert marked[0].startswith("Logistic regression")
    assert not [row for row in page.rows if "budget" in row]


def test_candidates_show_their_time(page: Page, evaluation: Evaluation) -> None:
    for item in evaluation.candidates:
        assert f"{item.seconds:,.1f} s" in page.sections["candidates"]


def test_gini_stands_where_the_contract_selects_on_it_and_first(
    heart: Contract, cleveland: pd.DataFrame, evaluation: Evaluation, page: Page
) -> None:
    assert "normalised Gini" not in " ".join(page.sections.values())
    contract = heart.model_copy(update={"decision": heart.decision.model_copy(update={"metric": "gini"})})
    assert evaluation.selection is not None
    chosen = evaluation.selection.model_copy(update={"metric": "gini"})
    found = Page(report_page(contract, cleveland, evaluation.model_copy(update={"selection": chosen}), FACTS))
    for section in ("candidates", "held-out", "external", "comparison"):
        text = words(found.sections[section])
        assert text.index("normalised Gini") < text.index("ROC-AUC")
    assert "normalised Gini" in found.sections["slices"]
    assert "ROC-AUC" not in found.sections["slices"]
    assert "was chosen: normalised Gini 0." in words(found.sections["headline"])


def test_of_many_slices_those_that_deviate_most_are_shown(
    heart: Contract, cleveland: pd.DataFrame, evaluation: Evaluation
) -> None:
    assert evaluation.selection is not None
    winner = evaluation.candidate(evaluation.selection.winner)
    many = tuple(
        winner.slices[index % 2].model_copy(update={"label": f"part {index}"}) for index in range(10 * MOST_SLICES)
    )
    candidates = tuple(
        item.model_copy(update={"slices": many}) if item.name == winner.name else item for item in evaluation.candidates
    )
    html = report_page(heart, cleveland, evaluation.model_copy(update={"candidates": candidates}), FACTS)
    text = words(Page(html).sections["slices"])
    assert f"Of 400 parts, the {MOST_SLICES} whose ROC-AUC deviates most" in text
    assert sum("part " in row for row in Page(html).rows) == MOST_SLICES
    assert len(html.encode()) < 2_500_000


def test_what_is_drawn_of_a_large_sample_says_so(
    heart: Contract, cleveland: pd.DataFrame, evaluation: Evaluation, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not [figure for figure in page.figures if "at random" in figure["caption"]]
    monkeypatch.setattr(page_module, "MOST_SLICED", 200)
    more = {"rows": 119_043}
    candidates = tuple(
        item.model_copy(
            update={
                "held_out": item.held_out.model_copy(update=more),
                "out_of_fold": item.out_of_fold.model_copy(update=more),
            }
        )
        for item in evaluation.candidates
    )
    large = Page(report_page(heart, cleveland, evaluation.model_copy(update={"candidates": candidates}), FACTS))
    captions = [figure["caption"] for figure in large.figures if "at random" in figure["caption"]]
    assert len(captions) == 2
    assert "Drawn from 61 of 119,043 rows, chosen at random." in captions[0]
    assert "Drawn from 242 of 119,043 rows, chosen at random." in captions[1]
    assert "of 200 of them, drawn at random" in words(large.sections["slices"])


@pytest.fixture(name="species_page", scope="module")
def _species_page(iris: Contract, flowers: pd.DataFrame, species: Evaluation) -> Page:
    return Page(report_page(iris, flowers, species, FACTS))


def test_three_classes_have_every_section_and_their_own_figures(species_page: Page) -> None:
    assert set(species_page.sections) == EXPLORATION | RESULTS
    alts = [figure["alt"] for figure in species_page.figures]
    assert len(set(alts)) == len(alts) == 5 + 4 + 2 + 2
    assert sum("by class" in alt for alt in alts) == 4
    for figure in species_page.figures:
        assert 40 < len(figure["caption"]) < 180


def test_three_classes_have_no_threshold_and_no_class_to_be_found(
    species_page: Page, species: Evaluation, iris: Contract
) -> None:
    headline = words(species_page.sections["headline"])
    assert species.selection is not None
    counts = species.candidate(species.selection.winner).held_out.confusion.counts
    right = sum(counts[index][index] for index in range(3))
    assert f"answers the most probable class: on 30 rows held out, that is right for {right} of 30" in headline
    assert (
        f"{counts[0][0]} of 10 setosa, {counts[1][1]} of 10 versicolor and {counts[2][2]} of 10 virginica" in headline
    )
    text = " ".join(words(section) for section in species_page.sections.values())
    assert "No threshold decides: the most probable class is answered" in text
    assert "at that threshold" not in text
    assert "thresholds" not in text
    assert "positive" not in text.replace("false positive rate", "").replace("true positive rate", "")
    assert "setosa, versicolor or virginica" in species_page.sections["table"]
    assert not [row for row in species_page.rows if "threshold" in row]


def test_averages_over_three_classes_are_called_so(species_page: Page, page: Page) -> None:
    heads = next(words(row) for row in species_page.rows if "Candidate" in row)
    assert "sensitivity macro-average" in heads
    assert "Brier lower is better" in heads
    assert "accuracy macro-average" not in heads
    assert "averaged over the classes, each counting the same" in words(species_page.sections["candidates"])
    assert "ROC-AUC (macro-average) when shuffled" in species_page.sections["importances"]
    assert "macro-average" not in " ".join(page.sections.values())


def test_three_classes_elsewhere(iris: Contract, flowers: pd.DataFrame, species: Evaluation) -> None:
    """A site of three classes, suspects, and made rows, all at once."""
    source = iris.training.model_copy(update={"title": "Another meadow"})
    contract, found = with_suspects(iris.model_copy(update={"external": {"meadow": source}}), species, ("petal_width",))
    candidates = tuple(item.model_copy(update={"external": {"meadow": item.held_out}}) for item in found.candidates)
    found = found.model_copy(update={"candidates": candidates, "made": True})
    page = Page(report_page(contract, flowers, found, FACTS))
    assert "Another meadow · 30 rows, 10 setosa, 10 versicolor and 10 virginica" in words(page.sections["external"])
    assert "with the most probable class" in words(page.sections["external"])
    assert "petal_width may know the answer. Without it, log-loss is" in words(page.sections["suspects"])


def test_many_classes_do_not_flood_the_page(iris: Contract, flowers: pd.DataFrame, species: Evaluation) -> None:
    classes = tuple(TargetClass(label=f"species {index}", values=(f"s{index}",)) for index in range(30))
    contract = iris.model_copy(update={"target": iris.target.model_copy(update={"classes": classes})})
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(30), 10)
    probability = rng.dirichlet(np.ones(30), len(labels))
    sample = metrics.sample(labels, probability, probability.argmax(axis=1), resamples=20, classes=30)
    candidates = tuple(
        item.model_copy(update={"held_out": sample, "out_of_fold": sample, "slices": ()}) for item in species.candidates
    )
    frame = flowers.assign(species=[f"s{index // 5}" for index in range(150)])
    html = report_page(contract, frame, species.model_copy(update={"candidates": candidates}), FACTS)
    page = Page(html)
    assert len(html.encode()) < 2_500_000
    assert "Of 30 classes, the 7 most frequent." in " ".join(figure["caption"] for figure in page.figures)
    assert "10 to 10 of each of 30 classes" in words(page.sections["held-out"])
    assert sum("Confusion matrices of Random forest" in figure["alt"] for figure in page.figures) == 1
