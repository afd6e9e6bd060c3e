"""A person at the portal, without a page: goes, chooses, clicks, types and presses, as a page's messages say it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from labkit import Lab
from labkit.portal import heart
from labkit.portal.screen import Screen


class Person:
    """Drives the part "portal" of a lab by the messages a page would send; looks at what a page would be told."""

    def __init__(self, lab: Lab) -> None:
        self.lab, self.heart = lab, heart.of(lab)
        self.heart.follower.look(lab)
        self.screen = Screen(self.heart, ("quick",), ("rpo", "map"))
        self.seen = self.screen.state()

    def _do(self, what: str, value: Any = None) -> Person:
        self.screen.do(what, value)
        self.seen = self.screen.state()
        return self

    def go(self, *path: str) -> Person:
        """Open a page."""
        return self._do("go", list(path))

    def choose(self, table: str, *rows: str) -> Person:
        """Choose rows of a table that the page shows."""
        known = [row["id"] for row in self.block(table)["rows"]]
        assert set(rows) <= set(known), f"{rows} are not rows of {table}: {known}"
        return self._do("choose", {"key": table, "rows": list(rows)})

    def click(self, control: str) -> Person:
        """Click a command of the page; its dialog opens."""
        return self._do("command", self.command(control)["key"])

    def type(self, **values: Any) -> Person:
        """Fill in fields of the dialog: texts as typed, choices by their title, ticks as True and False."""
        for name, value in values.items():
            field = self.field(name)
            choices = field.get("choices")
            if choices is not None and field["kind"] == "choice":
                value = choices.index(value)
            elif field["kind"] == "many":
                value = [choices.index(one) for one in value]
            self._do("field", {"name": name, "value": value})
        return self

    def press(self, button: str = "ok", **values: Any) -> Person:
        """Fill in fields, then press a button of the dialog."""
        self.type(**values)
        return self._do("press", {"button": button, "values": {}})

    def does(self, control: str, **values: Any) -> Person:
        """Click a command, fill in its dialog, press OK; fails with the refusal's words."""
        self.click(control).press("ok", **values)
        dialog = self.seen["dialog"]
        assert dialog is None, dialog["error"] and dialog["error"]["text"]
        return self

    # --- what is there ------------------------------------------------------------------------------------------------

    def block(self, key: str) -> dict[str, Any]:
        """A block of the page."""
        found: dict[str, Any] = self.seen["blocks"]["changed"]
        assert key in found, f"no block {key}: {list(found)}"
        return dict(found[key])

    def command(self, control: str) -> dict[str, Any]:
        """A command of the page."""
        known = {one.control: one.key for one in reversed(self.screen._page.commands)}
        assert control in known, f"{control} is not on this page: {sorted(known)}"
        return dict(self.seen["commands"][known[control]])

    def commands(self) -> set[str]:
        """All controls of the page."""
        return {one.control for one in self.screen._page.commands}

    def field(self, name: str) -> dict[str, Any]:
        """A field of the open dialog."""
        assert self.seen["dialog"] is not None, "no dialog is open"
        fields = {field["name"]: field for field in self.seen["dialog"]["fields"]}
        assert name in fields, f"no field {name}: {list(fields)}"
        return dict(fields[name])

    @property
    def error(self) -> dict[str, Any] | None:
        """The refusal in the dialog."""
        found = (self.seen["dialog"] or {}).get("error")
        return None if found is None else dict(found)

    def links(self) -> list[tuple[str, ...]]:
        """Every page that one can go to from here."""
        found: list[tuple[str, ...]] = []

        def look(value: Any) -> None:
            if isinstance(value, dict):
                if value.get("go"):
                    found.append(tuple(value["go"]))
                for one in value.values():
                    look(one)
            elif isinstance(value, list):
                for one in value:
                    look(one)

        look(self.seen)
        return list(dict.fromkeys(found))


def visits(lab: Lab) -> Iterator[Person]:
    """A person on every page that can be reached by clicking from the first, and there again with each row chosen."""
    person, todo, seen = Person(lab), [("quick",)], set()
    while todo:
        path = todo.pop()
        if path in seen:
            continue
        seen.add(path)
        person.go(*path)
        todo += person.links()
        tables = [b for b in person.seen["blocks"]["changed"].values() if b.get("choose") and b["rows"]]
        yield person
        for table in tables:  # what is greyed for want of a choice is not with one
            for row in table["rows"][:3]:
                person.choose(table["key"], row["id"])
                yield person
