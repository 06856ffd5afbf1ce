"""The lines of a drafted contract: YAML that is valid as it is, with a comment at everything that was guessed."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import yaml

from contract.encoding import shown
from contract.features import plain
from contract.guessing import Exclusion, FeatureGuess, hard_range, rows_in_words
from contract.tally import MARKERS, number

if TYPE_CHECKING:
    from contract.features import Code
    from contract.tally import Row, Table

_LONGEST_LINE = 118
_FEW_ROWS = 5
_MUCH_MISSING = 0.05
_LEAST_SHARE = 0.001
_EXACT = 10**15
_PLAIN_TEXT = re.compile(r"[^\W\d][\w ()/.%-]*")
_HEAD = """\
# A first draft, written by `python -m contract draft`. What was guessed is marked `review:`, with what was seen. Put
# right what is wrong, and remove the marks. No table tells by itself which of its columns are known only after the
# outcome, or were filled in because of it: list those under `excluded`, or mark them with `suspect` and the reason.
"""


class DraftLines:
    """The lines of one drafted contract; `positive` is the value to be found, of two classes."""

    def __init__(
        self,
        table: Table,
        found: list[FeatureGuess | Exclusion],
        classes: tuple[tuple[Code, int], ...],
        positive: Code | None,
    ) -> None:
        self.table = table
        self.features = [guess for guess in found if isinstance(guess, FeatureGuess)]
        self.excluded = [guess for guess in found if isinstance(guess, Exclusion)]
        self.classes = classes
        self.positive = positive
        self.lines: list[str] = []
        identifying = [guess for guess in self.excluded if guess.identifies and guess.column.name]
        self.id = identifying[0] if identifying else None

    def put(self, line: str, review: str = "") -> None:
        """Add a line, and what is to be reviewed in it: behind it, or above where that would be too long."""
        if not review:
            self.lines.append(line)
        elif len(line) + len(review) + 12 <= _LONGEST_LINE:
            self.lines.append(f"{line}  # review: {review}")
        else:
            indent = " " * (len(line) - len(line.lstrip(" ")))
            self.lines += [f"{indent}# review: {review}", line]

    def text(self, name: str, location: str) -> str:
        """The whole file."""
        self._describe(name, location)
        self._list_features()
        self._list_the_rest()
        self._set_target()
        self._set_decision()
        self._show_examples()
        return _HEAD + "\n".join(self.lines) + "\n"

    def summary(self) -> str:
        """What was drafted, in a few lines."""
        kinds = [guess.kind for guess in self.features]
        counted = ", ".join(f"{kinds.count(kind)} {kind}" for kind in sorted(set(kinds), key=kinds.index))
        classes = ", ".join(f"{value} ({rows_in_words(rows)})" for value, rows in self.classes)
        found = "" if self.positive is None else f"; to be found: {self.positive}"
        lines = [
            f"{rows_in_words(self.table.rows)}, {len(kinds)} features: {counted}",
            f"target {self.table.target.name}: {classes}{found}",
            *(f"left out: {_called(guess)}: {guess.reason}" for guess in self.excluded),
        ]
        return "\n".join(lines)

    def _describe(self, name: str, location: str) -> None:
        title = name.replace("-", " ").capitalize()
        self.put("format: 1")
        self.put(f"name: {inline(name)}", "what the model is called, in its address too")
        self.put(f"title: {inline(title)}", "what people call the table")
        self.put(
            f"description: {inline(f'Rows of {self.table.path.name}.')}",
            "say what a row is, where they are from, what is asked",
        )
        self.put("licence: unknown", "may the table be used for this, and be passed on?")
        self.put("citation: unknown", "whom to name")
        self.put("")
        self.put("training:")
        self.put(f"  location: {inline(location)}")
        self.put(f"  sha256: {self.table.sha256}")
        self.put(f"  title: {inline(title)}", "where and when these rows were collected")
        self.put("")
        markers = sorted({marker for column in self.table.columns for marker in column.missing} - {""})
        listed = ", ".join(['""', *(f'"{marker}"' for marker in markers)])
        self.put(
            f"missing_markers: [{listed}]", self._markers_seen() or "no cell is empty or says that it lacks a value"
        )
        self._allow_duplicates()
        self.put("")

    def _markers_seen(self) -> str:
        totals = dict.fromkeys(sorted(MARKERS), 0)
        for column in self.table.columns:
            for marker, rows in column.missing.items():
                totals[marker] += rows
        return ", ".join(
            f"{'an empty cell' if not marker else shown(marker)} {_times(count)}"
            for marker, count in totals.items()
            if count
        )

    def _allow_duplicates(self) -> None:
        """Rows may also be alike once columns are left out, which one pass can't count."""
        if self.table.repeated:
            repeat = "repeats" if self.table.repeated == 1 else "repeat"
            seen = f"{rows_in_words(self.table.repeated)} {repeat} another; chance, or a fault? refuse stops a run"
            self.put("duplicates: warn", seen)
        elif any(not guess.reason.startswith("constant") for guess in self.excluded) and not self.id:
            self.put("duplicates: warn", "no row repeats another, but without what is left out some may")
        else:
            self.put("duplicates: refuse", "no row repeats another")

    def _list_features(self) -> None:
        self.put("features:")
        for guess in self.features:
            self.put(f"  - name: {inline(guess.name)}")
            if guess.name != guess.column.name:
                self.put(f"    column: {inline(guess.column.name)}")
            self.put(f"    kind: {guess.kind}", guess.seen)
            self.put(f"    description: {inline(guess.column.name)}", "say what it is")
            if guess.kind in {"numeric", "integer"}:
                self.put("    unit: null", "unknown")
            self._say_what_is_missing(guess)
            if guess.kind in {"numeric", "integer"}:
                self._set_ranges(guess)
            elif guess.codes:
                self._list_categories(guess)

    def _say_what_is_missing(self, guess: FeatureGuess) -> None:
        if not guess.missing:
            return
        share = guess.missing / self.table.rows
        review = f"{rows_in_words(guess.missing)} ({_percent(share)}) without a value"
        if guess.markers:
            review += f", for which {' and '.join(map(str, guess.markers))} is taken"
        if share >= _MUCH_MISSING:
            review += "; if that tells something by itself, add informative: true"
        markers = f"markers: [{', '.join(map(inline, guess.markers))}], " if guess.markers else ""
        self.put(f"    missing: {{{markers}allowed: true}}", review)

    def _set_ranges(self, guess: FeatureGuess) -> None:
        least, most = hard_range(guess.low, guess.high, whole=guess.kind == "integer")
        for note in guess.notes:
            self.put(f"    # review: {note}")
        seen = f"{plain(guess.low)} to {plain(guess.high)}"
        self.put(
            f"    range: {{min: {inline(least)}, max: {inline(most)}}}",
            f"what is possible? Seen: {seen}; beyond is guessed",
        )
        self.put(f"    usual: {{min: {inline(guess.low)}, max: {inline(guess.high)}}}", "as seen")

    def _list_categories(self, guess: FeatureGuess) -> None:
        rare = sum(rows < _FEW_ROWS for _, rows in guess.codes)
        review = "say what each value means"
        if rare:
            review += f"; {rare} of {len(guess.codes)} stand in fewer than {_FEW_ROWS} rows"
        self.put("    categories:", review)
        for value, rows in guess.codes:
            entry = f"{{value: {inline(value)}, label: {inline(str(value))}}}"
            self.lines.append(f"      - {entry}  # {rows_in_words(rows)}")

    def _list_the_rest(self) -> None:
        excluded = [guess for guess in self.excluded if guess is not self.id and guess.column.name]
        self.put("")
        if excluded:
            self.put("excluded:")
        for guess in excluded:
            entry = f"{{column: {inline(guess.column.name)}, reason: {inline(guess.reason)}}}"
            self.put(f"  - {entry}", _role(guess) or "of no use?")
        for guess in self.excluded:
            if not guess.column.name:
                self.put(f"# review: column {guess.column.position + 1} has no name, so it is left out: {guess.reason}")
        if self.id:
            self.put(f"id_column: {inline(self.id.column.name)}", f"{self.id.reason}, so it names rows")

    def _set_target(self) -> None:
        target = self.table.target
        if self.lines[-1]:
            self.put("")
        self.put("target:")
        lacking = target.missing.total()
        stop = f"{rows_in_words(lacking)} without a value {'stops' if lacking == 1 else 'stop'} a run: remove"
        stop += " it" if lacking == 1 else " them"
        self.put(f"  column: {inline(target.name)}", stop if lacking else "")
        self.put(f"  description: {inline(target.name)}", "say what is predicted, and when it becomes known")
        review = "what do people call them? What means the same to you goes into one class, such as values: [1, 2]"
        self.put("  classes:", review)
        for value, rows in self.classes:
            few = " too few to hold any out and learn from the rest" if rows < _FEW_ROWS else ""
            entry = f"{{label: {inline(str(value))}, values: [{inline(value)}]}}"
            self.lines.append(f"    - {entry}  # {'review: ' if few else ''}{rows_in_words(rows)}{few and ':'}{few}")
        if self.positive is not None:
            share = dict(self.classes)[self.positive] / sum(rows for _, rows in self.classes)
            self.put(
                f"  positive: {inline(str(self.positive))}",
                f"which one is to be found? This one is {_percent(share)} of the rows",
            )
        self.put("")

    def _set_decision(self) -> None:
        self.put(
            "split: {method: stratified, held_out: 0.2}",
            "do rows belong together, by person or by day? Then grouped with group_column, or time with time_column",
        )
        self.put("")
        self.put("decision:")
        self.put("  metric: roc_auc", "what makes one model better than another, such as brier, log_loss, pr_auc")
        if self.positive is None:
            self.put("  floors: {roc_auc: 0.55}", "the least that is of any use")
        else:
            cost = "which mistake costs more? Such as {rule: sensitivity_at_least, value: 0.9}"
            self.put("  threshold: {rule: highest_f1}", cost)
            self.put("  floors: {roc_auc: 0.55, sensitivity: 0.1, specificity: 0.1}", "the least that is of any use")
        self.put("")

    def _show_examples(self) -> None:
        """A row of the rarest class, or the positive one, and one of the most frequent other."""
        self.put("# review: these are rows of the table; if it holds persons, make up others")
        self.put("examples:")
        order = sorted(self.classes, key=lambda item: (item[0] != self.positive, item[1]))
        for value in (order[0][0], order[-1][0]):
            row = next(row for text, row in self.table.firsts.items() if _is(text, value))
            self.put(f"  - title: {inline(f'line {row.line} of the table, {self.table.target.name} {value}')}")
            values = ", ".join(f"{inline(guess.name)}: {inline(_value(guess, row))}" for guess in self.features)
            self.put(f"    instance: {{{values}}}")


