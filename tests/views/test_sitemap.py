"""The site map: what is in it through failover and failback, where it stands, and the guide's four pictures."""

from __future__ import annotations

import itertools
import shutil
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path

import pytest

import labkit
from labkit import Lab, LabError
from labkit.engine import texts
from labkit.engine.units import show_duration
from labkit.replication.line import Line
from labkit.views import sitemap
from labkit.views.sitemap import Map, Thing
from labkit.views.sitemap.drawing import changes, drawing
from labkit.views.sitemap.layout import Box
from labkit.views.sitemap.lettering import breadth, cut, fold
from tests.recovery.labs import BUSY, QUIET, SHOP, new_lab
from tests.recovery.test_cloud_to_cloud import THEIRS, two_clouds
from tests.recovery.test_reach import corporate
from tools import pictures

SVG = "{http://www.w3.org/2000/svg}"


def reaches(found: Map) -> dict[str, str]:
    """Where arrows of clients lead, and what is told of each."""
    return {link.ends[1]: link.word for link in found.links if link.kind == "reach"}


def _flows(lab: Lab, direction: str) -> None:
    """Run to an instant at which something crosses the line in a direction."""
    sends = lambda world: any(lane.flows for lane in world.get(Line, direction).lanes)  # noqa: E731
    assert lab.run_until(sends, within="6h")


# --- the story --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def _half_an_hour(tmp_path_factory: pytest.TempPathFactory) -> Path:
    others = QUIET, BUSY.replace("BUSY,", "BUSY, protected: no,")
    with new_lab(tmp_path_factory.mktemp("joined"), SHOP, *others) as lab:
        corporate(lab)
        lab.run("30min")
        return lab.path


@pytest.fixture
def joined(_half_an_hour: Path, tmp_path: Path) -> Iterator[Lab]:
    """SHOP and QUIET protected for half an hour, mapped to a network that the VPN joins; BUSY is not protected."""
    shutil.copy(_half_an_hour, tmp_path / "joined.lab")
    with labkit.open(tmp_path / "joined.lab") as lab:
        yield lab


@pytest.mark.rule("3.1-3", "1.2-5")
def test_a_failover_and_back(joined: Lab) -> None:
    """The map's figures are the lab's, and its arrows are what ``lab.reach`` answers, at each step of the story."""
    lab = joined
    _flows(lab, "up")
    before = sitemap.read(lab)
    item, status = lab.vault.items["SHOP"], lab.status()
    stored = before.thing("stored/SHOP")
    assert stored.word == item.health == "Normal"
    assert item.rpo is not None
    assert stored.extra[0] == f"RPO {show_duration(int(item.rpo) * 1000)}"
    assert stored.extra[1] == f"last point {item.recovery_points[-1].time[11:19]}"
    line = before.thing("line/azure")
    assert (line.word, line.extra[:2]) == ("connected", ("100 Mbit/s", "sends 100 Mbit/s"))
    assert status["line"]["bandwidth"] == 100_000_000
    assert {thing.id for thing in before.inside("network/Corp")} == {"note/network/Corp"}
    assert "host/HV01" in reaches(before)
    assert "network/Corp" not in reaches(before)
    assert before.thing("client/site").word == "reaches 3 of 3"
    assert next(link for link in before.links if link.id == "link/line/azure").moves == 1

    lab.vault.planned_failover("SHOP", wait=True)
    lab.run("5min")
    after = sitemap.read(lab)
    assert "SHOP" in reaches(after)["network/Corp"]
    assert "SHOP" not in reaches(after)["host/HV01"]
    assert after.thing("azure/SHOP").extra == ("failed over", "clients reach it")
    assert (after.thing("site/SHOP").word, after.thing("stored/SHOP").word) == ("Stopped", "used by the VM")
    assert lab.reach("site", "SHOP").path[2] == "vpn Corp"

    lab.faults.lose_vpn()
    cut_off = sitemap.read(lab)
    answer = lab.reach("site", "SHOP")
    assert cut_off.thing("vpn/Corp").word == "down"
    assert cut_off.thing("azure/SHOP").extra[-1] == f"not reached: {answer.words}"
    assert "vpn/Corp" in reaches(cut_off)
    assert "network/Corp" not in reaches(cut_off)
    assert cut_off.thing("client/site").word == "reaches 2 of 3"
    lab.faults.restore_vpn()

    lab.vault.commit("SHOP", wait=True)
    job = lab.vault.failback("SHOP", synchronise="before")
    _flows(lab, "down")
    returning = sitemap.read(lab)
    assert next(link for link in returning.links if link.id == "link/line/azure").moves & 2
    assert returning.thing("stored/SHOP").word == "replicated back"
    lab.wait(job)
    lab.wait(job.complete("now"))
    lab.run("5min")
    home = sitemap.read(lab)
    assert "network/Corp" not in reaches(home)
    assert "SHOP" in reaches(home)["host/HV01"]
    assert lab.reach("site", "SHOP").machine == "site/SHOP"


