"""Real processes for the crash tests: how to start them, and what they do.

Run as a script with the name of a part and its arguments; what happened is told line by line, each flushed, so that
whatever a killed process had been told to be done is known afterwards.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

import labkit
from labkit import Lab, LabError

ROOT = Path(__file__).resolve().parents[2]
MINUTE, HOUR, DAY = 60, 3_600, 86_400


def start(part: str, *arguments: str | Path | float, told: IO[str] | None = None) -> subprocess.Popen[str]:
    """A process of its own that plays a part; what it tells goes to a file, or is read from ``stdout``."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "PYTHONUTF8": "1"}
    command = [sys.executable, "-m", "tests.crash.processes", part, *map(str, arguments)]
    target = subprocess.PIPE if told is None else told
    return subprocess.Popen(
        command, env=environment, cwd=ROOT, stdin=subprocess.PIPE, stdout=target, text=True, encoding="utf-8"
    )


def tell(**said: object) -> None:
    """One line that survives whatever comes next."""
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()


# --- a story that goes on where it stopped ----------------------------------------------------------------------------

STORY: tuple[tuple[int, Callable[[Lab], object]], ...] = (
    (0, lambda lab: lab.vault.enable_protection("MYWSV01")),
    (20, lambda lab: lab.vault.enable_protection("MYBSD01")),
    (3 * HOUR, lambda lab: lab.faults.set_bandwidth("20Mbps")),
    (8 * HOUR, lambda lab: lab.vault.test_failover("MYWSV01")),
    (9 * HOUR, lambda lab: lab.vault.complete_test("MYWSV01", note="検証済み")),
    (11 * HOUR, lambda lab: lab.vault.commit("MYWSV01")),  # refused
    (12 * HOUR, lambda lab: lab.faults.lose_line()),
    (13 * HOUR, lambda lab: lab.faults.restore_line()),
    (20 * HOUR, lambda lab: lab.vault.planned_failover("MYWSV01")),
    (22 * HOUR, lambda lab: lab.vault.commit("MYWSV01")),
    (22 * HOUR, lambda lab: lab.vault.unplanned_failover("MYBSD01")),
    (23 * HOUR, lambda lab: lab.vault.change_recovery_point("MYBSD01")),
    (DAY, lambda lab: lab.vault.commit("MYBSD01")),
    (30 * HOUR, lambda lab: lab.vault.failback("MYWSV01")),
    (36 * HOUR, lambda lab: lab.vault.complete_failover("MYWSV01", note="go")),
    (38 * HOUR, lambda lab: lab.vault.commit("MYWSV01")),
    (39 * HOUR, lambda lab: lab.vault.reverse_replication("MYWSV01")),
    (40 * HOUR, lambda lab: lab.faults.set_bandwidth("100Mbps")),
    (41 * HOUR, lambda lab: lab.vault.failback("MYBSD01", synchronise="during")),
    (44 * HOUR, lambda lab: lab.vault.commit("MYBSD01")),
    (45 * HOUR, lambda lab: lab.faults.lose_site()),
    (46 * HOUR, lambda lab: lab.faults.restore_site()),
    (50 * HOUR, lambda lab: lab.vault.disable_protection("MYBSD01")),
    (4 * DAY, lambda lab: lab.vault.test_failover("MYWSV01")),
    (5 * DAY, lambda lab: lab.vault.complete_test("MYWSV01")),
)
END = 7 * DAY


def play_story(lab: Lab, origin: int, before: int, say: Callable[..., None]) -> None:
    """Go on with the story: ``origin`` is its first instant (ms), ``before`` the number of commands before it.

    The journal knows which command is next, and the clock how far time has come; nothing else is kept.
    """
    for at, command in STORY[len(lab.journal) - before :]:
        _run_to(lab, origin + at * 1000, say)
        try:
            command(lab)
        except LabError as error:
            say(refused=error.code)
        say(commands=len(lab.journal))
    _run_to(lab, origin + END * 1000, say)
    say(digest=lab.events_digest)


def _run_to(lab: Lab, target: int, say: Callable[..., None]) -> None:
    if lab.clock.ms < target:
        lab.run(f"{target - lab.clock.ms}ms")
        say(at=lab.clock.ms)


def story(path: str, origin: str, before: str) -> None:
    """Play the story; killed, it is started again."""
    with labkit.open(path) as lab:
        tell(ready=True)
        play_story(lab, int(origin), int(before), tell)


# --- several at once --------------------------------------------------------------------------------------------------


def commands(path: str, seconds: str, name: str) -> None:
    """Give commands for a while; tell each that returned, and how long the slowest took."""
    worst, number, end = 0.0, 0, time.perf_counter() + float(seconds)
    with labkit.open(path, surface=name) as lab:
        tell(ready=True)
        while time.perf_counter() < end:
            number += 1
            begun = time.perf_counter()
            try:
                _command(lab, number)
            except LabError as error:
                tell(refused=error.code)
            worst = max(worst, time.perf_counter() - begun)
            tell(returned=number)
            time.sleep(0.003 * (number % 5))
    tell(worst=worst)


def _command(lab: Lab, number: int) -> None:
    if number % 10 == 7:
        lab.vault.enable_protection("MYWSV02")
    elif number % 10 == 9:
        lab.vault.disable_protection("MYWSV02")
    else:
        lab.faults.set_bandwidth(f"{20 + number % 50}Mbps")


def play(path: str, *durations: str) -> None:
    """Let time pass, one duration after the other."""
    with labkit.open(path) as lab:
        tell(ready=True)
        try:
            for duration in durations:
                lab.run(duration)
                tell(at=lab.clock.ms)
        except LabError as error:
            tell(code=error.code, status=error.exit_status, text=str(error))


def wait(path: str) -> None:
    """Wait for the newest job, letting time pass only if nobody else does; tell what the clock showed at the end."""
    with labkit.open(path) as lab:
        job = list(lab.jobs.values())[-1]
        tell(ready=True)
        lab.wait(job)
        tell(state=job.state, epoch=lab._session.lease.epoch)


def hold(path: str) -> None:
    """Play and do nothing until killed: an owner that lives."""
    with labkit.open(path) as lab, lab._session.playing():
        tell(ready=True)
        sys.stdin.read()


def idle(path: str) -> None:
    """Have the lab open after a command, and do nothing."""
    with labkit.open(path) as lab:
        lab.faults.set_bandwidth("33Mbps")
        tell(ready=lab.events_digest)
        sys.stdin.read()


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