def inline(value: object) -> str:
    """A value as YAML has it, on one line; text in quotes where another reader might take it for something else."""
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT:
        return str(int(value))
    if isinstance(value, str) and not (_PLAIN_TEXT.fullmatch(value) and yaml.safe_load(value) == value):
        return yaml.safe_dump(value, default_style='"', allow_unicode=True, width=math.inf).strip()
    return yaml.safe_dump([value], default_flow_style=True, allow_unicode=True, width=math.inf).strip()[1:-1]


def _value(guess: FeatureGuess, row: Row) -> bool | float | str | None:
    """A cell as a request would have it."""
    text = row.cells[guess.column.position].strip()
    value = number(text)
    if text in MARKERS or text in guess.markers or value in guess.markers:
        return None
    match guess.kind:
        case "boolean":
            return text.lower() == "true" if value is None else bool(value)
        case "categorical":
            return text if value is None or isinstance(guess.codes[0][0], str) else int(value)
        case _:
            return value


def _is(text: str, value: Code) -> bool:
    return number(text) == value if isinstance(value, int) else text == value


def _called(guess: Exclusion) -> str:
    return guess.column.name or f"column {guess.column.position + 1}"


def _role(guess: Exclusion) -> str:
    name = guess.column.name
    if guess.groups:
        return f"if its rows belong together: group_column: {name}, and split: {{method: grouped, ...}}"
    if guess.dates:
        return f"if the model is for later rows: time_column: {name}, and split: {{method: time, ...}}"
    return ""


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if share >= _LEAST_SHARE else "less than 0.1 %"


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"