def test_line_and_site_lost(joined: Lab) -> None:
    """The line lost: it says so, the vault does not reach VMM, the backlog grows; the site lost: nobody is reached."""
    joined.faults.lose_line()
    first = sitemap.read(joined)
    joined.run("20min")
    found = sitemap.read(joined)
    assert (found.thing("line/azure").tone, found.thing("line/azure").word) == ("bad", "lost")
    assert found.thing("line/azure").extra != first.thing("line/azure").extra
    assert found.thing("stored/SHOP").word == joined.vault.items["SHOP"].health == "Critical"
    assert next(link for link in found.links if link.kind == "registered").tone == "bad"
    joined.faults.restore_line()
    joined.faults.lose_site()
    lost = sitemap.read(joined)
    assert lost.thing("side/site").word == "the site is lost"
    assert (lost.thing("client/site").tone, lost.thing("client/site").word) == ("bad", "reaches 0 of 3")
    assert reaches(lost) == {}


@pytest.mark.rule("3.5-3")
def test_one_name_twice(joined: Lab) -> None:
    """After an unplanned failover the site's VM is started again: both are marked, the name is reached once."""
    joined.faults.lose_site()
    joined.vault.unplanned_failover("SHOP", wait=True)
    joined.faults.restore_site()
    joined.run("10min")
    if joined.site.machines["SHOP"].state == "Off":
        joined.site.start("SHOP")
        joined.run("5min")
    found = sitemap.read(joined)
    marked = {thing.id for thing in found.things if thing.word == "Duplicate name"}
    assert marked == {"site/SHOP", "azure/SHOP"} == set(joined.reach("site", "SHOP").conflict)
    assert found.thing("client/site").word == "reaches 3 of 3"


@pytest.mark.rule("3.1-4")
def test_tests_endpoints_and_vms_that_are_always_on(joined: Lab) -> None:
    """A test VM stands on no network; the internet reaches its endpoint and nothing else; a second DC is always on."""
    joined.vault.test_failover("QUIET", wait=True)
    joined.azure.create_machine("DC02", network="Corp")
    joined.run("5min")
    assert sitemap.read(joined).thing("client/internet").word == "reaches nobody"
    joined.azure.add_endpoint("QUIET-test", "SSH", 2222, 22)
    found = sitemap.read(joined)
    assert found.thing("test/QUIET-test").inside == "network/"
    assert found.thing("test/QUIET-test").extra == ("test VM", "the internet reaches it")
    assert "QUIET-test.cloudapp.net:2222" in reaches(found)["network/"]
    assert found.thing("azure/DC02").extra[0] == "always on"
    assert "domain controller" in found.thing("azure/DC02").told


def test_traffic_is_the_mean_since_the_last_look(joined: Lab) -> None:
    """Between two looks the line has carried bytes: the figure is these bits by the time between, to the digit."""
    before = sitemap.read(joined)
    joined.run("10min")
    later = joined.read(lambda world: sitemap.of_world(world, before.sent))
    carried = later.sent["up"][1] - before.sent["up"][1]
    assert carried > 0
    assert later.sent["up"][0] - before.sent["up"][0] == 600_000
    [sends] = [text for text in later.thing("line/azure").extra if text.startswith("sends ")]
    figure, unit = sends.removeprefix("sends ").split()
    assert float(figure) * {"kbit/s": 1e3, "Mbit/s": 1e6}[unit] == pytest.approx(carried * 8 / 600, abs=60)


@pytest.mark.rule("1.2-3")
def test_two_sites(tmp_path: Path) -> None:
    """A VM protected to another site: its replica on the host there, and after a failover the VM that runs there."""
    with two_clouds(tmp_path, SHOP) as lab:
        for server in ("SC01", "SC02"):
            lab.vault.register_server(server, wait=True)
        lab.vault.configure_protection(target=THEIRS, wait=True)
        lab.vault.enable_protection("SHOP", wait=True)
        lab.wait(lab.vault.items["SHOP"])
        lab.run("30min")
        found = sitemap.read(lab)
        replica = found.thing("replica/SHOP")
        assert replica.word == "Normal"
        assert replica.extra[0].startswith("RPO ")
        assert found.thing(replica.inside).inside == "side/second"
        assert {link.ends for link in found.links if link.kind == "registered"} == {
            ("server/SC01", "vault/MySiteRecovery"),
            ("server/SC02", "vault/MySiteRecovery"),
        }
        assert found.thing("line/sites").extra[0] == "1 Gbit/s"
        job = lab.vault.test_failover("SHOP", wait=True)
        assert sitemap.read(lab).thing("host-test/SHOP").extra == ("test VM",)
        lab.wait(job.complete())
        lab.vault.unplanned_failover("SHOP", wait=True)
        lab.run("5min")
        over = sitemap.read(lab)
        assert (over.thing("replica/SHOP").word, over.thing("replica/SHOP").extra) == ("Running", ("failed over",))
        assert_stands_well(over)


