"""What the tests of disks share: disks of all kinds of blocks."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest

from labkit.disks.blocks import BLOCK, REAL, synthetic_stamp
from labkit.disks.frozen import Frozen


@pytest.fixture(scope="session")
def mixed_disk() -> Callable[..., Frozen]:
    """``mixed_disk(size, seed, holes=0.3)``: a disk of random zero, synthetic, real blocks and real blocks of zeros."""

    def make(size: int, seed: int = 1, holes: float = 0.3) -> Frozen:
        rng = np.random.default_rng(seed)
        count = -(-size // BLOCK)
        kinds = rng.choice(4, count, p=[holes, (1 - holes) * 0.5, (1 - holes) * 0.4, (1 - holes) * 0.1])
        slots = rng.integers(0, 1 << 30, count)
        synthetic = np.array([synthetic_stamp(9, int(slot)) for slot in slots], np.int64)
        stamps = np.select([kinds == 0, kinds == 1], [np.zeros(count, np.int64), synthetic], REAL | slots)
        stored = {REAL | int(slot): rng.bytes(BLOCK) for slot in slots[kinds == 2]}
        stored |= {REAL | int(slot): bytes(BLOCK) for slot in slots[kinds == 3]}
        return Frozen(size, stamps, stored.__getitem__)

    return make


@pytest.fixture(scope="session")
def pyvhdi() -> ModuleType:
    """libvhdi, the reader that knows differencing chains."""
    return pytest.importorskip("pyvhdi", reason="libvhdi-python is not installed (pip install labkit[test])")


@pytest.fixture(scope="session")
def sevenzip(tool: Callable[..., str]) -> str:
    """Path of 7-Zip, which finds parents by their names."""
    return tool("7zip", "7zz", "7z")
