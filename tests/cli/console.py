"""The command line as a person or a program meets it: in this process, or as one of its own."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from labkit.cli import main


class Said(NamedTuple):
    """What a command left: exit status, standard output, standard error."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, which must be one JSON document and nothing else."""
        return json.loads(self.out)


def labkit(*arguments: str | Path) -> Said:
    """``labkit ARGUMENTS`` in this process."""
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = main([str(argument) for argument in arguments])
        except SystemExit as end:
            status = int(end.code or 0)
    texts = [stream.buffer.getvalue().decode("utf-8") for stream in (out, err)]  # type: ignore[attr-defined]
    return Said(status, texts[0], texts[1])


def process(
    arguments: Sequence[str | Path],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    encoding: str = "utf-8",
) -> Said:
    """``labkit ARGUMENTS`` as a process of its own; ``env`` is its whole environment."""
    command = [sys.executable, "-m", "labkit.cli", *map(str, arguments)]
    whole = dict(os.environ if env is None else env)
    if "SYSTEMROOT" in os.environ:  # without it Windows starts no Python
        whole["SYSTEMROOT"] = os.environ["SYSTEMROOT"]
    done = subprocess.run(command, env=whole, cwd=cwd, capture_output=True, check=False)
    return Said(done.returncode, done.stdout.decode(encoding), done.stderr.decode(encoding))
