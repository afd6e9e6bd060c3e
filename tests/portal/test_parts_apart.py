"""What one part, chart or second server does not do to the others."""

from __future__ import annotations

import asyncio
import csv
from pathlib import Path
from typing import Any

import pytest

import labkit
from labkit import Lab, portal
from labkit.portal.parts import RpoPart
from tests.portal.clicks import Person
from tests.portal.conftest import turns

HELLO = {"kind": "hello"}
VMS = ("items", "OnPremise Cloud", "vms")


def test_a_chart_that_fails_takes_no_news_from_the_others(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the chart raises, its error is shown and the screen is told all the same; a second view hears nothing of
    it and goes on; when the chart answers again it is told whole."""

    async def story() -> None:
        view, bar = portal.open(lab, "dashboard"), portal.clock_bar(lab)
        for one in (view, bar):
            one.comm.page(HELLO)
        await turns(0.3)
        asked = RpoPart.news

        def broken(_part: Any) -> Any:
            raise RuntimeError("the chart is broken")

        monkeypatch.setattr(RpoPart, "news", broken)
        sent, others = len(view.comm.sent), len(bar.comm.sent)
        lab.vault.planned_failover("MYBSD01")
        lab.run("5min")
        await turns(1.4)
        told = [message["parts"] for message in view.comm.sent[sent:] if message["kind"] == "state"]
        assert any("portal" in parts for parts in told)
        assert any(message["kind"] == "error" for message in view.comm.sent[sent:])
        assert any("clock" in message.get("parts", {}) for message in bar.comm.sent[others:])
        monkeypatch.setattr(RpoPart, "news", asked)
        sent = len(view.comm.sent)
        lab.run("5min")
        await turns(0.5)
        told = [message["parts"] for message in view.comm.sent[sent:] if message["kind"] == "state"]
        assert any(parts.get("rpo", {}).get("all") for parts in told)

    asyncio.run(story())


def test_chart_and_table_show_the_same_point(lab: Lab) -> None:
    """A point picked in the chart is chosen in the table; one chosen in the table is the chart's."""
    lab.run("30min")
    view = portal.open(lab, *VMS, "MYWSV01")
    screen, first, second = view.screen, *[point.id for point in lab.vault.items["MYWSV01"].recovery_points[-2:]]  # type: ignore[attr-defined]
    view.states()
    view._parts["points"].do("pick", first)
    assert screen.state()["blocks"]["changed"]["points"]["chosen"] == [str(first)]
    screen.do("choose", {"key": "points", "rows": [str(second)]})
    assert view.news()["points"]["picked"] == second
    assert screen.point == second


def test_the_port_of_site_to_site_is_that_of_its_authentication(tmp_path: Path) -> None:
    """8084 with certificates, 8083 with Kerberos, as the library has it (rule 2.7-11); one that is typed stays."""
    with labkit.create(tmp_path / "a.lab", site="two-sites", stage="registered") as lab:
        lab.vault.register_server("SC02", wait=True)
        cloud = "Primary Cloud"
        person = Person(lab).go("items").choose("clouds", cloud).click("vault.configure_protection")
        person.type(target=person.field("target")["choices"][1])
        assert person.field("port")["value"] == 8084
        person.type(authentication="Kerberos")
        assert person.field("port")["value"] == 8083
        person.type(port="9000").type(authentication="Certificate")
        assert person.field("port")["value"] == 9000


def test_the_second_vmm_server_has_its_own_things(tmp_path: Path) -> None:
    """On its page dialogs offer its host groups and clouds, not those of the first server."""
    with labkit.create(tmp_path / "a.lab", site="two-sites", stage="registered") as lab:
        first, second = [name for name, role in lab.site.servers.items() if role == "vmm"]
        lab.site.vmm.on(first).create_host_group("Only here")
        lab.site.vmm.on(second).create_host_group("Only there")
        person = Person(lab).go("site", "vmm", second)
        host = person.block("hosts")["rows"][0]["id"]
        person.choose("hosts", host).click("site.vmm.move_host")
        assert "Only there" in person.field("group")["choices"]
        assert "Only here" not in person.field("group")["choices"]
        person.press("ok", group="Only there")
        assert lab.site.vmm.on(second).hosts[host] == "Only there"


def test_jobs_are_exported_or_refused_in_words(lab: Lab, tmp_path: Path) -> None:
    """The CSV has a row for each task, for any language's spreadsheet; a file that is there or cannot be is refused."""
    person = Person(lab).go("jobs")
    out = tmp_path / "ジョブ.csv"
    person.does("jobs.export", path=str(out))
    raw = out.read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(raw.decode("utf-8-sig").splitlines()))
    assert len(rows) == sum(len(job.tasks) for job in lab.jobs.values())
    assert {row["job"] for row in rows} == set(lab.jobs)
    for path, code in ((out, 900302), (tmp_path / "nowhere" / "a.csv", 900304), (out / "a.csv", 900304)):
        person.click("jobs.export").press("ok", path=str(path))
        assert person.error is not None
        assert person.error["code"] == code
        person._do("cancel")
