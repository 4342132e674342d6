"""Signals cancel asynchronous work, they never strike it in the middle."""

import asyncio
import os
import signal
import threading

import pytest

from loanpulse.lab.apart import run_cancellable

LONG = 60.0


async def struck_by(number: signal.Signals, ended: list[str], *, deaf: int = 0) -> None:
    """Sends this process a signal and waits; drops so many cancellations."""
    os.kill(os.getpid(), number)
    for _ in range(deaf):
        with pytest.raises(asyncio.CancelledError):
            await asyncio.sleep(LONG)
    try:
        await asyncio.sleep(LONG)
    finally:
        ended.append("in order")


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, None)]
)
def test_a_signal_cancels_the_work_and_is_raised_when_it_has_ended(
    number: signal.Signals, code: int | None
) -> None:
    ended: list[str] = []
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt if code is None else SystemExit) as raised:
        run_cancellable(struck_by(number, ended))
    assert ended == ["in order"]
    assert getattr(raised.value, "code", None) == code
    assert signal.getsignal(number) is before


def test_a_cancellation_that_is_lost_comes_again() -> None:
    ended: list[str] = []
    with pytest.raises(SystemExit):
        run_cancellable(struck_by(signal.SIGTERM, ended, deaf=1))
    assert ended == ["in order"]


def test_a_signal_counts_even_if_the_work_ends_in_another_way() -> None:
    async def fails_when_cancelled() -> None:
        os.kill(os.getpid(), signal.SIGHUP)
        try:
            await asyncio.sleep(LONG)
        except asyncio.CancelledError:
            raise OSError("the terminal is gone") from None

    async def goes_on_to_its_end() -> None:
        os.kill(os.getpid(), signal.SIGHUP)

    for work in (fails_when_cancelled, goes_on_to_its_end):
        with pytest.raises(SystemExit, match="129"):
            run_cancellable(work())


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    async def one() -> int:
        os.kill(os.getpid(), signal.SIGHUP)
        await asyncio.sleep(0)
        return 1

    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert run_cancellable(one()) == 1
    finally:
        signal.signal(signal.SIGHUP, before)


def test_results_and_errors_come_out_from_any_thread() -> None:
    found: list[object] = []

    async def two() -> int:
        return 2

    async def fails() -> None:
        raise LookupError("no")

    def work() -> None:
        found.append(run_cancellable(two()))
        with pytest.raises(LookupError):
            run_cancellable(fails())

    work()
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [2, 2]
