"""Publish: the bundle proves itself over HTTP, meets the champion, and takes its place if it isn't worse."""

from enum import StrEnum
from pathlib import Path

import pandas as pd
from kfp import dsl

from components.image import component
from contract.features import Strict


class Mode(StrEnum):
    """What becomes of a bundle that is proven."""

    CHAMPION = "champion"
    """It takes the champion's place if it isn't worse."""
    CHECK = "check"
    """It meets the champion and remains the challenger: somebody else decides."""


class Outcome(Strict):
    """What publishing came to, in words and numbers."""

    promoted: bool
    version: str
    previous: str | None
    reason: str
    proven_rows: int


@component
def publish(
    version: str,
    mode: str,
    held_out: dsl.Input[dsl.Dataset],
    bundle: dsl.Input[dsl.Model],
    outcome: dsl.Output[dsl.Artifact],
) -> bool:
    """Starts the real predictor from the bundle, sends it the golden requests, and makes it the champion.

    Args:
        version: The bundle's version in the registry.
        mode: `champion`, or `check` to leave the champion where it is.
        held_out: The held-out rows, on which it meets the present champion.
        bundle: The winner's bundle.
        outcome: What came of it.

    Returns:
        Whether it is the champion now.
    """
    from components.publish import run

    return run(version, mode, held_out, bundle, outcome)


def run(version: str, mode: str, held_out: dsl.Artifact, bundle: dsl.Artifact, outcome: dsl.Artifact) -> bool:
    """What the component does."""
    from components.table import read

    result = publish_bundle(Path(bundle.path), version, read(held_out.path), mode_named(mode))
    print(result.reason)
    Path(outcome.path).write_text(result.model_dump_json(indent=2), encoding="utf-8")
    return result.promoted


def mode_named(name: str) -> Mode:
    """The mode of that name. Raises `StageError` naming those that exist."""
    from components.errors import StageError

    try:
        return Mode(name)
    except ValueError:
        raise StageError(f"there is no publish mode {name!r}; choose one of {', '.join(Mode)}") from None


def publish_bundle(directory: Path, version: str, held_out: pd.DataFrame, mode: Mode = Mode.CHAMPION) -> Outcome:
    """Prove a bundle over HTTP, compare it with the champion, and set the alias `champion` if it isn't worse.

    With `Mode.CHECK` the alias stays where it is.

    A champion that can't be compared gives way, since the challenger is proven: its bundle is corrupt or gone, so it
    can't be served again either, or it is a model of another question. What learnt from made-up rows never takes the
    place of what learnt from observed ones.

    Raises `PublicationFailed` if the predictor doesn't answer what the evaluation saw, `BundleError` if the bundle
    can't be read, `TrackingUnreachable` if MLflow doesn't answer: nothing is changed then.
    """
    import tempfile

    from components.publication.championship import duel, is_made, obstacle
    from components.publication.proof import predictor, prove
    from components.tracking.client import CHAMPION, connection, download_bundle, version_with_alias
    from contract.bundle import load_bundle
    from contract.errors import BundleError

    challenger = load_bundle(directory)
    model = challenger.contract.name
    with predictor(directory, model) as url:
        proven = prove(url, model, challenger.golden)
    worse = unreal = False
    with connection() as client, tempfile.TemporaryDirectory() as scratch:
        holder = version_with_alias(client, model, CHAMPION)
        previous = str(holder.version) if holder else None
        if holder is None:
            reason = "is the first champion"
        else:
            try:
                champion = load_bundle(download_bundle(client, holder, Path(scratch)))
                unreal = is_made(challenger) and not is_made(champion)
                why_not = obstacle(challenger, champion, held_out)
            except BundleError as error:
                why_not = str(error)
            if unreal:
                reason = f"is not promoted: it learnt from made-up rows, version {previous} from observed ones"
            elif why_not:
                reason = f"replaces version {previous}, which can't be compared: {why_not}"
            else:
                fight = duel(challenger, champion, held_out)
                worse = fight.worse
                verdict = f"is not promoted, it is worse than version {previous}" if worse else "is the champion"
                reason = f"{verdict}: {fight}"
        promoted = not (worse or unreal) and mode is Mode.CHAMPION
        if mode is Mode.CHECK:
            reason = f"remains the challenger, as publish mode check asks; otherwise it {reason}"
        if promoted:
            client.set_registered_model_alias(model, CHAMPION, version)
    return Outcome(
        promoted=promoted,
        version=version,
        previous=previous,
        reason=f"version {version} of {model} {reason}",
        proven_rows=proven,
    )
