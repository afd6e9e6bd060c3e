"""A data disk in memory and a guest on it, as the replication layer drives them."""

from __future__ import annotations

from labkit.guest import orders
from labkit.guest.volume import Volume

MB = 2**20
START = 1_412_121_600_000
INTERVAL = 10_000


class Disk:
    """Blocks in a dict; ``cycle`` runs one session and keeps what the volume changed."""

    def __init__(self, size: int = 64 * MB, *, seed: int = 1, stream: int = 3, role: orders.Role = "orders") -> None:
        self.size, self.seed, self.stream, self.role = size, seed, stream, role
        self.blocks: dict[int, bytes] = {}
        self.started = self.now = START

    def volume(self) -> Volume:
        return Volume(self.size, self.blocks.get)

    def cycle(
        self, ms: int = 30_000, kind: orders.Kind = "cycle", source: list[orders.Due] | None = None
    ) -> orders.Session:
        volume = self.volume()
        since, self.now = self.now, self.now + ms
        done = orders.session(
            volume,
            seed=self.seed,
            stream=self.stream,
            now=self.now,
            started=self.started,
            since=since,
            interval=INTERVAL,
            kind=kind,
            role=self.role,
            source=source,
        )
        self.blocks.update({block: content for block, (content, _mask) in volume.changed().items()})
        return done

    def look(self) -> orders.Look:
        return orders.look(self.volume())

    def copy(self) -> Disk:
        other = Disk(self.size, seed=self.seed, stream=self.stream, role=self.role)
        other.blocks, other.started, other.now = dict(self.blocks), self.started, self.now
        return other

    def flip(self, at: int, bit: int = 0) -> None:
        block, offset = divmod(at, 65_536)
        content = bytearray(self.blocks.get(block, bytes(65_536)))
        content[offset] ^= 1 << bit
        self.blocks[block] = bytes(content)
