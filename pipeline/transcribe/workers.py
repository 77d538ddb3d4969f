"""Spread slow calls over processes: results in order, few in flight, none left behind."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.process import BaseProcess
from typing import TypeVar

from pipeline.errors import TranscribeError

Task = TypeVar("Task")
Result = TypeVar("Result")

IN_FLIGHT = 4
"""Tasks waiting for each worker: enough that none idles, few enough that memory stays small."""


def usable_cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class Workers:
    """Processes that start at the first call and live until this object or the program ends.

    Args:
        count: how many; 1 works in this process.
    """

    def __init__(self, count: int) -> None:
        if count < 1:
            raise ValueError(f"count must be at least 1, got {count}")
        self.count = count
        self._pool: ProcessPoolExecutor | None = None

    def spread(self, function: Callable[[Task], Result], tasks: Iterable[Task]) -> Iterator[Result]:
        """Yield `function(task)` for each task, in the order of the tasks, reading these only as they are needed.

        Args:
            function: defined at the top of a module, so that a fresh process can import it.
            tasks: what can be pickled.

        Raises:
            TranscribeError: a worker was killed, most likely for want of memory.
        """
        if self.count == 1:
            yield from map(function, tasks)
            return
        pool = self._started()
        flying: deque[Future[Result]] = deque()
        try:
            for task in tasks:
                flying.append(pool.submit(function, task))
                if len(flying) >= IN_FLIGHT * self.count:
                    yield flying.popleft().result()
            while flying:
                yield flying.popleft().result()
        except BrokenProcessPool as error:
            self.close()
            raise TranscribeError(
                "a recogniser process was killed", hint="this is mostly want of memory: close other programs, run again"
            ) from error
        finally:
            for future in flying:
                future.cancel()

    def close(self) -> None:
        """End the processes; the next call starts new ones."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def _started(self) -> ProcessPoolExecutor:
        if self._pool is None:
            # spawn, not fork: torch and its threads may be running here, and macOS and Windows have nothing else.
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self.count, mp_context=context, initializer=_settle)
        return self._pool


def _settle() -> None:
    """Leave Ctrl-C to the parent, and end with it even when it is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_follow, args=(parent,), daemon=True).start()


def _follow(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)
