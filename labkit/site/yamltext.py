"""YAML text as a small tree that knows its lines. Nothing is constructed, so that nothing can be smuggled in.

PyYAML's parser gives events; they are put together here with a limit on depth. Aliases refer to one shared node, so a
file of nested aliases costs no more than its text. Tags and merge keys are not part of a site file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

from labkit.engine.texts import gettext as _

DEEPEST = 16
_CORE = "tag:yaml.org,2002:"


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value as written. ``tag`` is how YAML reads it: str, int, float, bool, null, timestamp, merge, value."""

    line: int
    text: str
    tag: str


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    line: int
    nodes: list[Node]


@dataclass(frozen=True, slots=True)
class Table:
    """A mapping; keys in the order and number they were written."""

    line: int
    pairs: list[tuple[Node, Node]]


Node: TypeAlias = Scalar | Items | Table


class Unreadable(Exception):
    """The text is no YAML that can be used. ``line`` counts from 1, ``reason`` is one sentence part."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line
        self.reason = reason


@dataclass(slots=True)
class _Frame:
    line: int
    anchor: str | None
    table: bool
    nodes: list[Node] = field(default_factory=list)

    def close(self) -> Node:
        if not self.table:
            return Items(self.line, self.nodes)
        return Table(self.line, list(zip(self.nodes[::2], self.nodes[1::2], strict=True)))


class _Builder:
    """Puts events together to one node."""

    def __init__(self, resolver: Any, scalar_type: Any) -> None:
        self._resolver = resolver
        self._scalar_type = scalar_type
        self._frames: list[_Frame] = []
        self._anchors: dict[str, Node] = {}
        self._documents = 0
        self.root: Node | None = None

    def feed(self, event: Any) -> None:
        line = event.start_mark.line + 1
        match type(event).__name__:
            case "DocumentStartEvent":
                self._documents += 1
                if self._documents > 1:
                    raise Unreadable(line, _("a second document begins here; a site file is one document"))
            case "ScalarEvent":
                self._place(self._scalar(event, line), event.anchor)
            case "AliasEvent":
                if event.anchor not in self._anchors:
                    raise Unreadable(line, _("the alias *{name} stands for nothing yet").format(name=event.anchor))
                self._place(self._anchors[event.anchor], None)
            case "SequenceStartEvent" | "MappingStartEvent":
                self._open(event, line)
            case "SequenceEndEvent" | "MappingEndEvent":
                frame = self._frames.pop()
                self._place(frame.close(), frame.anchor)

    def _open(self, event: Any, line: int) -> None:
        if event.tag not in (None, "!", _CORE + "map", _CORE + "seq"):
            raise Unreadable(line, _("the tag {tag} has no place in a site file").format(tag=event.tag))
        if len(self._frames) >= DEEPEST:
            raise Unreadable(line, _("lists and mappings are nested deeper than {count}").format(count=DEEPEST))
        self._frames.append(_Frame(line, event.anchor, type(event).__name__ == "MappingStartEvent"))

    def _scalar(self, event: Any, line: int) -> Scalar:
        tag = event.tag
        if tag not in (None, "!", _CORE + "str"):
            raise Unreadable(line, _("the tag {tag} has no place in a site file").format(tag=tag))
        if tag is None and event.implicit[0]:
            tag = self._resolver.resolve(self._scalar_type, event.value, (True, False))
            return Scalar(line, event.value, str(tag).removeprefix(_CORE))
        return Scalar(line, event.value, "str")

    def _place(self, node: Node, anchor: str | None) -> None:
        if anchor is not None:
            self._anchors[anchor] = node
        if self._frames:
            self._frames[-1].nodes.append(node)
        else:
            self.root = node


def compose(text: str) -> Node:
    """The tree of one YAML document; raises ``Unreadable`` for anything else, an empty text included."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    builder = _Builder(yaml.resolver.Resolver(), yaml.ScalarNode)
    try:
        for event in yaml.parse(text, Loader=loader):
            builder.feed(event)
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        code = error.character if isinstance(error.character, int) else ord(error.character)
        raise Unreadable(line, _("the character U+{code} is not allowed").format(code=f"{code:04X}")) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        reason = getattr(error, "problem", None) or str(error)
        raise Unreadable(mark.line + 1 if mark else 1, _("no YAML: {reason}").format(reason=reason)) from None
    except UnicodeEncodeError as error:
        raise Unreadable(text.count("\n", 0, error.start) + 1, _("half a character (a lone surrogate)")) from None
    if builder.root is None:
        raise Unreadable(1, _("the file is empty"))
    return builder.root
