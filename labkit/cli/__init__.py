"""The command line: ``labkit COMMAND``. Exit status: 0 done, 1 missed, 2 failed, 3 bad input, 4 busy."""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
from collections.abc import Sequence

from labkit.cli.parser import build_parser
from labkit.engine.errors import EXIT_FAILED, LabError
from labkit.engine.texts import gettext as _


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    for stream in (sys.stdout, sys.stderr):
        # A console of another code page shows what it can; nothing ends in a UnicodeEncodeError.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    options = build_parser().parse_args(arguments)
    try:
        return int(options.function(options))
    except LabError as error:
        return _said(error, options)
    except sqlite3.Error as error:  # a full disk, or one that is not there any more
        return _said(LabError(900011, found=str(error)), options)
    except KeyboardInterrupt:
        print(_("Stopped by the keyboard; what was committed is kept."), file=sys.stderr)
        return EXIT_FAILED
    except BrokenPipeError:
        # The reader of our output has gone (labkit log | head): nothing is left to say.
        sys.stderr.close()
        return 0


def _said(error: LabError, options: argparse.Namespace) -> int:
    """Tell an error, as JSON too where that was asked for; its exit status."""
    if getattr(options, "json", False):
        print(json.dumps({"error": error.as_dict()}))
    print(error, file=sys.stderr)
    return error.exit_status
