"""A real JupyterLab on a free port of this computer, with settings of its own, and what a person does in it.

The benchmark ``portal`` and the browser tests drive it by Playwright; both bring their page with them. ``CHROMIUM``:
names of programs that can show it, ``FLAGS``: what they are started with.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

from labkit.engine import pace

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "chrome", "msedge")
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync",
]  # fmt: skip
_IDLE = "window.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'"


class Server:
    """JupyterLab in ``folder``; ``environment`` is added to this process's."""

    def __init__(self, folder: Path, own: Path, **environment: str) -> None:
        self.folder, self.token = folder, secrets.token_hex(16)
        places = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
        dirs = {name: str(own / name.lower()) for name in (*places, "JUPYTERLAB_SETTINGS_DIR")}
        dirs["JUPYTERLAB_WORKSPACES_DIR"] = str(own / "workspaces")
        for path in dirs.values():
            Path(path).mkdir(parents=True, exist_ok=True)
        self._runtime, self.settings = Path(dirs["JUPYTER_RUNTIME_DIR"]), Path(dirs["JUPYTERLAB_SETTINGS_DIR"])
        command = [
            sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ServerApp.ip=127.0.0.1",
            "--ServerApp.port=0", f"--IdentityProvider.token={self.token}", f"--ServerApp.root_dir={folder}",
            "--LabApp.expose_app_in_browser=True", "--LabApp.news_url=None", "--KernelManager.shutdown_wait_time=1",
        ]  # fmt: skip
        self.setting("@jupyterlab/apputils-extension", "notification", fetchNews="false", checkForUpdates=False)
        self._log = (own / "server.log").open("wb")
        self._process = subprocess.Popen(
            command, env={**os.environ, **dirs, **environment}, stdout=self._log, stderr=subprocess.STDOUT
        )
        self.url = self._found()

    def setting(self, extension: str, plugin: str, **values: Any) -> None:
        """A setting of JupyterLab, as its settings editor would write it."""
        path = self.settings / extension / f"{plugin}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values), "utf-8")

    def theme(self, name: str) -> None:
        """ "JupyterLab Light" or "JupyterLab Dark"."""
        self.setting("@jupyterlab/apputils-extension", "themes", theme=name)

    def _found(self) -> str:
        """The address, from the file the server writes once it listens."""
        deadline = pace.ticks() + 60
        while pace.ticks() < deadline:
            for path in self._runtime.glob("jpserver-*.json"):
                if text := path.read_text("utf-8"):
                    return str(json.loads(text)["url"])
            if self._process.poll() is not None:
                break
            pace.sleep(0.05)
        raise RuntimeError(Path(self._log.name).read_text("utf-8")[-3000:])

    def ask(self, path: str, method: str = "GET") -> Any:
        """The server's own API."""
        request = urllib.request.Request(
            self.url + path, method=method, headers={"Authorization": f"token {self.token}"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            body = answer.read()
        return json.loads(body) if body else None

    def address(self, notebook: str, workspace: str = "test") -> str:
        """Where a notebook is opened, in a workspace of its own."""
        return f"{self.url}lab/workspaces/{workspace}/tree/{notebook}?token={self.token}&reset"

    def end_kernels(self) -> None:
        """End all Jupyter kernels."""
        for kernel in self.ask("api/kernels"):
            self.ask(f"api/kernels/{kernel['id']}", "DELETE")

    def close(self) -> None:
        """End the kernels, then the server."""
        self.end_kernels()
        self._process.terminate()
        self._process.wait(20)
        self._log.close()


class Notebook:
    """A notebook in a page."""

    def __init__(self, page: Page, server: Server, name: str) -> None:
        self.page, self.server, self.name = page, server, name

    def open(self) -> None:
        """Open it and wait for its Jupyter kernel."""
        self.page.goto(self.server.address(self.name))
        self.idle()

    def idle(self, seconds: float = 60) -> None:
        """Wait until the Jupyter kernel has nothing to do."""
        self.page.wait_for_function(_IDLE, timeout=seconds * 1000)

    def command(self, name: str) -> None:
        """Give a command of JupyterLab."""
        self.page.evaluate("name => window.jupyterapp.commands.execute(name)", name)

    def run_all(self, seconds: float = 120) -> None:
        """Run all cells and wait for the end."""
        self.start_all()
        self.ended(seconds)

    def start_all(self) -> None:
        """Begin to run all cells."""
        self.page.evaluate(
            """() => { window.ended = false;
            window.jupyterapp.commands.execute('notebook:run-all-cells').finally(() => { window.ended = true; }); }"""
        )

    def ended(self, seconds: float = 120) -> None:
        """Wait until they have run; between two cells the Jupyter kernel is idle, too."""
        self.page.wait_for_function("window.ended", timeout=seconds * 1000)

    def restart(self) -> None:
        """Restart the Jupyter kernel."""
        self.page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
        self.idle()

    def save(self) -> None:
        """Save the notebook."""
        self.page.evaluate("() => window.jupyterapp.shell.currentWidget.context.save()")

    def outputs(self) -> list[str]:
        """The text of each code cell's output, as the model has it."""
        found: list[str] = self.page.evaluate(
            """() => [...window.jupyterapp.shell.currentWidget.content.widgets].filter(c => c.model.type === 'code')
            .map(c => c.model.outputs.toJSON()
            .map(o => o.text ?? o.data?.['text/plain'] ?? o.traceback?.join('\\n') ?? '').join('\\n'))"""
        )
        return found