# --- where it stands --------------------------------------------------------------------------------------------------


def _within(inner: Box, outer: Box) -> bool:
    return outer.x <= inner.x and inner.right <= outer.right and outer.y <= inner.y and inner.bottom <= outer.bottom


def assert_stands_well(found: Map) -> None:
    """Nothing lies over another thing or sticks out of what holds it; the picture is as wide as its form."""
    for form, most in ((sitemap.WIDE, 1040), (sitemap.NARROW, 480)):
        placed = sitemap.layout(found, form)
        assert placed == sitemap.layout(found, form)
        assert placed.width == most
        assert set(placed.boxes) == {thing.id for thing in found.things}
        assert set(placed.ways) == {link.id for link in found.links}
        for thing in found.things:
            if thing.inside:
                assert _within(placed.boxes[thing.id], placed.boxes[thing.inside]), (form, thing.id)
        for one, two in itertools.combinations(found.things, 2):
            if one.inside == two.inside:
                a, b = placed.boxes[one.id], placed.boxes[two.id]
                apart = a.right <= b.x or b.right <= a.x or a.bottom <= b.y or b.bottom <= a.y
                assert apart, (form, one.id, two.id)
        for way in placed.ways.values():
            assert all(0 <= x <= placed.width and 0 <= y <= placed.height for x, y in way)


def _big(folder: Path) -> Lab:
    """200 VMs on five hosts, behind a proxy, with a second site; one has a name of 100 letters."""
    disks = "disks: [{name: os, size: 24MB, used: 64KB}]"
    named = [f"VM{number:03}" for number in range(199)] + ["N" * 100]
    rows = [f"  - {{name: {n}, os: FreeBSD 10.0, host: HV0{i % 5 + 1}, {disks}}}" for i, n in enumerate(named)]
    head = (
        "site: big\nservers: {hosts: [HV01, HV02, HV03, HV04, HV05], proxy: [SC01, HV01]}\n"
        "replica_site: {hosts: [HV11], vmm: SC02, cloud: Backup Cloud, line: {bandwidth: 1Gbps}}\nvms:\n"
    )
    path = folder / "big.yml"
    path.write_text(head + "\n".join(rows) + "\n", encoding="utf-8")
    return labkit.create(folder / "big.lab", site=path)


def test_every_site_has_room(tmp_path: Path, joined: Lab) -> None:
    """Bare and protected, three tiers, 200 VMs on five hosts: all stand well; what does not fit is counted."""
    assert_stands_well(sitemap.read(joined))
    for site in ("contoso", "three-tier"):
        with labkit.create(tmp_path / f"{site}.lab", site=site) as lab:
            bare = sitemap.read(lab)
            assert bare.thing("note/azure").title == "no subscription yet"
            assert bare.thing("server/SC01").word == "VMM not installed"
            assert_stands_well(bare)
    with _big(tmp_path) as lab:
        found = sitemap.read(lab)
    assert_stands_well(found)
    assert len(found.things) < 40
    drawn = [thing.id for thing in found.things if thing.id.startswith("site/")]
    rest = [thing for thing in found.things if thing.id.startswith("more/host/")]
    assert len(drawn) == 6
    assert {thing.title for thing in rest} == {"and 38 more"}
    assert found.thing("more/side/site").title == "and 2 more"
    assert "194 more VMs not called" in found.thing("client/site").extra
    assert found.thing("proxy").more == ("for HV01, SC01",)


def test_texts_fit() -> None:
    """Cut texts are as broad as they may be at most, folded ones lose nothing that there is room for."""
    for text in ("N" * 200, "<script>alert('x')</script>" * 5, "企業ネットワーク上のクライアント" * 4, "a b " * 50):
        for width in (60, 106, 300):
            assert breadth(cut(text, width, 11), 11) <= width
            lines = fold(text, width, 11, 3)
            assert len(lines) <= 3
            assert all(breadth(line, 11) <= width for line in lines)
    assert cut("short", 106, 11) == "short"
    assert fold("the virtual machine is off", 106, 11, 2) == ["the virtual machine", "is off"]


