"""Rules on what a task's container is and runs."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from compilation.finding import Fault
from compilation.reference import is_pinned

if TYPE_CHECKING:
    from collections.abc import Iterator

    from compilation.spec import CompiledTask

STATEMENTS = 3
"""Of a component's body: imports, and one call whose result it may return."""

_INSTALLER = re.compile(r"\b(?:pip3?|uv|conda|mamba|apt|apt-get|apk)\s+(?:pip\s+)?(?:install|add|sync)\b")
_SECRET = re.compile(r"(?i)(?:password|passwd|secret|token|credential|private_?key|access_?key|api_?key)")
_USERINFO = re.compile(r"://[^/\s:@]+:[^/\s@]+@")


def image_by_digest(task: CompiledTask) -> Iterator[Fault]:
    """A tag may move, and KFP's cache takes it for the same code."""
    if not is_pinned(task.container.image):
        yield Fault(
            f"its image {task.container.image} isn't named by a digest",
            "compile with --image repository@sha256:…",
        )


def limits(task: CompiledTask) -> Iterator[Fault]:
    """A task without them may starve its node, and namespaces with a quota refuse it."""
    resources = task.container.resources
    for what in ("cpu", "memory"):
        for bound in ("request", "limit"):
            if not getattr(resources, f"resource_{what}_{bound}"):
                yield Fault(f"it has no {what} {bound}", "let pipeline.py place the task: placed(…)")


def installs_nothing(task: CompiledTask) -> Iterator[Fault]:
    """What is installed at run time is neither locked nor scanned, and isn't there in an air-gapped cluster."""
    text = " ".join([*task.container.command, *task.container.args])
    if found := _INSTALLER.search(text):
        yield Fault(
            f"it runs '{found[0]}' when it starts",
            "put the package into requirements/pipeline.in, and make the component with components.image.component",
        )


def thin_body(task: CompiledTask) -> Iterator[Fault]:
    """What is in the YAML can't be tested, and nothing of its module is there."""
    fix = "import the stage in the body and call it, as the other components do"
    body = task.body()
    if body is None:
        yield Fault("its code isn't a Python function", fix)
        return
    *imports, last = body or [ast.Pass()]
    calls = isinstance(last, ast.Return | ast.Expr) and isinstance(last.value, ast.Call)
    only_imports = all(isinstance(item, ast.Import | ast.ImportFrom) for item in imports)
    if len(body) > STATEMENTS or not calls or not only_imports:
        yield Fault(f"the {len(body)} statements of its body aren't just imports and one call", fix)


def holds_secret(name: str, value: str) -> bool:
    """Whether a value is one that only few should know, by its name or because it is an address with a password."""
    return bool(_USERINFO.search(value) or (value and _SECRET.search(name)))


def no_secret(task: CompiledTask) -> Iterator[Fault]:
    """Everybody who may see the pipeline could read it."""
    for variable in task.container.env:
        if holds_secret(variable.name, variable.value):
            yield Fault(
                f"the value of {variable.name} stands in the YAML",
                "put it into a Secret, and name that in compilation/surroundings.py",
            )
