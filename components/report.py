"""Report: everything about a run on one page: the table, the candidates, the winner, the other sites."""

from kfp import dsl

from components.image import component


@component
def report(
    run_id: str,
    data_sha256: str,
    code_revision: str,
    contract: dsl.Input[dsl.Artifact],
    table: dsl.Input[dsl.Dataset],
    selected: dsl.Input[dsl.Artifact],
    parity: dsl.Input[dsl.Artifact],
    page: dsl.Output[dsl.HTML],
):
    """Draws the report of a run.

    Args:
        run_id: The id of this run.
        data_sha256: The digest of the training table's source.
        code_revision: The revision of the code.
        contract: The contract.
        table: The validated table.
        selected: All numbers, with the selection.
        parity: The parity of every candidate.
        page: A self-contained HTML page.
    """
    from components.report import run

    run(run_id, data_sha256, code_revision, contract, table, selected, parity, page)


def run(
    run_id: str,
    data_sha256: str,
    code_revision: str,
    contract: dsl.Artifact,
    table: dsl.Artifact,
    selected: dsl.Artifact,
    parity: dsl.Artifact,
    page: dsl.Artifact,
) -> None:
    """What the component does."""
    import datetime
    from pathlib import Path

    from components.learning.evaluation import Evaluation
    from components.packaging.parity import ParityReport
    from components.reporting.page import ReportFacts, report_page
    from components.table import chunks
    from contract.document import load_contract

    evaluation = Evaluation.model_validate_json(Path(selected.path).read_bytes())
    if evaluation.selection is None:
        raise ValueError("a report is drawn after the selection")
    facts = ReportFacts(
        run_id=run_id,
        created=datetime.datetime.now(datetime.UTC),
        code_revision=code_revision,
        table_sha256=data_sha256,
        parity=ParityReport.model_validate_json(Path(parity.path).read_bytes()).of(evaluation.selection.winner),
    )
    html = report_page(load_contract(contract.path), chunks(table.path), evaluation, facts)
    Path(page.path).write_text(html, encoding="utf-8")
