"""`python -m contract`: check a contract file, or print the JSON Schema that editors complete and check with."""

from __future__ import annotations

import argparse
import json
import sys

from contract.document import load_contract
from contract.errors import ContractError
from contract.schema import Contract


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; returns the exit status: 0 fine, 1 a contract that breaks its rules."""
    parser = argparse.ArgumentParser(
        prog="python -m contract",
        description="A contract is the one file that says what each column of a table is.",
        epilog="Try: python -m contract check datasets/heart/contract.yaml",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser("check", help="check contract files; every broken rule is printed with its line")
    check.add_argument("files", nargs="+", metavar="FILE", help="a contract.yaml")
    commands.add_parser("schema", help="print the JSON Schema of a contract, for completion in an editor")
    options = parser.parse_args(arguments)
    if options.command == "schema":
        print(json.dumps(Contract.model_json_schema(), indent=2))
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


if __name__ == "__main__":
    sys.exit(main())
