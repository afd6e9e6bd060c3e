"""A widget's other end, without a page: a comm that keeps what is sent and hands in what a page would send."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import comm
import pytest
from comm.base_comm import BaseComm

import labkit
from labkit import Lab
from labkit.portal import View


class Wire(BaseComm):
    """Records; ``page(message)`` is what the page says."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.sent: list[dict[str, Any]] = []
        super().__init__(*args, **kwargs)

    def publish_msg(
        self, msg_type: str, data: Any = None, metadata: Any = None, buffers: Any = None, **more: Any
    ) -> None:
        data = data or {}
        if msg_type == "comm_msg" and data.get("method") == "custom":
            self.sent.append(data["content"])

    def page(self, message: dict[str, Any], *, thread: bool = False) -> None:
        """A message from the page, perhaps on a thread of its own, as a Jupyter kernel may deliver it."""
        said = {"content": {"data": {"method": "custom", "content": message}}, "buffers": []}
        if thread:
            runner = threading.Thread(target=self.handle_msg, args=(said,))
            runner.start()
            runner.join()
        else:
            self.handle_msg(said)


@pytest.fixture(autouse=True)
def _wires(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comm, "create_comm", Wire)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """A lab in which two VMs replicate."""
    with labkit.create(tmp_path / "a.lab", stage="protected") as made:
        yield made


class Shown:
    """What a page knows of a view: the states it was told, put together as the page does."""

    def __init__(self, view: View) -> None:
        self.view, self.wire = view, view.comm
        self.series: dict[str, list[list[Any]]] = {}
        self.marks: list[Any] = []
        self.now = 0
        self.clock: dict[str, Any] = {}
        self.errors: list[list[str]] = []
        self.read = 0

    def look(self) -> None:
        """Take in what was sent since the last look."""
        for message in self.wire.sent[self.read :]:
            if message["kind"] == "error":
                self.errors.append(message["lines"])
            for name, state in message.get("parts", {}).items():
                if name == "clock":
                    self.clock = state
                else:
                    self._take(state)
        self.read = len(self.wire.sent)

    def _take(self, state: dict[str, Any]) -> None:
        if state.get("all"):
            self.series, self.marks = {}, []
        for name, points in state["series"].items():
            self.series[name] = self.series.get(name, []) + [tuple(point) for point in points]
        self.marks += [tuple(mark) for mark in state["marks"]]
        self.now = state["now"]


async def turns(seconds: float = 0.05) -> None:
    """Let the loop do what is due."""
    await asyncio.sleep(seconds)


@pytest.fixture
def page() -> Callable[[View], Shown]:
    """``page(view)``: the view as a page would know it."""
    return Shown
