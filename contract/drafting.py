"""Drafting a first contract of a table: a file that is valid as it is, with a mark at everything that was guessed."""

from __future__ import annotations

import os
import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from contract.decision import PAIR
from contract.draft_lines import DraftLines
from contract.encoding import shown
from contract.errors import UnusableTable, UnusableTarget, UnwritableDraft
from contract.guessing import Exclusion, FeatureGuess, codes_of, guesses, rows_in_words
from contract.tally import number, tally

if TYPE_CHECKING:
    from pathlib import Path

    from contract.features import Code
    from contract.tally import Table

MOST_CLASSES = 50
"""Values of the target that are taken for classes; with more it is an amount or a name."""

_LONGEST_NAME = 42


@dataclass(frozen=True)
class Draft:
    """A drafted contract, and what a person should hear about it."""

    text: str
    summary: str


def draft(source: Path, target: str, output: Path, name: str | None = None, positive: str | None = None) -> Draft:
    """Draft a contract, to be written to `output`, of the CSV table at `source`. Nothing is written.

    `name` is that of the model, by default the folder's in `datasets/`, else the file's. `positive` is the value, of
    two, to be found; by default the rarer.

    Raises `UnusableTable` and `UnusableTarget`.
    """
    table = tally(source, target)
    classes = _classes(table)
    found = guesses(table.columns, table.target)
    if not any(isinstance(guess, FeatureGuess) for guess in found):
        reasons = "".join(f"\n  {guess.column.name}: {guess.reason}" for guess in found if isinstance(guess, Exclusion))
        raise UnusableTable(f"{source}: has no column beside {target!r} to learn from{reasons}")
    writing = DraftLines(table, found, classes, _positive(table, classes, positive))
    name = name or default_name(source, output)
    return Draft(writing.text(name, os.path.relpath(source, output.parent)), writing.summary())


def check_writable(output: Path, *, force: bool = False) -> None:
    """Look before a long table is read. Raises `UnwritableDraft` for no folder or, unless `force`, for a file there."""
    if not output.parent.is_dir():
        raise UnwritableDraft(
            f"{output}: can't be written: there is no folder {output.parent}; make it, or name another"
        )
    if output.exists() and not force:
        raise UnwritableDraft(f"{output}: is there already; name another --output, or overwrite it with --force")


def write(drafted: Draft, output: Path) -> None:
    """Write the draft. Raises `UnwritableDraft`."""
    try:
        output.write_text(drafted.text, encoding="utf-8")
    except OSError as error:
        raise UnwritableDraft(f"{output}: can't be written: {error.strerror}") from None


def default_name(source: Path, output: Path) -> str:
    """The folder's name if it is one of `datasets/`, else the file's, as a model may be called."""
    folder = output.resolve().parent
    return model_name(folder.name if folder.parent.name == "datasets" else source.stem)


def model_name(text: str) -> str:
    """Text as a DNS label: lower case, digits and hyphens."""
    latin = unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode()
    name = re.sub(r"[^a-z0-9]+", "-", latin).strip("-")
    return (name if name[:1].isalpha() else f"table-{name}")[:_LONGEST_NAME].strip("-")


def _classes(table: Table) -> tuple[tuple[Code, int], ...]:
    target = table.target
    classes = codes_of(target)
    where = f"{table.path}: the target {target.name!r}"
    if classes is not None and len(classes) < PAIR:
        has = f"only {shown(classes[0][0])}" if classes else "no value"
        raise UnusableTarget(f"{where} has {has} in {rows_in_words(table.rows)}; a target needs two classes or more")
    if not target.whole and not target.words:
        raise UnusableTarget(
            f"{where} has numbers with fractions, so it is an amount; models here tell classes apart: cut it into"
            " classes in the table, or name another column"
        )
    if classes is None or len(classes) > MOST_CLASSES:
        raise UnusableTarget(
            f"{where} has {target.distinct} different values in {rows_in_words(table.rows)}, and at most {MOST_CLASSES}"
            " are taken for classes; merge them in the table, or name another column"
        )
    return classes


def _positive(table: Table, classes: tuple[tuple[Code, int], ...], wanted: str | None) -> Code | None:
    """The value to be found, of two: the one wanted, else the rarer, of two as frequent the last."""
    values = [value for value, _ in classes]
    where = f"{table.path}: the target {table.target.name!r}"
    if wanted is None:
        return min(reversed(classes), key=lambda item: item[1])[0] if len(classes) == PAIR else None
    if len(classes) > PAIR:
        raise UnusableTarget(
            f"{where} has {len(classes)} classes, and a positive one is that of two; leave --positive out, or draft and"
            " then merge classes in the contract: values: [1, 2]"
        )
    for value in values:
        if wanted.strip() == str(value) or (isinstance(value, int) and number(wanted) == value):
            return value
    raise UnusableTarget(
        f"{where} has no value {wanted!r} to be positive; it has {shown(values[0])}, {shown(values[1])}"
    )
