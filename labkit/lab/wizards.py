"""A wizard on the screen: the pages of ``data/wizards.yml`` one by one, over the lab's commands.

What has been entered lives in the object, as in a window; the world changes where the real wizard changes it: at its
end, and for the provider's setup after its first page, too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from labkit.engine.errors import LabError
from labkit.engine.texts import gettext as _
from labkit.engine.world import World
from labkit.site import wizard
from labkit.site.wizard import REQUIRED, Field, Page, Values

if TYPE_CHECKING:
    from labkit.lab.door import Lab


Effect = Callable[[World, Values], None]


class FieldView(NamedTuple):
    """A field of the page: ``value`` as entered or its default, None for what has to be given."""

    name: str
    title: str
    kind: str
    value: Any
    choices: tuple[str, ...]


class Wizard:
    """A wizard that is open. :meth:`next` with values for the page's fields, then :meth:`finish`.

    ``pages``: titles in order; ``page``: where it stands; ``fields``: what the page asks.
    """

    def __init__(
        self,
        lab: Lab,
        name: str,
        subject: str,
        known: dict[str, str],
        finish: Callable[[Values], Any],
        *,
        then: tuple[str, ...] = (),
        effects: dict[str, Effect] | None = None,
        cancelled: Callable[[], None] | None = None,
    ) -> None:
        self._lab, self.name, self.subject = lab, name, subject
        parts = (name, *then)
        self._pages: list[tuple[str, Page]] = [(part, page) for part in parts for page in wizard.definition(part).pages]
        self._values: Values = {}
        for part in parts:
            self._values |= wizard.start_values(part, known)
        self._at, self._finish, self._effects = 0, finish, effects or {}
        self._cancelled, self._ended = cancelled, False
        self._done: set[str] = set()  # pages whose effect is there, which going back does not undo

    @property
    def title(self) -> str:
        """The wizard's title in the language of the session."""
        return _(wizard.definition(self.name).title)

    @property
    def pages(self) -> list[str]:
        """The titles of the pages, in order."""
        return [_(page.title) for _part, page in self._pages]

    @property
    def page(self) -> str:
        """The title of the page it stands at; "" when all pages are through."""
        return self.pages[self._at] if self._at < len(self._pages) else ""

    @property
    def fields(self) -> list[FieldView]:
        """What the page asks."""
        if self._at >= len(self._pages):
            return []
        return [self._view(field) for field in self._pages[self._at][1].fields]

    @property
    def note(self) -> str:
        """What the page tells beside its fields; "" for nothing. The registration: the name of the key's vault."""
        if self._at >= len(self._pages):
            return ""
        part, page = self._pages[self._at]
        return self._lab.read(lambda world: wizard.told(world, part, page.name, self.subject, self._values))

    def _view(self, field: Field) -> FieldView:
        value = self._values.get(field.name, None if field.default is REQUIRED else field.default)
        return FieldView(field.name, _(field.title), field.kind, value, field.choices)

    def next(self, **given: Any) -> str:
        """The button Next, with values for the page's fields (what is not given stays); the title of the next page.

        What is wrong is refused, and the wizard stays at the page.
        """
        self._open()
        if self._at >= len(self._pages):
            raise LabError(900635, page=self.title, choices="finish()")
        part, page = self._pages[self._at]
        values = wizard.enter(part, page.name, self._values, given)

        def work(world: World) -> None:
            wizard.look(world, part, page.name, self.subject, values)
            if acts:
                self._effects[page.name](world, values)

        acts = page.name in self._effects and page.name not in self._done
        if acts:
            self._lab.command(f"wizard.{part}", {"page": page.name, **wizard.kept(part, given)}, work)
            self._done.add(page.name)
        else:
            self._lab.read(work)
        self._values, self._at = values, self._at + 1
        return self.page

    def back(self) -> str:
        """The button Previous; what was entered stays. 900634 at the first page."""
        self._open()
        if self._at == 0:
            raise LabError(900634)
        self._at -= 1
        return self.page

    def finish(self) -> Any:
        """The last button: what the wizard is for happens now. 900635 while pages are left.

        The pages are looked at once more: meanwhile something else may have happened to what they speak of.
        """
        self._open()
        if self._at < len(self._pages):
            raise LabError(900635, page=self.page, choices=", ".join(self.pages[self._at :]))
        self._lab.read(self._look_again)
        result = self._finish(self._values)
        self._ended = True
        return result

    def _look_again(self, world: World) -> None:
        for part, page in self._pages:
            wizard.look(world, part, page.name, self.subject, self._values)

    def cancel(self) -> None:
        """Close the wizard; nothing more happens. What is refused meanwhile leaves it open, to be closed later."""
        self._open()
        if self._cancelled is not None:
            self._cancelled()
        self._ended = True

    def _open(self) -> None:
        if self._ended:
            raise LabError(900636)

    def __repr__(self) -> str:
        return f"<Wizard {self.title}: {self.page or '-'}>"
