"""Rules on what Kubernetes is told about a task's pod."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from compilation.finding import Fault
from compilation.placement import REACHES
from components.needs import NEEDS, Reach

if TYPE_CHECKING:
    from collections.abc import Iterator

    from compilation.spec import CompiledTask

_PLACED = "let pipeline.py place the task: placed(…)"
_LABEL = re.compile(r"([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?")
_DNS = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")


def timeout(task: CompiledTask) -> Iterator[Fault]:
    """A task that hangs would hold its node for ever."""
    if task.pod.active_deadline_seconds <= 0:
        yield Fault("it has no timeout", _PLACED)


def non_root(task: CompiledTask) -> Iterator[Fault]:
    """Root in a container is one fault of the kernel away from root on the node."""
    context = task.pod.security_context
    if not context.run_as_non_root or context.run_as_user <= 0:
        yield Fault("it may run as root", _PLACED)


def labelled(task: CompiledTask) -> Iterator[Fault]:
    """Network policies select by what a pod reaches: what isn't said, or said wrongly, is let out or shut in."""
    labels, needs = task.pod.pod_metadata.labels, NEEDS.get(task.stage)
    said = labels.get(REACHES, "")
    if needs and said != needs.reaches:
        yield Fault(f"its label {REACHES} is {said!r}, but it reaches {needs.reaches}", _PLACED)
    for key, value in sorted(labels.items()):
        if not _LABEL.fullmatch(value):
            fix = "use up to 63 letters, digits, '-', '_' and '.', with a letter or digit at the ends"
            yield Fault(f"its label {key} is {value!r}", fix)


def least_credentials(task: CompiledTask) -> Iterator[Fault]:
    """What computes needs no credentials, so a flaw in it can't leak any."""
    secrets = [*task.pod.secret_as_env, *task.pod.secret_as_volume]
    needs = NEEDS.get(task.stage)
    for secret in secrets:
        name = secret.secret_name_parameter.runtime_value.constant.string_value or secret.secret_name
        if needs and needs.reaches == Reach.NOTHING:
            yield Fault(
                f"it gets the Secret {name!r}, although it reaches nothing",
                "leave the Secret out, or say in components/needs.py what the stage reaches",
            )
        if name and not _DNS.fullmatch(name):
            yield Fault(
                f"its Secret {name!r} has a name that no Secret can have", "use small letters, digits and hyphens"
            )
