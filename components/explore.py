"""Explore: what the table looks like, on one page, before anything is trained."""

from kfp import dsl

from components.image import component


@component
def explore(
    contract: dsl.Input[dsl.Artifact],
    table: dsl.Input[dsl.Dataset],
    page: dsl.Output[dsl.HTML],
    made: bool = False,  # noqa: FBT002 (KFP passes parameters)
):
    """Draws class balance, histograms, box plots, correlations and missing values.

    Args:
        contract: The contract.
        table: The validated table.
        page: A self-contained HTML page.
        made: Whether nobody observed the table's rows.
    """
    from components.explore import run

    run(contract, table, page, made=made)


def run(contract: dsl.Artifact, table: dsl.Artifact, page: dsl.Artifact, *, made: bool) -> None:
    """What the component does."""
    from pathlib import Path

    from components.reporting.page import exploration_page
    from components.table import chunks
    from contract.document import load_contract

    html = exploration_page(load_contract(contract.path), chunks(table.path), made=made)
    Path(page.path).write_text(html, encoding="utf-8")
