"""Sets labkit up for work in this checkout: makes ``.venv/`` with the exact versions of ``constraints.txt``.

    python3 tools/setup.py          Linux, macOS
    py -3 tools\\setup.py         Windows

Needs Python 3.11 or newer and nothing else. Where packages come from is pip's own set-up. When all is up to date
nothing is done; ``--force`` does it all the same.
"""

import argparse
import hashlib
import os
import runpy
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
STAMP = VENV / "labkit-set-up.txt"
INPUTS = ("pyproject.toml", "constraints.txt", "tools/setup.py", "tools/hatch_build.py")
OLDEST = (3, 11)

try:
    # The module alone: the package around it needs what is about to be installed.
    _ = runpy.run_path(str(ROOT / "labkit" / "engine" / "texts.py"))["gettext"]
except SyntaxError:  # a Python too old to read it is about to be refused, in English
    _ = str


def say(text: str) -> None:
    """One line for the person at the console, before what pip prints next."""
    print(text, flush=True)


def refuse_old_python() -> None:
    """Stop with plain words when this Python is too old for labkit."""
    if sys.version_info < OLDEST:
        found = ".".join(str(part) for part in sys.version_info[:3])
        needed = ".".join(str(part) for part in OLDEST)
        say(
            _("labkit needs Python {needed} or newer; this is {found} ({path}).").format(
                needed=needed, found=found, path=sys.executable
            )
        )
        say(
            _("Start this script with a newer one, for example: {example}").format(
                example="py -3.11 tools\\setup.py" if os.name == "nt" else "make test PYTHON=python3.12"
            )
        )
        raise SystemExit(3)


def interpreter() -> Path:
    """The environment's Python."""
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def base_python() -> str:
    """The Python that environments are made with, also when this script runs inside one."""
    return str(getattr(sys, "_base_executable", None) or sys.executable)


def stamp() -> str:
    """What the environment is made from: place, Python and the files that say what is in it."""
    digest = hashlib.sha256(f"{ROOT}\n{sys.version_info[:2]}\n".encode())
    for name in INPUTS:
        digest.update(ROOT.joinpath(name).read_bytes())
    return digest.hexdigest()


def up_to_date() -> bool:
    """Whether the environment is there and made from what is here now."""
    return interpreter().exists() and STAMP.exists() and STAMP.read_text("utf-8").strip() == stamp()


def fits() -> bool:
    """Whether there is an environment of this Python that works: then it is brought up to date, not made anew."""
    probe = f"import pip, sys; sys.exit(sys.version_info[:2] != {tuple(sys.version_info[:2])})"
    try:
        done = subprocess.run([str(interpreter()), "-c", probe], capture_output=True, check=False)
    except OSError:
        return False
    return done.returncode == 0


def call(*command: str) -> None:
    """Run one command in the checkout; stop with its exit status when it fails."""
    done = subprocess.run(command, cwd=ROOT, check=False)
    if done.returncode:
        say(
            _("Set-up stopped: exit status {status} from: {command}").format(
                status=done.returncode, command=" ".join(command)
            )
        )
        raise SystemExit(2)


def make_environment() -> None:
    """Make ``.venv/`` from nothing."""
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        say(
            _(
                "This Python cannot make environments ({path}). On Debian and Ubuntu: apt-get install python3-venv"
            ).format(path=sys.executable)
        )
        raise SystemExit(3) from None
    call(base_python(), "-m", "venv", "--clear", str(VENV))


def install() -> None:
    """Install labkit from this checkout, with all extras, at the versions of ``constraints.txt``."""
    pip = (str(interpreter()), "-m", "pip", "install", "--disable-pip-version-check", "--quiet")
    exact = ("--constraint", str(ROOT / "constraints.txt"))
    # Builders first, from the same file: pip's isolated builds would take whatever is newest today.
    call(*pip, *exact, "--upgrade", "pip", "hatchling")
    call(*pip, *exact, "--no-build-isolation", "--editable", f"{ROOT}[dev]")


def main() -> int:
    """Command line; exit 0 done or up to date, 2 a step failed, 3 this Python does not do."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)  # not in a Python that is about to be refused
        if reconfigure:
            reconfigure(errors="replace")  # for consoles that cannot show Japanese
    parser = argparse.ArgumentParser(description=_("Make .venv/ with everything labkit needs, tests included."))
    parser.add_argument("--force", action="store_true", help=_("set up again although all is up to date"))
    arguments = parser.parse_args()
    refuse_old_python()
    if up_to_date() and not arguments.force:
        return 0
    say(_("Setting up {folder}: a few minutes, once.").format(folder=VENV))
    STAMP.unlink(missing_ok=True)
    if not fits():
        make_environment()
    install()
    STAMP.write_text(stamp() + "\n", "utf-8")
    say(_("Set up: {folder}").format(folder=VENV))
    return 0


if __name__ == "__main__":
    sys.exit(main())
