"""A fuzzer of image files: damage of all kinds; the same damage for everybody unless asked for more.

What may come out of a damaged file: an error of ours, or the disk as it was. A wrong disk is let pass only where the
format has nothing that would show it: in structures without a checksum, or where this test repaired the checksum.
"""

from __future__ import annotations

import collections
import os
import struct
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest

from labkit.disks import vhd_layout, vhdx_layout
from labkit.disks.image import open_image
from labkit.disks.vhdx_layout import MIB
from labkit.engine.errors import LabError
from tests.conftest import Rounds
from tests.disks import makers
from tests.disks.makers import Made

DAMAGES, SECONDS = 400, 3
BODY = np.random.default_rng(8).bytes(MIB + 70_000) + bytes(MIB) + np.random.default_rng(9).bytes(MIB // 2)
BODY = BODY[: len(BODY) // 4_096 * 4_096]
# Parts without a checksum. In a VHD packed without gaps every single bit of the table shows; in a VHDX, that a block
# became absent or the disk larger does not.
UNPROTECTED = {"items", "values", "table", "bitmap"}
ALLOWED = {"refused", "right", "warned", "wrong"}
VALUES = [
    0,
    1,
    2,
    3,
    7,
    511,
    513,
    4_095,
    65_535,
    1 << 20,
    1 << 31,
    (1 << 32) - 1,
    1 << 44,
    (1 << 63) - 1,
    (1 << 64) - 1,
]


def fixed_vhd(folder: Path) -> Made:
    return makers.fixed_vhd(folder / "fixed.vhd", BODY)


def dynamic_vhd(folder: Path) -> Made:
    return makers.vhd(folder / "dynamic.vhd", BODY, block=512 << 10, order_seed=2)


def chain_vhd(folder: Path) -> Made:
    base = makers.vhd(folder / "base.vhd", BODY, block=512 << 10)
    return makers.vhd(folder / "child.vhd", makers.random_changes(BODY, 1, 512), parent=base, block=65_536)


def dynamic_vhdx(folder: Path) -> Made:
    return makers.vhdx(folder / "dynamic.vhdx", BODY)


def fixed_vhdx(folder: Path) -> Made:
    return makers.vhdx(folder / "fixed.vhdx", BODY, sector=4_096, fixed=True)


def chain_vhdx(folder: Path) -> Made:
    base = makers.vhdx(folder / "base.vhdx", BODY)
    return makers.vhdx(folder / "child.vhdx", makers.random_changes(BODY, 1, 512), parent=base)


def dirty_vhdx(folder: Path) -> Made:
    """Its table stands in the log only; in its place in the file is what a reader without a log would take for one."""
    made = makers.vhdx(folder / "dirty.vhdx", BODY)
    raw, log = made.path.read_bytes(), uuid.UUID(int=9)
    entry = makers.log_entry(log, 4, 0, [(3 * MIB, raw[3 * MIB :][:4_096])], len(raw), len(raw))
    makers.put_log(made.path, [(0, entry)], log)
    with made.path.open("r+b") as file:
        file.seek(3 * MIB)
        file.write(bytes(4_096))
    made.parts["log"] = (MIB, len(entry))
    del made.parts["table"]
    return made


MAKERS = [fixed_vhd, dynamic_vhd, chain_vhd, dynamic_vhdx, fixed_vhdx, chain_vhdx, dirty_vhdx]
SEALS: dict[str, Callable[[bytes], bytes]] = {
    "header 0": vhdx_layout.sealed,
    "header 1": vhdx_layout.sealed,
    "log": vhdx_layout.sealed,
    "copy": lambda raw: raw[:64] + struct.pack(">I", vhd_layout.counted(raw, 64)) + raw[68:],
    "footer": lambda raw: raw[:64] + struct.pack(">I", vhd_layout.counted(raw, 64)) + raw[68:],
    "header": lambda raw: raw[:36] + struct.pack(">I", vhd_layout.counted(raw, 36)) + raw[40:],
}


class Damage:
    """One damage to a file, undone at the end; ``told`` says whether the format lets a reader see it."""

    def __init__(self, made: Made, rng: np.random.Generator) -> None:
        self._made, self._rng = made, rng
        self.part, (self._at, length) = list(made.parts.items())[rng.integers(len(made.parts))]
        with made.path.open("rb") as file:
            file.seek(self._at)
            self._before = file.read(length)
        self.told = self.part not in UNPROTECTED
        self.name = ""

    def __enter__(self) -> Damage:
        kind = self._rng.choice(["bit", "value", "copy", "cut", "sealed"], p=[0.4, 0.25, 0.1, 0.1, 0.15])
        after = bytearray(self._before)
        if kind == "cut":
            self._whole = self._made.path.read_bytes()
            self.name, self.told = "cut", True
            os.truncate(self._made.path, int(self._rng.integers(len(self._whole) - 512)))
            return self
        getattr(self, "_" + ("value" if kind == "sealed" else kind))(after)
        if kind == "sealed" and self.part in SEALS:
            after, self.told = bytearray(SEALS[self.part](bytes(after))), False
        self.name = f"{kind} in {self.part} at {[n for n, b in enumerate(after) if b != self._before[n]]}"
        # One bit of a packed VHD's table always shows; more of them can make another sound table.
        vhd = self._made.path.suffix == ".vhd"
        self.told = self.told or (kind == "bit" and self.part == "table" and vhd)
        self._write(bytes(after))
        return self

    def __exit__(self, *_: object) -> None:
        if self.name == "cut":
            self._made.path.write_bytes(self._whole)
        else:
            self._write(self._before)

    def _bit(self, raw: bytearray) -> None:
        raw[self._rng.integers(len(raw))] ^= 1 << int(self._rng.integers(8))

    def _value(self, raw: bytearray) -> None:
        width = int(self._rng.choice([1, 2, 4, 8]))
        at = int(self._rng.integers(max(1, len(raw) // width))) * width
        value = int(VALUES[self._rng.integers(len(VALUES))]) & ((1 << 8 * width) - 1)
        data = value.to_bytes(width, "big" if self._rng.random() < 0.5 else "little")
        raw[at : at + width] = data[: max(0, len(raw) - at)]

    def _copy(self, raw: bytearray) -> None:
        width = int(self._rng.choice([4, 8, 16, 32]))
        rows = max(1, len(raw) // width)
        source, target = (int(n) * width for n in self._rng.integers(rows, size=2))
        data = raw[source : source + width]
        raw[target : target + len(data)] = data

    def _write(self, data: bytes) -> None:
        with self._made.path.open("r+b") as file:
            file.seek(self._at)
            file.write(data)


def outcome(made: Made, damage: Damage, usual: int) -> str:
    """Open and read: "refused", "right", "warned" (wrong, but the person is told), "wrong" (nothing could show it)."""
    try:
        with open_image(made.path) as image:
            if image.size > 64 * len(BODY):  # that large it is wrong anyway; reading it whole would only take long
                same = False
                image.read(image.size - 512, 512)
            else:
                same = image.read(0, image.size) == made.content
            warned = len(image.warnings) > usual
    except LabError as error:
        ours = 900310 <= error.code < 900350 and made.path.parent.name in str(error)
        return "refused" if ours else f"another error: {error}"
    if same:
        return "right"
    return "warned" if warned else "seen wrong" if damage.told else "wrong"


@pytest.mark.parametrize("make", MAKERS)
def test_damaged_files_are_refused_or_read_right(
    tmp_path: Path, make: Callable[[Path], Made], effort: int, rounds: Rounds
) -> None:
    """Damage after damage: no other exception, no hang, no memory, no wrong read that can be seen."""
    made = make(tmp_path)
    with open_image(made.path) as image:
        assert image.read(0, image.size) == made.content
        usual = len(image.warnings)
    seed = 1 if effort == 1 else int.from_bytes(os.urandom(8))
    rng, process = np.random.default_rng(seed), psutil.Process()
    memory, counts = process.memory_info().rss, collections.Counter[str]()
    for _ in rounds(DAMAGES, SECONDS):
        start = time.monotonic()
        with Damage(made, rng) as damage:
            try:
                found = outcome(made, damage, usual)
                assert found in ALLOWED, found
                counts[found] += 1
            except BaseException as error:
                error.add_note(f"seed {seed}, case {counts.total()}: {damage.name}")
                raise
        assert time.monotonic() - start < 20, damage.name
        assert process.memory_info().rss - memory < 200 * MIB, damage.name
    print(make.__name__, dict(counts))
    assert counts["refused"] > 10
    assert counts["right"] > 10
