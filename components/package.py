"""Package: the winner's served form, proven equal to the reference estimator, sealed in a bundle."""

from kfp import dsl

from components.image import component


@component
def package(
    winner: str,
    data_sha256: str,
    code_revision: str,
    run_id: str,
    contract: dsl.Input[dsl.Artifact],
    training: dsl.Input[dsl.Dataset],
    table: dsl.Input[dsl.Dataset],
    external: dsl.Input[dsl.Dataset],
    models: dsl.Input[list[dsl.Model]],
    selected: dsl.Input[dsl.Artifact],
    parity: dsl.Output[dsl.Artifact],
    bundle: dsl.Output[dsl.Model],
):
    """Converts every candidate to its served form, measures parity, and seals the winner's bundle.

    Args:
        winner: The winner's name.
        data_sha256: The digest of the training table's source.
        code_revision: The revision of the code that trained it.
        run_id: The id of this run.
        contract: The contract.
        training: The training rows.
        table: The whole table: parity is measured on all of its rows.
        external: The external sites' tables, for parity too.
        models: The fitted candidates.
        selected: All numbers, with the selection.
        parity: How far each candidate's served form is from its reference.
        bundle: The directory that is published.
    """
    from components.package import run

    run(
        winner,
        data_sha256,
        code_revision,
        run_id,
        contract,
        training,
        table,
        external,
        models,
        selected,
        parity,
        bundle,
    )


def run(
    winner: str,
    data_sha256: str,
    code_revision: str,
    run_id: str,
    contract: dsl.Artifact,
    training: dsl.Artifact,
    table: dsl.Artifact,
    external: dsl.Artifact,
    models: list[dsl.Artifact],
    selected: dsl.Artifact,
    parity: dsl.Artifact,
    bundle: dsl.Artifact,
) -> None:
    """What the component does. Raises `ParityBroken` if the winner's served form isn't the winner."""
    from pathlib import Path

    import numpy as np

    from components.errors import ParityBroken
    from components.learning.evaluation import Evaluation
    from components.learning.model import read_model, read_out_of_fold
    from components.packaging.conversion import decision_rule_of, to_onnx, transform_of
    from components.packaging.packing import Origin, write_bundle
    from components.packaging.parity import TOLERANCE, ParityReport, measure_parity, testing_rows
    from components.table import encode, read
    from contract.document import load_contract
    from contract.scorer import Scorer

    rules = load_contract(contract.path)
    sites = [read(path) for path in sorted(Path(external.path).glob("*.parquet"))]
    known = np.vstack([encode(rules, frame).matrix for frame in (read(table.path), *sites)])
    rows = testing_rows(rules.features, known)
    measured = []
    for item in models:
        estimator, facts = read_model(item.path)
        print(f"::progress {facts.name}", flush=True)
        scorer = Scorer(transform_of(estimator), to_onnx(estimator), decision_rule_of(estimator, rules))
        found = measure_parity(facts.name, estimator, scorer, rows)
        measured.append(found)
        print(f"{facts.name}: largest difference {found.largest_difference:.1e}, {found.flipped} decisions flipped")
        if facts.name != winner:
            continue
        if not found.holds:
            raise ParityBroken(
                f"the served form of {winner} differs from its reference by up to {found.largest_difference:.1e}"
                f" (at most {TOLERANCE:.0e} is allowed) and flips {found.flipped} of {found.rows} decisions;"
                " it must not be served. Leave this candidate out, or report the conversion."
            )
        write_bundle(
            Path(bundle.path),
            rules,
            Path(contract.path).read_bytes(),
            estimator,
            facts,
            read_out_of_fold(item.path),
            Evaluation.model_validate_json(Path(selected.path).read_bytes()),
            found,
            read(training.path),
            Origin(run_id=run_id, data_sha256=data_sha256, code_revision=code_revision),
        )
    Path(parity.path).write_text(ParityReport(candidates=tuple(measured)).model_dump_json(indent=2), encoding="utf-8")
    bundle.metadata.update(candidate=winner, contract=rules.name)
