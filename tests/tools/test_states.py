"""The picture of the states in the docs is the table the lab works by."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_page_is_drawn_from_the_table() -> None:
    """docs/states.md is exactly what tools/states.py draws from the table now."""
    done = subprocess.run([sys.executable, str(ROOT / "tools" / "states.py"), "check"], check=False)
    assert done.returncode == 0
