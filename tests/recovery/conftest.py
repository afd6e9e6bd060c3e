"""A protected shop with an hour of history, ready for a failover."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import labkit
from labkit.lab import Lab
from tests.recovery.labs import new_lab


@pytest.fixture(scope="session")
def _an_hour(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with new_lab(tmp_path_factory.mktemp("shop")) as lab:
        lab.run("1h")
        return lab.path


@pytest.fixture
def shop(_an_hour: Path, tmp_path: Path) -> Iterator[Lab]:
    """The VM SHOP (an os disk with churn, a data disk with orders), protected for an hour."""
    with labkit.open(_an_hour, read_only=True) as lab:
        lab.copy(tmp_path / "shop.lab")
    with labkit.open(tmp_path / "shop.lab") as lab:
        yield lab