# --- stills -----------------------------------------------------------------------------------------------------------


def _texts(svg: str) -> list[str]:
    return ["".join(found.itertext()) for found in ET.fromstring(svg).iter(f"{SVG}text")]


def test_names_are_texts_and_nothing_is_asked_for() -> None:
    """A VM called like a script is a text in the picture; the file asks for nothing, and says all of a cut name."""
    bad, long = "<script>alert(1)</script>&\"'", "L" * 200
    things = (
        Thing("side/site", "side", "", "", bad),
        Thing("host/H", "frame", "host", "side/site", bad, "good", "Running"),
        Thing("site/A", "tile", "VM", "host/H", bad, "good", bad, (bad,), (bad,)),
        Thing("site/B", "tile", "VM", "host/H", long, "bad", long, (long, long, long)),
        Thing("side/azure", "side", "", "", "Azure"),
    )
    found = Map(0, 0, things, (), bad, {})
    for form in sitemap.FORMS:
        for svg in (sitemap.svg(found, form=form), sitemap.svg_file(found, form=form)):
            root = ET.fromstring(svg)
            assert root.attrib["aria-label"] == bad
            assert not list(root.iter(f"{SVG}script"))
            titles = [title.text or "" for title in root.iter(f"{SVG}title")]
            assert any(long in title for title in titles)
            assert max(len(text) for text in _texts(svg)) < 80
            assert "http" not in svg.replace("http://www.w3.org/2000/svg", "")
    assert sitemap.figure(found) is not None


def test_drawings_change_where_the_world_does(joined: Lab) -> None:
    """A second look at one instant changes nothing; a VM turned off changes its tile and the client's, no server's."""
    before = drawing(sitemap.read(joined))
    assert changes(before, drawing(sitemap.read(joined))) == {"things": {}, "links": {}}
    joined.site.turn_off("BUSY")
    news = changes(before, drawing(sitemap.read(joined)))
    assert {"site/BUSY", "client/site"} <= set(news["things"])
    assert "server/DC01" not in news["things"]
    assert set(news["links"]) == {"reach/host/HV01"}


# --- the guide's pictures ---------------------------------------------------------------------------------------------


@pytest.mark.rule("1.1-8")
def test_the_guide_s_four_pictures() -> None:
    """Both deployments side by side, the evaluation site, clients in ordinary running and after a failover."""
    shown = {name: sitemap.picture(name) for name in sitemap.PICTURES}
    assert list(shown) == ["deployments", "evaluation-site", "ordinary", "after-failover"]
    to_site, to_azure = shown["deployments"].maps
    for vm in ("MYWSV01", "MYBSD01"):
        assert to_site.thing(f"replica/{vm}").inside == "host/HV02"
        assert to_azure.thing(f"stored/{vm}").inside == "storage/mysiterecovery"
    assert [thing.id for thing in to_site.things if thing.shape == "side"] == ["side/site", "side/azure", "side/second"]
    assert {link.ends[0] for link in to_site.links if link.kind == "registered"} == {"server/SC01", "server/SC02"}
    drawn = _texts(shown["deployments"].svg)
    assert {"On-premises to on-premises", "On-premises to Azure"} <= set(drawn)

    (site,) = shown["evaluation-site"].maps
    assert {"server/DC01", "server/SC01", "host/HV01", "vault/MySiteRecovery"} <= {thing.id for thing in site.things}
    assert [thing.title for thing in site.inside("host/HV01")] == ["MYBSD01", "MYWSV01", "MYWSV02"]

    (ordinary,), (after,) = shown["ordinary"].maps, shown["after-failover"].maps
    assert set(reaches(ordinary)) == {"host/HV01"}
    assert set(reaches(after)) == {"network/CorpNetwork"}
    assert next(link for link in after.links if link.kind == "reach").via == ("vpn/CorpNetwork",)
    assert [thing.word for thing in after.inside("host/HV01")] == ["Stopped", "Stopped"]
    for name, picture in shown.items():
        assert pictures.path(name, "en").read_text("utf-8") == picture.file, "run tools/pictures.py"
        html = picture._repr_html_()
        assert html.startswith("<svg ")
        assert "http" not in html
        assert repr(picture) == f"<{picture.caption}>"
    with pytest.raises(LabError) as refused:
        sitemap.picture("ordinari")
    assert refused.value.code == 900545


def test_captions_follow_the_language() -> None:
    """A picture's words are those of the session's language; its names stay."""
    texts.set_language("ja")
    picture = sitemap.picture("evaluation-site")
    assert "DC01" in picture.caption
    assert {"DC01", "SC01"} <= set(_texts(picture.svg))
