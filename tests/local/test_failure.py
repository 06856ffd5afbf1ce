import subprocess
import sys

import pytest

from local.failure import explain


def run(code: str) -> tuple[int, str]:
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    return ended.returncode, ended.stdout + ended.stderr


def test_keeps_the_whole_message_of_an_exception() -> None:
    failure = explain(*run("print('before'); raise ValueError('first line\\n  second line\\n\\nlast line')"))

    assert failure.exception_type == "ValueError"
    assert failure.reason == "first line\n  second line\n\nlast line"
    assert failure.traceback.startswith("Traceback (most recent call last):\n")
    assert "before" not in failure.traceback


def test_explains_a_chain_by_the_exception_that_ended_the_process() -> None:
    failure = explain(*run("try:\n 1/0\nexcept ZeroDivisionError as error:\n raise RuntimeError('real') from error"))

    assert (failure.exception_type, failure.reason) == ("RuntimeError", "real")
    assert "ZeroDivisionError" not in failure.traceback


@pytest.mark.parametrize(
    ("code", "exception_type", "reason"),
    [
        ("raise KeyError", "KeyError", ""),
        ("class A:\n class Odd(Exception): pass\nraise A.Odd('x: y')", "Odd", "x: y"),
        ("def f():\n class Local(Exception): pass\n raise Local('inner')\nf()", "Local", "inner"),
        ("import json; json.loads('{')", "JSONDecodeError", "Expecting property name enclosed in double quotes"),
        ("def f(): f()\nf()", "RecursionError", "maximum recursion depth exceeded"),
    ],
)
def test_names_the_exception_without_its_module(code: str, exception_type: str, reason: str) -> None:
    failure = explain(*run(code))

    assert failure.exception_type == exception_type
    assert failure.reason.startswith(reason)


@pytest.mark.parametrize("shell", [False, True])
def test_names_the_signal_also_if_a_traceback_was_printed_before(shell: bool) -> None:
    output = "Traceback (most recent call last):\n  ...\nValueError: caught and logged\n"

    failure = explain(128 + 9 if shell else -9, output)

    assert failure.exception_type is None
    assert failure.reason == (
        "its process was ended by the signal SIGKILL; most often that is because the machine ran out of memory"
    )
    assert failure.traceback == ""


def test_only_sigkill_suggests_that_memory_ran_out() -> None:
    assert explain(-11, "").reason == "its process was ended by the signal SIGSEGV"


def test_gives_the_last_line_when_there_is_no_traceback() -> None:
    failure = explain(*run("import sys; print('one'); sys.exit('the table is empty')"))

    assert failure.exception_type is None
    assert failure.reason == (
        "its process ended with exit code 1, without a traceback; the last line it printed: the table is empty"
    )


def test_says_when_nothing_was_printed() -> None:
    assert explain(3, "").reason == "its process ended with exit code 3, without a traceback and printed nothing"


def test_doesnt_blame_an_exception_that_was_caught_before_the_process_chose_its_exit_code() -> None:
    code = "import traceback\ntry:\n 1/0\nexcept ArithmeticError:\n traceback.print_exc()\nraise SystemExit(3)"

    assert explain(*run(code)).exception_type is None


def test_survives_a_traceback_that_was_cut_off() -> None:
    failure = explain(1, 'Traceback (most recent call last):\n  File "x", line 1')

    assert failure.exception_type is None
    assert 'File "x", line 1' in failure.reason
