import re
from io import StringIO

import pytest
from rich.console import Console
from rich.text import Text

from local.graph import TaskId
from local.progress import Progress

LOAD = TaskId("load", ())
TRAIN = TaskId("train", (0,))
REPORT = TaskId("report", ())
TASKS = {LOAD: "Load [the] table", TRAIN: "Train · svm", REPORT: "Report"}


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Console:
    monkeypatch.setenv("TERM", "xterm-256color")
    return Console(file=StringIO(), force_terminal=True, width=80)


def shown(console: Console) -> str:
    """Return what was written, with `#` for each time."""
    assert isinstance(console.file, StringIO)
    return re.sub(r" *\d+\.\d s", " # s", console.file.getvalue())


def last_frame(console: Console) -> list[str]:
    lines = Text.from_ansi(shown(console)).plain.splitlines()
    start = max(index for index, line in enumerate(lines) if TASKS[LOAD] in line)
    return [" ".join(line.split()) for line in lines[start:]]


def first_words(lines: list[str]) -> list[str]:
    return [line.split()[0] for line in lines]


def test_prints_one_line_for_each_task_that_ended() -> None:
    console = Console(file=StringIO())
    progress = Progress(console)
    progress.begin(TASKS)
    progress.started(LOAD, TASKS[LOAD])
    progress.noted(LOAD, "12/50 rows")
    assert shown(console) == ""
    progress.ended(LOAD, done=True)
    progress.started(TRAIN, TASKS[TRAIN])
    progress.retrying(TRAIN, 1, 2)
    progress.started(TRAIN, TASKS[TRAIN])
    progress.ended(TRAIN, done=False)
    progress.finish("failed")

    assert shown(console).splitlines() == [
        " # s  Load [the] table … done in # s",
        " # s  Train · svm … attempt 1 of 2 failed, trying again",
        " # s  Train · svm … failed after # s",
        " # s  Failed after # s, 1 task done",
    ]


def test_doesnt_wrap_lines_where_there_is_no_terminal() -> None:
    narrow = Console(file=StringIO(), width=20)
    progress = Progress(narrow)
    label = "A long name of a task, longer than the console is wide"
    progress.begin({LOAD: label})
    progress.started(LOAD, label)
    progress.ended(LOAD, done=True)

    assert shown(narrow) == f" # s  {label} … done in # s\n"


def test_shows_on_a_terminal_from_the_first_moment_what_is_still_to_come(terminal: Console) -> None:
    progress = Progress(terminal)
    progress.begin(TASKS)
    lines = last_frame(terminal)
    progress.finish("stopped")

    assert lines == ["· Load [the] table waiting", "· Train · svm waiting", "· Report waiting", "# s"]


def test_shows_on_a_terminal_how_each_task_ended(terminal: Console) -> None:
    progress = Progress(terminal)
    progress.begin(TASKS)
    progress.started(LOAD, TASKS[LOAD])
    progress.ended(LOAD, done=True)
    progress.started(TRAIN, TASKS[TRAIN])
    progress.ended(TRAIN, done=False)
    progress.finish("failed")

    assert last_frame(terminal) == [
        "✓ Load [the] table # s",
        "✗ Train · svm # s failed",
        "· Report not run",
        "Failed after # s, 1 task done",
    ]


def test_shows_a_tasks_note_while_it_runs_and_not_afterwards(terminal: Console) -> None:
    progress = Progress(terminal)
    progress.begin(TASKS)
    progress.started(TRAIN, TASKS[TRAIN])
    progress.noted(TRAIN, "12/50 [folds]")
    terminal.print("")  # draws the view anew
    running = last_frame(terminal)[1]
    progress.ended(TRAIN, done=True)
    progress.finish("done")

    assert running.endswith("Train · svm # s 12/50 [folds]")
    assert last_frame(terminal)[1] == "✓ Train · svm # s"


def test_marks_what_ran_when_the_run_was_stopped(terminal: Console) -> None:
    progress = Progress(terminal)
    progress.begin(TASKS)
    progress.started(LOAD, TASKS[LOAD])
    progress.finish("stopped")

    assert last_frame(terminal)[0] == "✗ Load [the] table # s stopped"
    assert last_frame(terminal)[-1] == "Stopped after # s, 0 tasks done"


def test_replaces_an_unknown_iteration_by_those_that_start(terminal: Console) -> None:
    progress = Progress(terminal)
    progress.begin({LOAD: TASKS[LOAD], TaskId("train", None): "Train", REPORT: "Report"})
    for index, item in enumerate(("svm", "forest")):
        task = TaskId("train", (index,))
        progress.started(task, f"Train · {item}")
        progress.ended(task, done=True)
    progress.finish("done")

    assert last_frame(terminal)[1:4] == ["✓ Train · svm # s", "✓ Train · forest # s", "· Report not run"]


def test_shows_a_second_run_without_the_first(terminal: Console) -> None:
    progress = Progress(terminal)
    for tasks in ({REPORT: "Report"}, {LOAD: TASKS[LOAD]}):
        progress.begin(tasks)
        for task, label in tasks.items():
            progress.started(task, label)
            progress.ended(task, done=True)
        progress.finish("done")

    assert last_frame(terminal) == ["✓ Load [the] table # s", "1 task done in # s"]


def test_isnt_live_on_a_terminal_that_cant_move_its_cursor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    dumb = Console(file=StringIO(), force_terminal=True, color_system=None)
    progress = Progress(dumb)
    progress.begin(TASKS)
    progress.finish("done")

    assert shown(dumb) == " # s  0 tasks done in # s\n"
