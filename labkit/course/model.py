"""What a lesson is: steps with checks that look at a lab, hints, and solutions that are run as they are shown."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from typing import NamedTuple

import msgspec

from labkit.lab import Lab


class Seen(NamedTuple):
    """One thing a check looked at: whether it holds, what was expected and what was seen, where to look for oneself.

    Texts are in the language of the session: a check makes them when it is run.
    """

    ok: bool
    expected: str
    seen: str
    where: str


Check = Callable[[Lab], Iterator[Seen]]
Act = Callable[[Lab], None]
Answer = Callable[[Lab], object]


class Track(NamedTuple):
    """Lessons that share a lab: the name of its file, its site (of ``data/sites``), the lab's stage it begins with."""

    name: str
    site: str
    stage: str


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A step of a lesson: either something to do (``check``, ``solution``) or a question (``answer``).

    ``title``, ``hint`` and ``symptom`` are English, marked for translation. ``check`` yields what it sees, in order;
    later looks may rely on earlier ones. ``solution`` uses nothing but its argument, ``lab``: its source is what is
    shown. ``trouble`` breaks something that the step mends; ``symptom`` is what is seen of it, where the title does not
    say it. An ``optional`` step is an exercise: it needs its trouble, and no later lesson needs it. A step that
    ``leaves`` nothing to later lessons is left out of their stages. ``answer`` reads the right answer from the lab, as
    it is or as :class:`labkit.course.answers.Wanted`.
    """

    slug: str
    title: str
    hint: str
    check: Check | None = None
    solution: Act | None = None
    answer: Answer | None = None
    trouble: Act | None = None
    symptom: str = ""
    optional: bool = False
    leaves: bool = True


class Lesson(msgspec.Struct, frozen=True, kw_only=True):
    """A notebook's lesson. ``number``: the guide's section, "" for a group of its FAQ; ``heading``: the guide's.

    ``after``: the lesson whose steps lead to this one's beginning, None for the track's own; ``opening``: what is done
    beside, to a lab that is made for it. ``begins`` yields what a lab has at the beginning. ``rules``: ids of the
    rules its notebook shows. ``minutes``: how long a learner needs.
    """

    slug: str
    number: str
    title: str
    heading: str
    track: Track
    rules: tuple[str, ...]
    begins: Check
    steps: tuple[Step, ...]
    after: str | None = None
    opening: Act | None = None
    minutes: int = 10

    @property
    def name(self) -> str:
        """The stem of its notebook's file: ``3.3-test-failover``, or the slug alone."""
        return f"{self.number}-{self.slug}" if self.number else self.slug


def source(act: Act) -> str:
    """The lines of a function's body, as a cell of a notebook would have them; without its docstring."""
    text = textwrap.dedent(inspect.getsource(act))
    tree = ast.parse(text).body[0]
    assert isinstance(tree, ast.FunctionDef)
    body = [node for node in tree.body if not _is_text(node)]
    lines = text.splitlines()[body[0].lineno - 1 : body[-1].end_lineno]
    return textwrap.dedent("\n".join(lines))


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
