"""Sums up a JUnit XML file of pytest in one plain line, after the reasons of all skips.

    python tools/test_summary.py junit.xml

Exit 1 when a test failed, none ran, or one was skipped for want of something that could have been installed: only
tests of another operating system may be skipped (their reason begins with "only on").
"""

from __future__ import annotations

import sys
from pathlib import Path
from xml.etree import ElementTree as ET

ALLOWED = "only on"


def main() -> int:
    """Command line: the file's name."""
    cases = list(ET.parse(Path(sys.argv[1])).iter("testcase"))
    failed = {id(case) for case in cases if case.find("failure") is not None or case.find("error") is not None}
    skips = {
        f"{case.get('classname')}.{case.get('name')}": skip
        for case in cases
        if (skip := case.find("skipped")) is not None
    }
    wanting = 0
    for name, skip in skips.items():
        reason = skip.get("message") or ""
        wanting += not reason.lower().startswith(ALLOWED)
        print(f"skipped: {name}: {reason}")
    if wanting:
        print(f'{wanting} skipped for another reason than the operating system ("{ALLOWED} ...").')
    passed = len(cases) - len(failed) - len(skips)
    print(f"{passed} passed, {len(failed)} failed, {len(skips)} skipped")
    return 1 if failed or wanting or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
