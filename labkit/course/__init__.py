"""The course: a lesson for every section of the guide, with labs that stand where it begins, checks and solutions.

>>> from labkit import course                            # doctest: +SKIP
>>> lab = course.start("test-failover")                  # doctest: +SKIP
>>> course.check("start-test")                           # doctest: +SKIP

For whoever writes a lesson or its notebook: docs/course.md; for trainers: docs/trainer.md.
"""

from __future__ import annotations

from labkit.course.beginning import checkpoint, checkpoints, go_back, resume, start
from labkit.course.board import classroom
from labkit.course.steps import (
    answer,
    call_me,
    check,
    hint,
    lower_hand,
    progress,
    raise_hand,
    solution,
    solve,
    todo,
    trouble,
)

__all__ = [
    "answer",
    "call_me",
    "check",
    "checkpoint",
    "checkpoints",
    "classroom",
    "go_back",
    "hint",
    "lower_hand",
    "progress",
    "raise_hand",
    "resume",
    "solution",
    "solve",
    "start",
    "todo",
    "trouble",
]
