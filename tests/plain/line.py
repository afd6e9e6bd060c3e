"""One direction of the line, from docs/replication.md alone."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass
class Transfer:
    """One transfer under way: it ends when the counter reaches ``tag``."""

    tag: int
    number: int
    size: int
    started: int
    owner: str
    arrived: Callable[[Transfer], None]


@dataclass
class PlainLine:
    """The direction to Azure. ``plan(instant or None)`` sets its one timer for the end of a transfer anew."""

    bandwidth: int
    latency: int
    now: int
    plan: Callable[[int | None], None]
    land: Callable[[Transfer], None]
    connected: bool = True
    loss: int = 0
    received: int = 0
    numbers: int = 0
    under_way: list[Transfer] = field(default_factory=list)

    def _count(self, now: int) -> None:
        if self.under_way and self.connected:
            self.received += (self.rate() << 20) * (now - self.now) // (8000 * len(self.under_way))
        if not self.under_way:
            self.received = 0
        self.now = now

    def rate(self) -> int:
        """What crosses now: a transfer gets no more than a blob takes, nor than its four connections carry."""
        each = 480_000_000
        if self.latency and self.loss:
            # 1460 bytes a packet; isqrt of a square is exact, so the root of the loss is taken last.
            carried = math.isqrt((4 * 1460 * 8 * 1_000_000) ** 2 * 3 // (2 * self.loss)) // (2 * self.latency)
            each = min(each, max(1, carried))
        return min(self.bandwidth, each * len(self.under_way))

    def _look(self) -> None:
        if not self.under_way:
            self.received = 0
        if not self.under_way or not self.connected:
            self.plan(None)
            return
        left = min(transfer.tag for transfer in self.under_way) - self.received
        wait = -(-left * 8000 * len(self.under_way) // (self.rate() << 20))
        self.plan(self.now + max(0, wait))

    def begin(self, now: int, size: int, owner: str, arrived: Callable[[Transfer], None]) -> Transfer:
        """Put a transfer of a VM on the line."""
        self._count(now)
        self.numbers += 1
        made = Transfer(self.received + (size << 20), self.numbers, size, now, owner, arrived)
        self.under_way.append(made)
        self._look()
        return made

    def end(self, now: int) -> None:
        """The timer: all that is received lands ``latency`` later."""
        self._count(now)
        done = [transfer for transfer in self.under_way if transfer.tag <= self.received]
        for transfer in sorted(done, key=lambda transfer: (transfer.tag, transfer.number)):
            self.under_way.remove(transfer)
            self.land(transfer)
        self._look()

    def cancel(self, now: int, owner: str) -> None:
        """End the transfers of a VM; what had not arrived is not there."""
        self._count(now)
        self.under_way = [transfer for transfer in self.under_way if transfer.owner != owner]
        self._look()

    def change(
        self,
        now: int,
        *,
        bandwidth: int | None = None,
        connected: bool | None = None,
        quality: tuple[int, int] | None = None,
    ) -> None:
        """The line is changed from now on; ``quality``: latency and loss."""
        self._count(now)
        self.latency, self.loss = quality or (self.latency, self.loss)
        self.bandwidth = self.bandwidth if bandwidth is None else bandwidth
        self.connected = self.connected if connected is None else connected
        self._look()
