"""A notebook as a runbook: started as a process of its own, with a kernel that is not the person's (rule 3.2-4).

``python -m labkit.drills.runbook NOTEBOOK CONTEXT``: the content of the file of JSON is the parameter ``context`` of
the cell tagged "parameters". The exit status is 0 when every cell ran.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from labkit.drills import kernel


def main(notebook: str, context: str) -> int:
    """Run the notebook beside its file; what it printed is told, and at the end what stopped it."""
    kernel.require()
    source = Path(notebook)
    out = source.with_name("executed.ipynb")
    parameters = {"context": json.loads(Path(context).read_text("utf-8"))}
    with kernel.own_jupyter(source.parent / "jupyter"):
        stopped = kernel.execute(source, out, parameters, source.parent, source.name)
    for cell in json.loads(out.read_text("utf-8"))["cells"]:
        for output in cell.get("outputs", []):
            print("".join(output.get("text", "")), end="")
    if stopped is None:
        return 0
    print(stopped)
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
