"""The world in memory: entities, clock, timers, facts and shelves, read from a lab file and flushed to it as one.

Entities are ``msgspec.Struct`` classes registered with :func:`entity`. At a flush every entity whose JSON differs from
what the file holds is written, so nobody has to remember to mark a change.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import msgspec

from labkit.engine.clock import HANDLERS, Timer, Timers
from labkit.engine.facts import START, Facts
from labkit.engine.names import unknown
from labkit.engine.parts import Parts
from labkit.engine.shelf import Shelf
from labkit.engine.store import Store


class Entity(msgspec.Struct):
    """Base of all entities; ``id`` is unique within a kind."""

    id: str


E = TypeVar("E", bound=Entity)
KINDS: dict[str, type[Entity]] = {}
_NAMES: dict[type[Entity], str] = {}
_DECODERS: dict[str, msgspec.json.Decoder[Any]] = {}
_LISTS: dict[str, str] = {}
_LIST_DECODERS: dict[str, msgspec.json.Decoder[Any]] = {}
_encode = msgspec.json.Encoder().encode


def entity(kind: str, *, parts: str = "") -> Callable[[type[E]], type[E]]:
    """Register a class of entities under the name its rows have.

    ``parts``: the field with a long list of immutable things that is kept in rows of its own (:mod:`.parts`).
    """

    def register(cls: type[E]) -> type[E]:
        if kind in KINDS:
            raise RuntimeError(f"two classes of entities are called {kind}")
        KINDS[kind], _NAMES[cls] = cls, kind
        _DECODERS[kind] = msgspec.json.Decoder(cls)
        if parts:
            _LISTS[kind] = parts
            types = {field.name: field.type for field in msgspec.structs.fields(cls)}
            _LIST_DECODERS[kind] = msgspec.json.Decoder(types[parts])
        return cls

    return register


class World:
    """One lab's state. ``now`` is virtual time in ms; ``cache`` holds what can be made again from the rest."""

    def __init__(self, store: Store) -> None:
        self.store = store
        meta = store.meta()
        self.now: int = meta.get("now", 0)
        self.seed: int = meta.get("seed", 0)
        self.site_json: str = meta.get("site", "{}")
        self.settings: dict[str, int] = {k[8:]: v for k, v in meta.items() if k.startswith("setting.")}
        self._counters: dict[str, int] = {k[8:]: v for k, v in meta.items() if k.startswith("counter.")}
        self._meta_written = meta
        self.facts = Facts(meta.get("facts", 0), meta.get("digest", START))
        rows = store.rows("SELECT due, priority, seq, kind, entity FROM timers")
        self.timers = Timers([Timer(*row) for row in rows], self._counters.get("timer", 1))
        self._timers_written = self.timers.rows()
        self._entities: dict[type[Entity], dict[str, Entity]] = {cls: {} for cls in _NAMES}
        self._written: dict[tuple[str, str], bytes] = {}
        self._parts = Parts(store, _LIST_DECODERS)
        for kind, name, body in store.rows("SELECT kind, id, body FROM entities"):
            thing = self._entities[KINDS[kind]][name] = _DECODERS[kind].decode(body)
            self._written[kind, name] = body
            if kind in _LISTS:
                getattr(thing, _LISTS[kind]).extend(self._parts.of((kind, name)))
        self.chunks, self.writes = Shelf(store, "chunks"), Shelf(store, "writes")
        self.cargo, self.blobs = Shelf(store, "cargo"), Shelf(store, "blobs", packed=1 << 16)
        self.hashes = Shelf(store, "hashes")
        self.cache: dict[Any, Any] = {}

    # --- entities -----------------------------------------------------------------------------------------------------

    def find(self, cls: type[E], name: str) -> E | None:
        """The entity, or ``None``."""
        return self._entities[cls].get(name)  # type: ignore[return-value]

    def get(self, cls: type[E], name: str) -> E:
        """The entity; 900010 with the nearest names when there is none."""
        try:  # asked for ten times a cycle: not even a cast
            return self._entities[cls][name]  # type: ignore[return-value]
        except KeyError:
            raise unknown(_NAMES[cls], name, self._entities[cls]) from None

    def all(self, cls: type[E]) -> list[E]:
        """All entities of a class in order of their ids (the order in memory is not the order in the file)."""
        return cast("list[E]", [found for _, found in sorted(self._entities[cls].items())])

    def any(self, cls: type[E]) -> bool:
        """Whether there is an entity of a class."""
        return bool(self._entities[cls])

    def add(self, thing: E) -> E:
        """Put a new entity into the world; two of one id are a programming error."""
        table = self._entities[type(thing)]
        if thing.id in table:
            raise RuntimeError(f"{_NAMES[type(thing)]} {thing.id} exists")
        table[thing.id] = thing
        return thing

    def remove(self, thing: Entity) -> None:
        """Take an entity out of the world."""
        del self._entities[type(thing)][thing.id]

    def next(self, counter: str) -> int:
        """1, 2, 3, ... of a named counter that is saved with the world."""
        value = self._counters.get(counter, 0) + 1
        self._counters[counter] = value
        return value

    # --- time ---------------------------------------------------------------------------------------------------------

    def fact(self, kind: str, entity: str, **details: Any) -> None:
        """Something happened now."""
        details["at"], details["kind"], details["entity"] = self.now, kind, entity
        self.facts.add(details)

    def after(self, delay: int, kind: str, entity: str, priority: int = 50) -> int:
        """Set a timer ``delay`` ms from now."""
        return self.timers.add(self.now + delay, kind, entity, priority)

    def step(self, until: int | None = None) -> bool:
        """Let the next timer happen that is due by ``until`` (ms); whether there was one."""
        timer = self.timers.take(until)
        if timer is None:
            return False
        self.now = timer[0]
        HANDLERS[timer[3]](self, timer)
        return True

    # --- the file -----------------------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Do the slow part of a flush before the write lock is taken."""
        self.blobs.prepare()

    def flush(self) -> None:
        """Write every change; inside a write transaction."""
        store = self.store
        self._flush_entities()
        self.facts.flush(store)
        for shelf in (self.chunks, self.writes, self.cargo, self.blobs, self.hashes):
            shelf.flush()
        timers = self.timers.rows()
        if timers != self._timers_written:
            store.write("DELETE FROM timers")
            rows = ((t.seq, t.due, t.priority, t.kind, t.entity) for t in timers)
            store.write_many("INSERT INTO timers VALUES (?, ?, ?, ?, ?)", rows)
            self._timers_written = timers
        self._flush_meta()

    def _flush_entities(self) -> None:
        written, changed, seen = self._written, [], set()
        for cls, table in self._entities.items():
            kind = _NAMES[cls]
            encode = self._encode_without_parts if kind in _LISTS else _encode
            for name, thing in table.items():
                key = (kind, name)
                body = encode(thing)
                seen.add(key)
                if written.get(key) != body:
                    changed.append((kind, name, body))
                    written[key] = body
        gone = [key for key in written if key not in seen]
        for key in gone:
            del written[key]
        self._parts.drop(gone)
        self._parts.flush(self.store)
        self.store.write_many("INSERT OR REPLACE INTO entities VALUES (?, ?, ?)", changed)
        self.store.write_many("DELETE FROM entities WHERE kind = ? AND id = ?", gone)

    def _encode_without_parts(self, thing: Entity) -> bytes:
        kind = _NAMES[type(thing)]
        field = _LISTS[kind]
        parts = getattr(thing, field)
        self._parts.compare((kind, thing.id), parts)
        setattr(thing, field, [])
        try:
            return _encode(thing)
        finally:
            setattr(thing, field, parts)

    def _flush_meta(self) -> None:
        self._counters["timer"] = self.timers.next_seq
        meta: dict[str, Any] = {
            "now": self.now,
            "seed": self.seed,
            "site": self.site_json,
            "facts": self.facts.count,
            "digest": self.facts.digest,
        }
        meta |= {f"counter.{name}": value for name, value in self._counters.items()}
        meta |= {f"setting.{name}": value for name, value in self.settings.items()}
        changed = [(key, value) for key, value in meta.items() if self._meta_written.get(key) != value]
        self.store.write_many("INSERT OR REPLACE INTO meta VALUES (?, ?)", changed)
        self._meta_written = meta
