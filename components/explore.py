"""Explore: what the table looks like, on one page, before anything is trained."""

from kfp import dsl

from components.image import component


@component
def explore(contract: dsl.Input[dsl.Artifact], table: dsl.Input[dsl.Dataset], page: dsl.Output[dsl.HTML]):
    """Draws class balance, histograms, box plots, correlations and missing values.

    Args:
        contract: The contract.
        table: The validated table.
        page: A self-contained HTML page.
    """
    from components.explore import run

    run(contract, table, page)


def run(contract: dsl.Artifact, table: dsl.Artifact, page: dsl.Artifact) -> None:
    """What the component does."""
    from pathlib import Path

    from components.reporting.page import exploration_page
    from components.table import read
    from contract.document import load_contract

    Path(page.path).write_text(exploration_page(load_contract(contract.path), read(table.path)), encoding="utf-8")
