"""A walk of random commands through a lab, driven by one number: the adversary of the item state table.

``python tests/engine/walk.py SEED [STEPS]`` walks aloud, to look into a seed that a test has found.
"""

from __future__ import annotations

import random
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import labkit
from labkit import Lab, LabError
from labkit.recovery import states

VMS = ("MYWSV01", "MYBSD01")
SMALL = ("meta", "entities", "timers", "facts")
LARGE = ("chunks", "writes", "cargo", "blobs")


def contents(path: Path) -> dict[str, Any]:
    """What the file says of the world: every row of the small tables, and keys and bytes of the large ones."""
    with closing(sqlite3.connect(path)) as db:
        found: dict[str, Any] = {name: db.execute(f"SELECT * FROM {name} ORDER BY 1, 2").fetchall() for name in SMALL}
        found |= {name: hash(tuple(db.execute(f"SELECT * FROM {name} ORDER BY 1, 2, 3"))) for name in LARGE}
    return found


def refusal(command: Callable[[], object]) -> LabError | None:
    """What a command is refused with; ``None`` when it was accepted."""
    try:
        command()
    except LabError as error:
        return error
    return None


class Walk:
    """One walk; :meth:`step` does something at random and fails with ``AssertionError`` when a rule is broken."""

    def __init__(self, lab: Lab, seed: int, say: Callable[[str], object] = lambda line: None) -> None:
        self.lab, self.chance, self.say = lab, random.Random(seed), say
        self.accepted = self.refused = 0

    def operations(self, vm: str) -> dict[str, Callable[[], object]]:
        """The command of each operation of the table."""
        vault, chance = self.lab.vault, self.chance
        return {
            "EnableProtection": lambda: vault.enable_protection(vm),
            "DisableProtection": lambda: vault.disable_protection(vm),
            "PlannedFailover": lambda: vault.planned_failover(vm),
            "UnplannedFailover": lambda: vault.unplanned_failover(vm, synchronise=chance.random() < 0.5),
            "TestFailover": lambda: vault.test_failover(vm),
            "TestFailoverCleanup": lambda: vault.complete_test(vm, note="done"),
            "Commit": lambda: vault.commit(vm),
            "ChangePit": lambda: vault.change_recovery_point(vm),
            "Failback": lambda: vault.failback(vm, synchronise=chance.choice(("before", "during"))),
            "CompleteFailover": lambda: vault.complete_failover(vm),
            "ReverseReplicate": lambda: vault.reverse_replication(vm),
        }

    def allowed(self, vm: str) -> tuple[str, ...]:
        """What the lab says may be asked for."""
        if vm in self.lab.vault.items:
            return self.lab.vault.items[vm].allowed_operations
        return ("EnableProtection",)

    def step(self) -> None:
        """An operation, time, or something that breaks or is mended; then everything is looked at."""
        kind = self.chance.choices(("operation", "time", "fault", "refused"), (4, 5, 1, 1))[0]
        getattr(self, f"_{kind}")()
        problems = self.lab.verify()
        assert problems == [], problems

    def _operation(self) -> None:
        vm = self.chance.choice(VMS)
        allowed = self.allowed(vm)
        if not allowed:
            return
        weights = [1 if name == "DisableProtection" else 4 for name in allowed]
        name = self.chance.choices(allowed, weights)[0]
        self.say(f"{self.lab.now} {vm} {name}")
        self._must_pass(vm, name)

    def _must_pass(self, vm: str, name: str) -> None:
        if name == "EnableProtection" and vm in self.lab.azure.machines:
            self.lab.azure.delete_machine(vm)  # left there when its protection was removed (F-10)
        self.operations(vm)[name]()
        self.accepted += 1

    def _refused(self) -> None:
        """Everything that is not allowed is refused, says why, and changes nothing."""
        vm = self.chance.choice(VMS)
        allowed, before = self.allowed(vm), contents(self.lab.path)
        for name, command in self.operations(vm).items():
            if name in allowed:
                continue
            refused = refusal(command)
            assert refused is not None, f"{vm}: {name} was accepted, allowed are {allowed}"
            assert refused.message
            assert refused.cause or refused.action
            self.refused += 1
        assert contents(self.lab.path) == before

    def _fault(self) -> None:
        faults = self.lab.faults
        name = self.chance.choice(("lose_line", "restore_line", "lose_site", "restore_site", "set_bandwidth"))
        arguments = (f"{self.chance.choice((1, 5, 50, 200))}Mbps",) if name == "set_bandwidth" else ()
        self.say(f"{self.lab.now} {name} {arguments}")
        refused = refusal(lambda: getattr(faults, name)(*arguments))
        assert refused is None or (name, refused.code) in (("lose_site", 900530), ("restore_site", 900531)), refused

    def _time(self) -> None:
        minutes = self.chance.choice((1, 3, 7, 20, 61, 200, 500))
        milliseconds = minutes * 60_000 - self.chance.choice((0, 0, 1, 17_003))
        self.lab.run(f"{milliseconds}ms")

    def heal(self) -> None:
        """Mend everything; then nothing may hang: every item can be asked for something."""
        self.say(f"{self.lab.now} heal")
        self.lab.faults.restore_line()
        self.lab.faults.set_bandwidth("200Mbps")
        refused = refusal(self.lab.faults.restore_site)
        assert refused is None or refused.code == 900531, refused
        self.lab.run("2d")
        assert self.lab.verify() == []
        for name, item in self.lab.vault.items.items():
            assert item.allowed_operations, (name, item.state)
            assert item.state != states.words(states.ENABLING)["service"], name
        running = [job for job in self.lab.jobs.values() if job.state == "InProgress"]
        assert running == []


def main() -> None:
    """Walk aloud."""
    seed, steps = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 60
    with tempfile.TemporaryDirectory() as folder, labkit.create(Path(folder) / "w.lab", stage="protected") as lab:
        walk = Walk(lab, seed, print)
        for _ in range(steps):
            walk.step()
        walk.heal()
        print(walk.accepted, "accepted,", walk.refused, "refused", lab.events_digest)


if __name__ == "__main__":
    main()
