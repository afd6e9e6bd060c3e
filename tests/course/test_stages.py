"""Stages where the folder they are kept in cannot be used, or loses them at the wrong moment."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

from labkit.course import stages


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder for stages."""
    home = tmp_path / "own-home"
    monkeypatch.setenv("LABKIT_HOME", str(home))
    return home / "cache"


def test_a_cache_that_cannot_be_written_costs_no_stage_twice(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no copy can be kept each stage before is made once, and nothing half written stays."""
    begun, copy, create = [], stages.shutil.copyfile, stages.create

    def full(source: Path, target: Path) -> Any:
        found = copy(source, target)
        if Path(target).suffix == ".part":
            raise OSError(errno.ENOSPC, "No space left on device")
        return found

    def counted(*given: Any, **more: Any) -> Any:
        begun.append(given[0])
        return create(*given, **more)

    monkeypatch.setattr(stages.shutil, "copyfile", full)
    monkeypatch.setattr(stages, "create", counted)
    stages.new(tmp_path / "a.lab", "vms-to-protect").close()
    assert len(begun) == 1
    assert [path for path in cache.rglob("*") if path.is_file()] == []


def test_a_stage_that_goes_while_it_is_fetched_is_made_anew(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another version of labkit tidies the stage away between the look and the copy: the lab is made all the same."""
    stages.new(tmp_path / "a.lab", "evaluation-site").close()
    (kept,) = cache.rglob("*.lab")
    copy = stages.shutil.copyfile

    def tidied(source: Path, target: Path) -> Any:
        if Path(source) == kept:
            kept.unlink(missing_ok=True)
        return copy(source, target)

    monkeypatch.setattr(stages.shutil, "copyfile", tidied)
    with stages.new(tmp_path / "b.lab", "evaluation-site") as lab:
        assert lab.path.name == "b.lab"


def test_the_digest_knows_where_a_file_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Data that moves to another folder under the same name is other data."""
    found = []
    for folder in ("a", "b"):
        data = tmp_path / f"data-{folder}"
        (data / folder).mkdir(parents=True)
        (data / folder / "x.yml").write_text("x: 1")
        monkeypatch.setattr(stages.resources, "data", lambda data=data: data)
        found.append(stages._digest.__wrapped__())
    assert found[0] != found[1]
