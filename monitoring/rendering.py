"""What the code renders, file by file, and whether what is committed is the same."""

from __future__ import annotations

from pathlib import Path

from monitoring import dashboards, metric_table, rules
from monitoring.errors import StaleRendering

FOLDER = Path(__file__).parent


def rendered() -> dict[Path, str]:
    """The text of every rendered file, by its path."""
    files = rules.files() | dashboards.files() | metric_table.files()
    return {FOLDER / name: text for name, text in files.items()}


def write() -> list[Path]:
    """Write every file that isn't there as it should be; says which."""
    changed = {path: text for path, text in rendered().items() if _content(path) != text}
    for path, text in changed.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(changed)


def check() -> int:
    """How many files agree with the code. Raises `StaleRendering` naming those that don't."""
    files = rendered()
    stale = [str(path.relative_to(FOLDER.parent)) for path, text in files.items() if _content(path) != text]
    if stale:
        raise StaleRendering(f"{', '.join(stale)}: not what the code renders; run python -m monitoring render")
    return len(files)


def _content(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None
