"""The portal in Chromium with a lab behind it: loaded anew, by keyboard alone, with odd names, while time runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

import labkit
from labkit import Lab
from tests.browser.bridged import Bridged

pytestmark = pytest.mark.browser
CLOUD, VM, PLAN = "OnPremise Cloud", "MYWSV01", "Plan A"
SCRIPT = "<script>hacked = 1</script>"
IMAGE = "<img src=x onerror='hacked = 1'>"
LONG = "x" * 200


@pytest.fixture(scope="module")
def masters(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A lab with bare servers, and one in which two VMs replicate and a plan was made; tests play in copies."""
    folder = tmp_path_factory.mktemp("masters")
    with labkit.create(folder / "start.lab"):
        pass
    with labkit.create(folder / "protected.lab", stage="protected") as lab:
        lab.vault.create_plan(PLAN, [VM, "MYBSD01"])
        lab.run("40min")
    return {name: folder / f"{name}.lab" for name in ("start", "protected")}


@pytest.fixture
def lab_of(masters: dict[str, Path], tmp_path: Path) -> Iterator[Callable[[str], Lab]]:
    """``lab_of(stage)``: a lab of the test's own."""
    opened = []

    def make(stage: str) -> Lab:
        path = tmp_path / "my.lab"
        path.write_bytes(masters[stage].read_bytes())
        opened.append(labkit.open(path))
        return opened[-1]

    yield make
    for lab in opened:
        lab.close()


def test_a_wizard_outlives_a_reload(page: Page, lab_of: Callable[[str], Lab]) -> None:
    """The page is loaded anew in the middle of a wizard: page and fields, also the one typed in, are as they were."""
    lab = lab_of("start")
    lab.site.add_feature("SC01")
    lab.site.install("SC01", "SQL Server 2012 SP1")
    lab.site.install("SC01", "ADK")
    shown = Bridged(page, lab, "site")
    shown.portal.choose("servers", "SC01").open("site.install_vmm").press("next")
    name = page.locator('[data-key="field-name"]')
    name.fill("Operator")
    page.locator('[data-key="field-organisation"]').press_sequentially("Contoso")
    expect(page.locator(".labkit-line-box code")).to_contain_text('organisation="Contoso"')
    shown.load()
    expect(page.locator(".labkit-here")).to_have_text("Product registration information")
    expect(name).to_have_value("Operator")
    expect(page.locator('[data-key="field-organisation"]')).to_have_value("Contoso")
    shown.portal.press("next").fill(accept_licence=True)
    shown.load()
    for _ in range(8):
        shown.portal.press("next")
    shown.portal.press("finish")
    assert lab.site.vmm.settings["version"] == "System Center 2012 R2"


def key(page: Page) -> str:
    """What has the focus."""
    return page.evaluate("document.activeElement.dataset?.key ?? ''")


def walk(page: Page, wanted: str) -> None:
    """Press Tab until a control has the focus."""
    for _ in range(80):
        if key(page) == wanted:
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{wanted} cannot be reached by Tab")


def test_by_keyboard_alone(page: Page, lab_of: Callable[[str], Lab]) -> None:
    """Page, row, command, dialog and its field by Tab, Space, Enter and arrows; the focus comes back to the command."""
    lab = lab_of("protected")
    Bridged(page, lab)
    walk(page, "nav-items")
    page.keyboard.press("Enter")
    walk(page, f"go-items/{CLOUD}/vms")
    page.keyboard.press("Enter")
    walk(page, "row-vms-MYBSD01")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    expect(page.locator(f'[data-row="{VM}"]')).to_have_class("labkit-chosen")
    assert key(page) == f"row-vms-{VM}"
    opener = page.locator('[data-command="vault.test_failover"]')
    expect(opener).not_to_have_attribute("aria-disabled", "true")
    walk(page, str(opener.get_attribute("data-key")))
    page.keyboard.press("Enter")
    expect(page.locator(".labkit-dialog")).to_be_visible()
    assert key(page) == "field-network"
    page.keyboard.press("Escape")
    expect(page.locator(".labkit-dialog")).to_be_hidden()
    assert key(page) == opener.get_attribute("data-key")
    page.keyboard.press("Space")
    expect(page.locator(".labkit-dialog")).to_be_visible()
    page.keyboard.press("ArrowDown")
    walk(page, "press-ok")
    page.keyboard.press("Enter")
    expect(page.locator(".labkit-dialog")).to_be_hidden()
    assert key(page) == opener.get_attribute("data-key")
    (job,) = [job for job in lab.jobs.values() if job.scenario == "TestFailover"]
    assert job.target == VM


def test_what_is_greyed_says_why_to_the_keyboard(page: Page, lab_of: Callable[[str], Lab]) -> None:
    """A greyed command takes the focus, says its reason below the bar, and does nothing on Enter."""
    lab = lab_of("protected")
    shown = Bridged(page, lab, "items", CLOUD, "vms")
    shown.portal.choose("vms", VM)
    commit = page.locator('[data-command="vault.commit"]')
    commit.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".labkit-why")).to_contain_text("Commit: ")
    assert page.locator(".labkit-why").inner_text().endswith(str(commit.get_attribute("title")))
    assert page.locator(".labkit-dialog").is_hidden()


