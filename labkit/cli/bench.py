"""``bench``: ratios against a reference measured in the same run."""

from __future__ import annotations

import argparse

from labkit.cli.labs import print_json


def bench(options: argparse.Namespace) -> int:
    """Measure, and print a table or JSON."""
    from labkit.bench import run

    rows = run(options.name)
    if options.json:
        print_json([row._asdict() for row in rows])
    else:
        for row in rows:
            reference = f"{row.reference:12,.0f} {row.ratio:6.2f} x" if row.reference is not None else ""
            rate = f"{row.rate:12,.0f}" if row.rate >= 10 else f"{row.rate:12.3f}"
            print(f"{row.name:28} {rate} {row.unit:12} {reference}")
    return 0
