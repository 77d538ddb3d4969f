"""Speaking is many small operations: each belongs on one thread, and several chunks on several.

Two threads that share an operation wait for one another at its end. On a quiet machine that costs little; where another
program keeps a core busy, each wait lasts until that program is interrupted: a sentence that takes 1 s took 7 to 30.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute with one thread inside the block."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
