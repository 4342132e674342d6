"""A worker or a board as a process, with these settings and no others of the machine's."""

import os
from contextlib import ExitStack

from loanpulse.lab.child import Child
from streams.runtime.settings import PREFIX, Settings, environ_of


def started(command: str, settings: Settings, stack: ExitStack) -> Child:
    """Ended with the stack; its log is in the settings' home."""
    others = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    child = Child(command, [command], others | environ_of(settings), settings.home / f"{command}.log")
    stack.callback(child.stop, 0.0)
    return child
