"""`python -m contract`: draft a contract of a table, check contracts, or print the JSON Schema that editors use."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from contract.document import load_contract
from contract.drafting import check_writable, draft, model_name, write
from contract.errors import ContractError
from contract.schema import Contract

_DRAFT = """\
Read a table once and write a first contract of it: the kind of each column, its ranges or categories, how a missing
value is written, which columns are left out and why, the classes of the target. Nothing of that is certain, so each
guess has a comment, `# review: ...`, with what was seen. The file is valid as it is; read it through before you believe
a model of it. What no table tells, you have to: units, what codes mean, and which columns are known too late.
"""
_DRAFT_EPILOG = """\
examples:
  python -m contract draft datasets/heart/cleveland.csv --target num --output draft.yaml
  python -m contract draft customers.csv --target churned --positive yes --name churn

then:
  grep -n review: datasets/churn/contract.yaml     what is left to look at
  python -m contract check datasets/churn/contract.yaml
  make run DATASET=churn EFFORT=quick              datasets/churn/ holds the contract and the table
"""
_EPILOG = """\
try:
  python -m contract check datasets/heart/contract.yaml
  python -m contract draft --help
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status: 0 fine, 1 a contract or a table that breaks its rules."""
    options = _parser().parse_args(arguments)
    if options.command == "schema":
        print(json.dumps(Contract.model_json_schema(), indent=2))
        return 0
    if options.command == "draft":
        try:
            _draft(options)
        except ContractError as error:
            print(error, file=sys.stderr)
            return 1
        return 0
    status = 0
    for file in options.files:
        try:
            contract = load_contract(file)
        except ContractError as error:
            print(error, file=sys.stderr)
            status = 1
        else:
            print(f"{file}: {contract.title}: {len(contract.features)} features, target {contract.target.column}: fine")
    return status


def _parser() -> argparse.ArgumentParser:
    shape = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="python -m contract",
        description="A contract is the one file that says what each column of a table is.",
        epilog=_EPILOG,
        formatter_class=shape,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    check = commands.add_parser("check", help="check contract files; every broken rule is printed with its line")
    check.add_argument("files", nargs="+", metavar="FILE", help="a contract.yaml")
    commands.add_parser("schema", help="print the JSON Schema of a contract, for completion in an editor")
    drafted = commands.add_parser(
        "draft",
        help="write a first contract of a CSV table, with a mark at everything that is guessed",
        description=_DRAFT,
        epilog=_DRAFT_EPILOG,
        formatter_class=shape,
    )
    drafted.add_argument(
        "table", type=Path, metavar="FILE.csv", help="a CSV file in UTF-8 whose first line names columns"
    )
    drafted.add_argument("--target", required=True, metavar="COLUMN", help="the column to predict")
    drafted.add_argument(
        "--name", type=_name, help="the model's name [default: that of the folder in datasets/, else the file's]"
    )
    drafted.add_argument("--positive", metavar="VALUE", help="of two classes the one to be found [default: the rarer]")
    drafted.add_argument(
        "--output", type=Path, metavar="FILE", help="where to write it [default: contract.yaml beside the table]"
    )
    drafted.add_argument("--force", action="store_true", help="overwrite a file that is there")
    return parser


def _name(text: str) -> str:
    if text != model_name(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no name of a model; {model_name(text)!r} would be one")
    return text


def _draft(options: argparse.Namespace) -> None:
    """Write the draft, read it again as any contract, and say what to do next."""
    output: Path = options.output or options.table.parent / "contract.yaml"
    check_writable(output, force=options.force)
    drafted = draft(options.table, options.target.strip(), output, options.name, options.positive)
    write(drafted, output)
    load_contract(output)
    folder = output.resolve().parent
    listed = output.name == "contract.yaml" and folder.parent.name == "datasets"
    run = (
        f"make run DATASET={folder.name} EFFORT=quick" if listed else f"python pipeline.py run {output} --effort quick"
    )
    marks = drafted.text.count("# review:")
    print(
        f"{output}: {drafted.summary}\n\nNext:  look at its {marks} lines with `# review:`, then\n"
        f"       python -m contract check {output}\n       {run}"
    )


if __name__ == "__main__":
    sys.exit(main())
