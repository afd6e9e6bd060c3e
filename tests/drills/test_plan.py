"""The planned times of a drill are made of what will really be sent."""

from __future__ import annotations

from labkit.drills import listing, plan
from labkit.lab import build


def test_the_disk_of_an_application_begins_empty_and_is_not_planned() -> None:
    """contoso at 100 Mbit/s: initial replication is planned for the used bytes of the disks without an application."""
    site = build.read_site("contoso")
    drill = listing.describe("planned")
    sent = {"MYWSV01": 2 << 30, "MYBSD01": 1 << 30}  # 5 % of the 40 and 20 GB of the two os disks
    assert plan._length("initial", drill, drill.check({}), site) == sum(sent.values()) * 8 * 1000 // site.line.bandwidth
