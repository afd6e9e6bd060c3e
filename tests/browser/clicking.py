"""A person at the portal in a page: goes to pages, chooses rows, clicks commands, fills in dialogs, lets time pass."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Locator, Page, expect

_SETTLED = """([view, step]) => {
  const dialog = view.querySelector('.labkit-dialog');
  const here = dialog.querySelector('.labkit-here')?.textContent ?? '';
  const refused = !dialog.querySelector('.labkit-refusal').hidden;
  return dialog.hidden || refused || (step !== null && here !== step);
}"""


class Portal:
    """The portal in ``page``. What is refused in a dialog fails the test with the refusal's words."""

    def __init__(self, page: Page) -> None:
        self.page, self.view = page, page.locator(".labkit-view")
        self.dialog, self.refusal = self.view.locator(".labkit-dialog"), self.view.locator(".labkit-refusal")
        self.view.locator(".labkit-nav").wait_for()

    # --- pages --------------------------------------------------------------------------------------------------------

    def go(self, *path: str) -> Portal:
        """Click from the first pages on: each name adds to the path, one that holds "/" several at once."""
        at = ""
        for name in path:
            at = f"{at}/{name}" if at else name
            key = at.replace('"', '\\"')
            kinds = ("nav",) if at == name else ("tab", "go")
            self.view.locator(", ".join(f'[data-key="{kind}-{key}"]' for kind in kinds)).first.click()
            self.view.locator(f'.labkit-portal[data-path^="{key}"]').wait_for()
        return self

    def row(self, table: str, row: str) -> Locator:
        """A row of a table."""
        return self.view.locator(f'[data-block="{table}"] tr[data-row="{row}"]')

    def choose(self, table: str, row: str) -> Portal:
        """Choose a row of a table."""
        self.row(table, row).locator("input").check()
        return self

    def button(self, command: str) -> Locator:
        """A command's button, where it can be clicked."""
        return self.view.locator(f'[data-command="{command}"]:not([aria-disabled])').first

    def greyed(self, command: str) -> str:
        """Why a command is greyed."""
        found = self.view.locator(f'[data-command="{command}"][aria-disabled="true"]').first
        return found.get_attribute("title") or ""

    # --- dialogs ------------------------------------------------------------------------------------------------------

    def open(self, command: str) -> Portal:
        """Click a command; its dialog opens."""
        self.button(command).click()
        expect(self.dialog).to_be_visible()
        return self

    def fill(self, **values: Any) -> Portal:
        """Fill in fields: texts as typed or chosen, flags, lists of what is ticked."""
        for name, value in values.items():
            field = self.dialog.locator(f'[data-key="field-{name}"]')
            tag = field.evaluate("element => element.tagName")
            if isinstance(value, list) and tag != "TEXTAREA":
                group = self.dialog.locator(".labkit-options", has=self.page.locator(f'[data-key="field-{name}"]'))
                expect(group).to_contain_text(value[0])  # it may depend on a field above
                known = group.locator(".labkit-option").all_inner_texts()
                assert set(value) <= set(known), f"{name}: {value} are not all among {known}"
                for title in known:
                    group.get_by_label(title, exact=True).set_checked(title in value)
            elif isinstance(value, list):
                field.fill("\n".join(value))
            elif isinstance(value, bool):
                field.set_checked(value)
            elif tag == "SELECT":
                field.select_option(label=value)
            else:
                field.fill(value)
        return self

    def press(self, button: str) -> Portal:
        """Press a button of the dialog and wait for what comes of it."""
        here = self.dialog.locator(".labkit-here")
        step = here.inner_text() if button in ("next", "back") and here.count() else None
        self.dialog.locator(f'[data-key="press-{button}"]').click()
        self.page.wait_for_function(_SETTLED, arg=[self.view.element_handle(), step])
        assert self.refusal.is_hidden(), self.refusal.inner_text()
        return self

    def press_refused(self, button: str) -> str:
        """Press a button, which is refused; the words of the refusal. The dialog stays open."""
        self.dialog.locator(f'[data-key="press-{button}"]').click()
        self.refusal.wait_for()
        return self.refusal.inner_text()

    def refused(self) -> str:
        """Press OK, which is refused; the words of the refusal. The dialog stays open and is cancelled."""
        text = self.press_refused("ok")
        self.dialog.locator('[data-key="press-cancel"]').click()
        expect(self.dialog).to_be_hidden()
        return text

    def does(self, command: str, **values: Any) -> Portal:
        """Click a command, fill in its dialog, press OK."""
        return self.open(command).fill(**values).press("ok")

    def wizard(self, command: str, *pages: dict[str, Any]) -> Portal:
        """Click a command and go through its pages: fields of each in order, then Finish."""
        self.open(command)
        for values in pages:
            self.fill(**values).press("next")
        return self.press("finish")

    # --- time ---------------------------------------------------------------------------------------------------------

    def job(self) -> Portal:
        """Open the job that the newest notice is about, and let time pass until it ends or waits for a word."""
        self.view.locator(".labkit-view-job").last.click()
        self.view.locator('.labkit-portal[data-path^="jobs/"]').wait_for()
        return self.wait()

    def wait(self) -> Portal:
        """Let time pass until the open job ends or waits for a word."""
        self.does("wait")
        self.view.locator('[data-command="wait"][aria-disabled="true"]').first.wait_for()
        return self

    def state(self) -> str:
        """The state of the open job, in its word."""
        return self.view.locator('[data-block="job"] .labkit-said').first.inner_text()
