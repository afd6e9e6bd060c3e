"""Draws the states of a protected item from the table the lab works by: ``docs/states.md``.

python tools/states.py          write it
python tools/states.py check    status 1 when it is not what the table says
"""

from __future__ import annotations

import sys
from pathlib import Path

from labkit.recovery.item import NEED_A_REPLICA, RESYNC_OPERATIONS
from labkit.recovery.states import INTERNAL, SITE_TABLE, STATES, TABLE, allowed, words

PAGE = Path(__file__).resolve().parents[1] / "docs" / "states.md"


def page() -> str:
    """The page as the table says it."""
    lines = ["# States of a protected item", "", "Drawn from `labkit.recovery.states.TABLE` by `tools/states.py`.", ""]
    lines += ["```mermaid", "stateDiagram-v2", "    [*] --> Unprotected"]
    lines += [f"    {state} --> {after}: {operation}" for (state, operation), after in TABLE.items()]
    lines += [
        "```",
        "",
        "| state | service's name | description | active | allowed operations |",
        "|---|---|---|---|---|",
    ]
    for state in STATES:
        found = words(state)
        operations = ", ".join(allowed(state))
        lines.append(f"| {state} | {found['service']} | {found['description']} | {found['location']} | {operations} |")
    internal = ", ".join(sorted(INTERNAL))
    lines += ["", f"Nobody asks for these; the lab reports them: {internal}. While a job is at work on an item"]
    lines += ['nothing else may be asked for (error 532); a failback with "synchronise before" stops in']
    lines += ["`FailbackWaiting`, a test failover in `TestFailoverWaiting`, until the operator gives the word."]
    waiting = ", ".join(NEED_A_REPLICA)
    lines += ["", "In `Protected` the replication of the machine has states of its own, which change what is allowed:"]
    lines += ["", "| replication | also allowed | not allowed |", "|---|---|---|"]
    lines += [f"| {state} | {operation} | {waiting} |" for state, operation in RESYNC_OPERATIONS.items()]
    lines += [
        "",
        "## Site to site",
        "",
        "An item whose cloud is protected to another cloud (`SITE_TABLE`). Either side",
    ]
    lines += ["can be the active one; a planned failover turns replication round by itself.", ""]
    lines += ["```mermaid", "stateDiagram-v2", "    [*] --> Unprotected"]
    lines += [f"    {state} --> {after}: {operation}" for (state, operation), after in SITE_TABLE.items()]
    lines += ["```", "", "| state | allowed operations |", "|---|---|"]
    met = [state for state in STATES if state in {*SITE_TABLE.values(), *(state for state, _ in SITE_TABLE)}]
    lines += [f"| {state} | {', '.join(allowed(state, to_site=True))} |" for state in met]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write or check the page."""
    if sys.argv[1:] == ["check"]:
        return 0 if PAGE.read_text("utf-8") == page() else 1
    PAGE.write_text(page(), "utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
