"""The part of ``lab.azure`` that holds runbooks: automation accounts (rule 3.2-4)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from labkit.engine.world import World
from labkit.lab import trust
from labkit.recovery import automation
from labkit.recovery.automation import AutomationAccount, Runbook
from labkit.site import inventory

if TYPE_CHECKING:
    from labkit.lab.door import Lab


class AutomationDoor:
    """Automation accounts (preview) and their runbooks."""

    _lab: Lab

    @property
    def automation_accounts(self) -> dict[str, list[str]]:
        """The runbooks of each account by its name."""

        def found(world: World) -> dict[str, list[str]]:
            books = world.all(Runbook)
            return {
                at.id: [book.name for book in books if book.account == at.id] for at in world.all(AutomationAccount)
            }

        return self._lab.read(found)

    def create_automation_account(self, name: str, region: str | None = None) -> None:
        """Make an account: 6 to 50 letters, digits and hyphens (900918); 900809 for a name that is taken.

        ``region``: by default the site file's.
        """
        where = region or self._lab.read(lambda world: inventory.site_of(world).azure.region)
        work = lambda world: automation.create_account(world, name, where).id  # noqa: E731
        self._lab.command("azure.create_automation_account", {"name": name, "region": where}, work)

    def delete_automation_account(self, name: str) -> None:
        """Delete an account with its runbooks."""
        work = lambda world: automation.delete_account(world, name)  # noqa: E731
        self._lab.command("azure.delete_automation_account", {"name": name}, work)

    def import_runbook(self, account: str, file: str | Path, name: str | None = None) -> str:
        """Put a Python file or a notebook into an account; its name, by default the file's. 900919, 900010.

        The lab keeps it as it is now; imported again it takes the place of the earlier one. It is trusted from now on.
        """
        path = Path(file)
        suffix, text = automation.read(path)
        called = name or path.stem
        work = lambda world: automation.import_runbook(world, called, account, suffix, text).name  # noqa: E731
        made = self._lab.command("azure.import_runbook", {"account": account, "runbook": called}, work)
        trust.trust(suffix, text)
        return made

    def runbook(self, account: str, name: str) -> str:
        """The text of a runbook as the lab keeps it; 900010."""
        return self._lab.read(lambda world: automation.runbook(world, account, name).text)

    def trust_runbooks(self) -> list[str]:
        """Let the runbooks run that came with the lab's file, once you have looked at them; those it was said of.

        A runbook runs with your rights. What you import yourself is trusted without it; others fail with 900924.
        """
        books = self._lab.read(lambda world: [(book.id, book.suffix, book.text) for book in world.all(Runbook)])
        asked = [book for book in books if not trust.trusted(*book[1:])]
        for _name, suffix, text in asked:
            trust.trust(suffix, text)
        return [name for name, _suffix, _text in asked]
