"""The part of ``lab.azure`` that holds runbooks: automation accounts (rule 3.2-4)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from labkit.engine.world import World
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

        The lab keeps it as it is now; imported again it takes the place of the earlier one.
        """
        path = Path(file)
        suffix, text = automation.read(path)
        called = name or path.stem
        work = lambda world: automation.import_runbook(world, called, account, suffix, text).name  # noqa: E731
        return self._lab.command("azure.import_runbook", {"account": account, "runbook": called}, work)
