"""Writes past the system's cache: only what is large and aligned, and never a lost byte when the system says no."""

from __future__ import annotations

import errno
import os
import sys

import numpy as np
import pytest

from labkit.disks.blocks import BLOCK, synthetic_stamp
from labkit.disks.export import export
from labkit.disks.frozen import Frozen
from labkit.engine import host
from labkit.engine.errors import LabError

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems write through their cache")
LARGE = 1 << 18


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "file"
    path.touch()
    return path


@pytest.mark.parametrize(
    ("at", "start", "length", "taken"),
    [(4096, 0, LARGE, True), (0, 0, LARGE - 4096, False), (512, 0, LARGE, False), (0, 0, LARGE + 512, False)],
)
def test_only_large_aligned_writes_are_taken(file, at, start, length, taken):
    """256 KiB and more, on 4 KiB, are written where they belong; the rest is left to the caller and not written."""
    memory = host.aligned(2 * LARGE)
    memory[:] = os.urandom(len(memory))
    writer = host.DirectWriter(file)
    assert writer.put(at, memory[start : start + length]) is taken
    writer.close()
    assert file.read_bytes() == (bytes(at) + bytes(memory[start : start + length]) if taken else b"")


def _disk(blocks: int) -> Frozen:
    return Frozen(blocks * BLOCK, np.full(blocks, synthetic_stamp(1, 0), np.int64), lambda stamp: b"")


def _exported(tmp_path, name: str) -> bytes:
    export(_disk(64), tmp_path / name, format="raw")
    return (tmp_path / name).read_bytes()


@pytest.mark.parametrize("before", [0, 2])
def test_a_system_without_such_writes_gets_the_usual_ones(tmp_path, monkeypatch, before):
    """The same file comes out when a write is refused as not aligned: the first one, or one in the middle."""
    expected = _exported(tmp_path, "direct")
    real, calls = os.pwrite, []

    def pwrite(descriptor, data, at):
        calls.append(at)
        if len(calls) > before:
            raise OSError(errno.EINVAL, "not aligned")
        return real(descriptor, data, at)

    monkeypatch.setattr(os, "pwrite", pwrite)
    assert _exported(tmp_path, "refused") == expected
    assert len(calls) == before + 1, "after the first refusal it is not tried again"


def test_short_writes_are_gone_on_with(tmp_path, monkeypatch):
    """A system that takes only a part at a time is given the rest."""
    expected = _exported(tmp_path, "direct")
    real = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda descriptor, data, at: real(descriptor, data[:8192], at))
    assert _exported(tmp_path, "short") == expected


def test_a_write_that_failed_behind_our_back_is_told(tmp_path, monkeypatch):
    """The system tells once that it could not bring something to the medium, perhaps to the thread that flushes."""
    monkeypatch.setattr(host.DirectWriter, "put", lambda self, at, data: False)
    monkeypatch.setattr("labkit.disks.export._FLUSH_BYTES", 1 << 20)
    real, calls = os.fsync, []

    def fsync(descriptor):
        calls.append(descriptor)
        if len(calls) == 1:
            raise OSError(errno.EIO, "Input/output error")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(LabError, match="Input/output error"):
        export(_disk(17), tmp_path / "out.raw", format="raw")
    assert not list(tmp_path.iterdir())


def test_a_full_medium_is_told(tmp_path, monkeypatch):
    """No room left: 900304 with the system's reason, and no file."""

    def full(descriptor, data, at):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(LabError, match="No space left on device") as caught:
        export(_disk(64), tmp_path / "out.raw", format="raw")
    assert caught.value.code == 900304
    assert not list(tmp_path.iterdir())
