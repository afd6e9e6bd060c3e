"""A small lab file, made once and copied for each test."""

from __future__ import annotations

from pathlib import Path

import pytest

from labkit.lab import Lab
from labkit.lab import open as open_lab
from tests.recovery.labs import BUSY, SHOP, new_lab


@pytest.fixture(scope="session")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    standby = BUSY.replace("BUSY", "SPARE").replace("disks:", "protected: no, disks:")
    with new_lab(tmp_path_factory.mktemp("cli"), SHOP, standby) as lab:
        lab.run("1h")
        return lab.path


@pytest.fixture
def file(_made: Path, tmp_path: Path) -> Path:
    """A lab whose VM SHOP has been protected for an hour; SPARE stands by."""
    with open_lab(_made, read_only=True) as lab:
        return lab.copy(tmp_path / "a.lab")


@pytest.fixture
def lab(file: Path) -> Lab:
    """The same, open."""
    return open_lab(file)
