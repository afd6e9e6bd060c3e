"""Is ``constraints.txt`` whole? Every requirement of labkit has its version there, for all systems.

``check`` walks the requirements of the installed packages as they would be on Linux, Windows and macOS (what only
another system needs is looked up in the file alone). ``windows OUT`` writes the lines that hold on Windows, without
their markers, for ``pip download --platform win_amd64``: pip judges markers by the system it runs on.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

FILE = Path(__file__).resolve().parents[1] / "constraints.txt"
PYTHONS = ("3.11", "3.12", "3.13")
SYSTEMS = {"linux": ("posix", "Linux"), "win32": ("nt", "Windows"), "darwin": ("posix", "Darwin")}


def environments() -> Iterator[dict[str, str]]:
    """Marker environments of every system and Python labkit runs on."""
    for system, (os_name, platform_system) in SYSTEMS.items():
        for python in PYTHONS:
            yield {
                "sys_platform": system,
                "os_name": os_name,
                "platform_system": platform_system,
                "python_version": python,
                "python_full_version": f"{python}.0",
            }


def holds(requirement: Requirement, environment: dict[str, str], extra: str = "") -> bool:
    """Whether a requirement applies in an environment, for one extra of the package that asks."""
    return requirement.marker is None or requirement.marker.evaluate({**environment, "extra": extra})


def pins() -> list[Requirement]:
    """The lines of the file."""
    lines = (line.partition("#")[0].strip() for line in FILE.read_text("utf-8").splitlines())
    return [Requirement(line) for line in lines if line]


def needed(environment: dict[str, str]) -> set[str]:
    """Names of all that ``labkit[dev]`` needs in an environment, as far as installed packages can tell."""
    seen: set[tuple[str, str]] = set()
    queue = [("labkit", ""), ("labkit", "dev")]
    while queue:
        name, extra = step = queue.pop()
        if step in seen:
            continue
        seen.add(step)
        try:
            wanted = [Requirement(text) for text in requires(name) or []]
        except PackageNotFoundError:
            if name == "labkit":
                raise SystemExit("labkit is not installed here: run tools/setup.py first.") from None
            continue  # another system's package: its own needs are found when pip resolves for that system
        for requirement in wanted:
            if holds(requirement, environment, extra):
                target = canonicalize_name(requirement.name)
                queue += [(target, ""), *((target, canonicalize_name(asked)) for asked in requirement.extras)]
    return {name for name, _ in seen} - {"labkit"}


def check() -> list[str]:
    """One line per fault; none when the file is whole."""
    faults = [f"{pin}: exactly one version is allowed (name==1.2.3)" for pin in pins() if not exact(pin)]
    for environment in environments():
        pinned = {canonicalize_name(pin.name) for pin in pins() if holds(pin, environment)}
        place = f"{environment['sys_platform']}, Python {environment['python_version']}"
        faults += [f"{name} has no version ({place})" for name in sorted(needed(environment) - pinned)]
    return faults


def exact(pin: Requirement) -> bool:
    """Whether a line names one version."""
    specifiers = list(pin.specifier)
    return len(specifiers) == 1 and specifiers[0].operator == "==" and "*" not in specifiers[0].version and not pin.url


def windows(out: Path, python: str) -> None:
    """Write the lines that hold on Windows with one version of Python, without markers."""
    wanted = {"sys_platform": "win32", "python_version": python}
    environment = next(each for each in environments() if wanted.items() <= each.items())
    lines = [f"{pin.name}{pin.specifier}\n" for pin in pins() if holds(pin, environment)]
    out.write_text("".join(lines), "utf-8")


def main() -> int:
    """Command line: ``check`` or ``windows OUT``; exit 1 when something is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("check")
    on_windows = commands.add_parser("windows")
    on_windows.add_argument("out", type=Path)
    on_windows.add_argument("--python", choices=PYTHONS, default=PYTHONS[0])
    arguments = parser.parse_args()
    if arguments.command == "windows":
        windows(arguments.out, arguments.python)
        return 0
    faults = check()
    print("\n".join(f"constraints.txt: {fault}" for fault in faults) or "constraints.txt is whole.")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
