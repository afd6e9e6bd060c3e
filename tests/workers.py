"""How tests are spread over the processes of ``pytest -n``: whole files, but tests that cost much one by one.

A file's tests share what is made once for them, and a browser. Only files named here, whose tests share nothing dear,
are dealt out test by test, so that no process is left alone with them at the end.
"""

from __future__ import annotations

import os

import pytest
from xdist.scheduler import LoadScopeScheduling

MOST_WORKERS = 8
ONE_BY_ONE = {
    "tests/recovery/test_any_trouble.py",
    "tests/notebooks/test_start_here.py",
    "tests/notebooks/test_course.py",
}
TOGETHER = ("tests/drills",)


def workers() -> int:
    """How many processes ``-n auto`` means: one for each processor this one may use, two at least.

    Two even on one processor, because many tests wait for other programs; not more than eight, for memory.
    """
    try:
        found = len(os.sched_getaffinity(0))
    except AttributeError:  # not on Windows and macOS
        found = os.cpu_count() or 1
    return min(max(found, 2), MOST_WORKERS)


def group(test: str) -> str:
    """What is played by one process in one go: the name of a file, of a folder or of a single test."""
    file = test.partition("::")[0]
    if file in ONE_BY_ONE:
        return test
    return next((folder for folder in TOGETHER if file.startswith(folder + "/")), file)


class Spread(LoadScopeScheduling):
    """Deals out groups in the order in which pytest collected them."""

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)


def scheduler(config: pytest.Config, log: object) -> Spread | None:
    """Ours for ``-n`` alone; who asks for another way of dealing gets that."""
    if config.getvalue("dist") != "load":
        return None
    config.option.loadscopereorder = False
    return Spread(config, log)  # type: ignore[arg-type]
