"""Runs a command that the kernel kills as soon as the process that asked for it is gone.

Started as a program, `python -I -S leash.py PARENT_PID COMMAND…`: the death signal is set by this little process, which
then becomes the command, and not between fork and exec of the parent, where Python code can deadlock if there are threads.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main() -> None:
    """Tie this process to its parent and become the command; exit 1 without a word if the parent is gone already."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(1)
    os.execv(command[0], command)  # noqa: S606  (the command is ours, and no shell is wanted)


if __name__ == "__main__":
    main()
