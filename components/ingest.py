"""Ingest: any source of the contract becomes a typed Parquet table, with its digest and provenance."""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from kfp import dsl

from components import PROJECT
from components.errors import UnreadableTable
from components.image import component
from contract.schema import Contract, Files, Source


class Ingested(NamedTuple):
    """The digest of what was read, and whether it was made up."""

    sha256: str
    made: bool


def ingest_source(contract: Contract, source: Source, beside: Path) -> tuple[pd.DataFrame, str]:
    """Read one source whole; returns its typed rows and its SHA-256."""
    from components import table

    with tempfile.TemporaryDirectory(prefix="concord-") as folder:
        path = Path(folder) / "table"
        ingested = ingest_to(contract, source, beside, path)
        return table.read(path), ingested.sha256


def ingest_to(contract: Contract, source: Source, beside: Path, path: Path) -> Ingested:
    """Keep one source as Parquet in `path`, a part at a time; locations start at the folder `beside`.

    Raises `UnreadableTable` if it can't be had, or is no table of the contract.
    """
    made = source.made if is_made(source, beside) else None
    if made:
        print(warning(source, made, beside), flush=True)
    return Ingested(_keep(contract, made or source, beside, path), made is not None)


def _keep(contract: Contract, files: Files, beside: Path, path: Path) -> str:
    from components.ingestion.tables import cells_of, fetch_all, write_typed

    with tempfile.TemporaryDirectory(prefix="concord-") as folder:
        paths, digest = fetch_all(files, beside, Path(folder))
        write_typed(contract, cells_of(contract, files, paths), path)
    return digest


def is_made(source: Source, beside: Path) -> bool:
    """Whether made-up rows stand in for a source: it has some, and of its own files none is here.

    An address that can't be reached is an error instead.
    """
    from components.ingestion.fetching import is_remote

    locations = source.locations.values()
    return source.made is not None and not any(is_remote(item) or (beside / item).exists() for item in locations)


def warning(source: Source, made: Files, beside: Path) -> str:
    """One line that says that rows are made up, and what to bring where instead."""
    wanted = ", ".join(str((beside / location).resolve()) for location in source.locations.values())
    note = f" {source.note}" if source.note else ""
    return (
        f"warning: MADE DATA: {source.title} is not here, so this run works on made-up rows ({made.shown}) that nobody"
        f" observed. NOTHING THAT COMES OF IT IS TRUE OF THE WORLD. For a real run, put the real table in {wanted}, or"
        f" name its place.{note}"
    )


def overridden(source: Source, locations: Mapping[str, str]) -> Source:
    """The same table from other places, by the name of each file; that of an only one, or of a whole table, is `""`.

    Paths start at the project's root. Neither the checksum nor the made-up rows of the contract apply. Where no name is
    one of the contract's, the files are others that its preparation may know too.

    Raises `UnreadableTable` for a name that the contract doesn't have beside one that it has.
    """
    from components.ingestion.fetching import is_remote

    places = {name: item if is_remote(item) else str(PROJECT / item) for name, item in locations.items()}
    elsewhere = {"sha256": None, "made": None}
    if set(places) == {""}:
        return source.model_copy(update={**elsewhere, "location": places[""], "files": {}, "preparation": None})
    if source.files and not places.keys() & {*source.files, ""}:
        return source.model_copy(update={**elsewhere, "files": places})
    unknown = ", ".join(repr(name) for name in places if name not in source.files)
    if unknown:
        known = f"the files {', '.join(source.files)}" if source.files else "one file only, whose name is ''"
        raise UnreadableTable(f"source names {unknown}, but the contract's training table has {known}")
    return source.model_copy(update={**elsewhere, "files": {**source.files, **places}})


@component
def ingest(
    contract_path: str,
    source: dict[str, str],
    contract: dsl.Output[dsl.Artifact],
    table: dsl.Output[dsl.Dataset],
    external: dsl.Output[dsl.Dataset],
) -> NamedTuple("Ingested", [("sha256", str), ("made", bool)]):  # type: ignore[valid-type]
    """Fetches the contract's tables, checks their checksums and keeps them as Parquet.

    Args:
        contract_path: The contract; a relative path starts at the project's root.
        source: Where the training table is, if not where the contract says ({}): a location under the name of each of
            its files, or under "" that of its only one. A relative path starts at the project's root.
        contract: The contract, as it was read.
        table: The training table.
        external: A directory with one table per external site.

    Returns:
        sha256: The SHA-256 of the training table's source, or of the names and digests of its files.
        made: Whether nobody observed its rows.
    """
    from components.ingest import run

    return run(contract_path, source, contract, table, external)


def run(
    contract_path: str,
    source: Mapping[str, str],
    contract: dsl.Artifact,
    table: dsl.Artifact,
    external: dsl.Artifact,
) -> Ingested:
    """What the component does."""
    from pyarrow.parquet import read_metadata

    from contract.document import load_contract

    path = PROJECT / contract_path
    rules = load_contract(path)
    shutil.copyfile(path, contract.path)
    training = overridden(rules.training, source) if source else rules.training
    ingested = ingest_to(rules, training, path.parent, Path(table.path))
    table.metadata.update(
        source=training.made.shown if ingested.made and training.made else training.shown,
        sha256=ingested.sha256,
        rows=read_metadata(table.path).num_rows,
        licence=rules.licence,
        made=ingested.made,
    )
    folder = Path(external.path)
    folder.mkdir(parents=True)
    for name, site in rules.external.items():
        external.metadata[name] = ingest_to(rules, site, path.parent, folder / f"{name}.parquet").sha256
    return ingested