def test_names_are_texts(page: Page, lab_of: Callable[[str], Lab]) -> None:
    """Markup in notes, instructions and refusals, and names as long as they may be, are shown as typed: nothing of them
    runs, and no page becomes wider than 700 px.
    """
    lab = lab_of("protected")
    page.set_viewport_size({"width": 700, "height": 900})
    long, plan = LONG[:100], LONG[:63]
    lab.site.vmm.create_host_group(long)
    lab.site.vmm.create_cloud(long, networks=lab.site.vmm.logical_networks, profiles=["Hyper-V"])
    lab.vault.create_plan(plan, [VM])
    draft = lab.vault.plans[plan].draft()
    draft.add_manual(1, SCRIPT, f"{IMAGE} {LONG}")
    draft.add_manual(1, plan, LONG)
    draft.save()
    job = lab.wait(lab.vault.test_failover(VM))
    lab.vault.complete_test(VM, note=f"{IMAGE} {LONG}", wait=True)
    shown = Bridged(page, lab)
    paths = (
        ("items",), ("items", long, "vms"), ("items", long, "settings"), ("plans",), ("plans", plan), ("jobs", job.id),
        ("site", "vmm"), ("lab", "journal"), ("jobs",), ("resources",),
    )  # fmt: skip
    for path in paths:
        shown.view.go(*path)
        shown.flush()
        assert page.locator(".labkit-portal").get_attribute("data-path") == "/".join(path)
        wide = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        assert wide[0] <= wide[1], f"{path} is {wide[0]} px wide"
    shown.portal.go("plans").open("vault.create_plan").fill(name=IMAGE)
    shown.portal.press_refused("next")
    expect(shown.portal.refusal).to_contain_text(IMAGE)
    assert page.evaluate("typeof hacked") == "undefined"
    assert page.locator(".labkit-view :is(img, script)").count() == 0


def test_a_table_keeps_its_place_while_time_runs(page: Page, tmp_path: Path) -> None:
    """60 VMs whose RPO changes: rows stay the same elements, scrolled, filtered and chosen as before."""
    rows = "\n".join(
        f"  - {{name: VM{number:02}, os: Windows Server 2012 R2, memory: 1GB, disks: [{{name: os, size: 20GB}}]}}"
        for number in range(60)
    )
    (tmp_path / "many.yml").write_text(
        f"site: many\nline: {{bandwidth: 10Gbps}}\ncloud: {{name: {CLOUD}}}\nvms:\n{rows}\n", "utf-8"
    )
    with labkit.create(tmp_path / "many.lab", site=tmp_path / "many.yml", stage="protected") as lab:
        shown = Bridged(page, lab, "items", CLOUD, "vms")
        shown.portal.choose("vms", "VM41")
        row = shown.portal.row("vms", "VM41")
        row.evaluate("row => { window.row = row; row.closest('.labkit-table-frame').scrollTop = 500; }")
        before = row.inner_text()
        lab.run("7min")
        shown.told()
        expect(row).not_to_have_text(before)
        assert row.evaluate("row => row === window.row && row.closest('.labkit-table-frame').scrollTop === 500")
        assert row.locator("input").is_checked()
        page.locator(".labkit-filter").fill("vm4")
        visible = page.locator('[data-block="vms"] tbody tr:visible')
        expect(visible).to_have_count(10)
        lab.run("1min")
        shown.told()
        expect(visible).to_have_count(10)


def test_a_password_stays_in_the_page(page: Page, lab_of: Callable[[str], Lab], tmp_path: Path) -> None:
    """What was typed stays after a refusal; after a reload its field has dots and counts; then it is gone."""
    shown = Bridged(page, lab_of("protected"), "site")
    told: list[str] = []
    send = shown.view.send
    shown.view.send = lambda message, *_: (told.append(str(message)), send(message))[1]
    page.set_default_timeout(5_000)
    shown.portal.choose("servers", "SC01").open("site.make_certificate")
    secret, path = page.locator('[data-key="field-password"]'), page.locator('[data-key="field-path"]')
    (tmp_path / "old.pfx").write_text("another file")
    path.fill(str(tmp_path / "old.pfx"))
    secret.fill("correct horse")
    page.locator(".labkit-press-ok").click()
    expect(page.locator(".labkit-refusal")).not_to_be_empty()
    expect(secret).to_have_value("correct horse")
    shown.load()
    expect(secret).to_have_value("")
    assert secret.get_attribute("placeholder")
    path.fill(str(tmp_path / "new.pfx"))
    page.locator(".labkit-press-ok").click()
    expect(page.locator(".labkit-dialog")).to_be_hidden()
    assert (tmp_path / "new.pfx").exists()
    expect(secret).to_have_count(0)
    assert "correct horse" not in "".join(told)
