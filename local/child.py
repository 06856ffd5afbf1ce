"""Run one command and report how it ended: `python child.py REPORT_FD COMMAND...` (a script, not imported).

On Linux the peak memory of a process includes that of the process which started it, so a task started directly by a
big process would seem to be as big. This process is small, and therefore starts the task and measures it. To REPORT_FD
it writes the exit code (negative: a signal) and the peak resident set size of the task's largest process (`ru_maxrss`:
KiB on Linux, bytes on macOS).
"""

import os
import sys

if __name__ == "__main__":
    report, command = int(sys.argv[1]), sys.argv[2:]
    os.set_inheritable(report, False)  # noqa: FBT003  (takes it only by position)
    _, status, usage = os.wait4(os.posix_spawnp(command[0], command, os.environ), 0)
    os.write(report, f"{os.waitstatus_to_exitcode(status)} {usage.ru_maxrss}".encode())
