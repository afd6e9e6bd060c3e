"""Every code of STEP 2 can be met at the public door, says all it has to in both languages, and names its section."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from labkit.engine import resources, texts
from labkit.engine.errors import LabError
from labkit.lab import Lab
from tests.recovery.labs import QUIET, error_of
from tests.recovery.provoked_pairs import PROVOKED_PAIRS
from tests.recovery.step2 import (
    ADK,
    ADMIN,
    CLOUD,
    R2,
    SQL,
    azure,
    describe,
    fabric,
    key,
    lab_of,
    manager,
    protected_cloud,
    register,
    software,
)

Make = Callable[[Path], tuple[Lab, Callable[[], object]]]
TWO = "hosts: [HV01, HV02]"
CLUSTER = "hosts: [HV01, HV02], clusters: [{name: CL01, hosts: [HV01, HV02], address: static}]"


def _bare(work: Callable[[Lab], object], before: Callable[[Lab], object] | None = None, **site: Any) -> Make:
    """A refusal in a lab with bare servers, after ``before``."""

    def make(folder: Path) -> tuple[Lab, Callable[[], object]]:
        lab = lab_of(folder, *site.get("vms", ()), servers=site.get("servers", ""), stage=site.get("stage", "start"))
        if before is not None:
            before(lab)
        return lab, lambda: work(lab)

    return make


def _vm(more: str, name: str = "QUIET") -> str:
    return QUIET.replace("QUIET,", f"{name}, {more},")


def _setup(before: Callable[[Lab], object] = software, **pages: Any) -> Make:
    return _bare(lambda lab: lab.site.install_vmm(**{"accept_licence": True, **pages}), before)


def _wizard(*pages: dict[str, Any], name: str = "create-cloud", end: str = "") -> Make:
    def work(lab: Lab) -> None:
        window = lab.site.wizard(name)
        for page in pages:
            window.next(**page)
        if end:
            getattr(window, end)()

    return _bare(work, fabric)


def _add(name: str, before: Callable[[Lab], object] = manager, servers: str = "", **pages: Any) -> Make:
    work = lambda lab: lab.wait(lab.site.vmm.add_host(name, **{"credentials": ADMIN, **pages}))  # noqa: E731
    return _bare(work, before, servers=servers)


def _many(*steps: Callable[[Lab], object]) -> Callable[[Lab], None]:
    def work(lab: Lab) -> None:
        for step in steps:
            step(lab)

    return work


def _cloud(before: Callable[[Lab], object], servers: str = "") -> Make:
    """The protection of a cloud that fails."""
    return _bare(lambda lab: lab.vault.configure_protection(wait=True), before, servers=servers)


def _on(
    work: Callable[[Lab], object], *before: Callable[[Lab], object], vm: str = QUIET, stage: str = "protected"
) -> Make:
    """A refusal around a VM that is protected (or at another stage)."""
    return _bare(work, _many(*before), vms=(vm,), stage=stage)


def _old_vmm(lab: Lab) -> None:
    software(lab)
    lab.site.install_vmm(accept_licence=True, version="System Center 2012 SP1")
    lab.site.vmm.add_host("HV01", credentials=ADMIN, wait=True)
    lab.site.vmm.create_cloud(CLOUD, profiles=["Hyper-V"])
    azure(lab)
    register(lab)


def _no_host(lab: Lab) -> None:
    fabric(lab)
    azure(lab)
    register(lab)
    lab.site.vmm.create_host_group("Spare")
    lab.site.vmm.move_host("HV01", "Spare")


def _registered(**more: Any) -> Callable[[Lab], None]:
    def work(lab: Lab) -> None:
        fabric(lab, *more.get("hosts", ()), profiles=more.get("profiles", ("Hyper-V",)))
        azure(lab)
        register(lab, **more.get("pages", {}))

    return work


def _stopped(lab: Lab) -> None:
    manager(lab)
    lab.site.stop_server("HV01")


def _branch(lab: Lab) -> None:
    fabric(lab)
    lab.site.vmm.create_host_group("Branch")
    lab.site.vmm.create_cloud("B", groups=["Branch"])


def _lend(lab: Lab) -> None:
    lab.site.vmm.create_host_group("Lent")
    lab.site.vmm.move_host("HV01", "Lent")


def _too_small(lab: Lab) -> None:
    lab.vault.set_target("WEB", size="XS")
    lab.vault.planned_failover("WEB", wait=True)


_NET = lambda lab: lab.site.add_feature("SC01")  # noqa: E731
_ENGINE = _many(_NET, lambda lab: lab.site.install("SC01", SQL, ["engine"]), lambda lab: lab.site.install("SC01", ADK))
_SP2 = _many(
    _NET, lambda lab: lab.site.install("SC01", "SQL Server 2012 SP2"), lambda lab: lab.site.install("SC01", ADK)
)
_DISKS = "disks: [{name: os, size: 24MB}, {name: d1, size: 20MB}, {name: d2, size: 20MB}]"

PROVOKED: dict[int, Make] = {
    539: _on(lambda lab: lab.vault.test_failover("A B"), vm=_vm("cpu: 1", "A B")),
    10003: _cloud(_registered(profiles=())),
    12700: _add("HV01", _stopped),
    25018: _bare(
        lambda lab: lab.site.register(key(lab)),
        _many(fabric, azure, lambda lab: lab.site.install_provider(), lambda lab: lab.site.need_proxy("SC01")),
    ),
    900686: _bare(
        lambda lab: lab.site.register(key(lab), proxy="proxy.demo.contoso.com"),
        _many(
            fabric,
            azure,
            lambda lab: lab.site.install_provider(),
            lambda lab: lab.site.need_proxy("SC01", address="proxy.demo.contoso.com", port=3128),
        ),
    ),
    900947: _bare(lambda lab: lab.site.need_proxy("SC01", port=3128)),
    67508: _cloud(_registered(hosts=("CL01",)), CLUSTER),
    70095: _bare(
        lambda lab: lab.vault.enable_protection("QUIET", wait=True),
        _many(_registered(), lambda lab: describe(lab, "QUIET"), lambda lab: lab.vault.configure_protection(wait=True)),
    ),
    900620: _bare(lambda lab: lab.site.install("SC01", "SQL Server 2000")),
    900621: _bare(lambda lab: lab.site.stop_server("SC01"), lambda lab: lab.site.stop_server("SC01")),
    900622: _bare(_NET, _NET),
    900623: _bare(lambda lab: lab.site.install("SC01", SQL)),
    900624: _bare(lambda lab: lab.site.install("SC01", SQL), software),
    900625: _setup(_many(software, lambda lab: lab.site.use_port("SC01", 443, "Web"))),
    900626: _bare(lambda lab: lab.site.update("SC01", "SQL Server 2012 SP1")),
    900627: _bare(lambda lab: lab.site.use_port("SC01", 0, "Web")),
    900628: _bare(lambda lab: lab.site.add_account("")),
    900629: _add("HV01", credentials="Nobody"),
    900630: _add("HV01", credentials="Operator"),
    900631: _setup(software, colour="red"),
    900632: _wizard({}),
    900633: _setup(software, console_port=0),
    900634: _wizard(end="back"),
    900635: _wizard(end="finish"),
    900636: _bare(lambda lab: [window := lab.site.wizard("vmm-setup"), window.cancel(), window.next()]),
    900641: _bare(lambda lab: lab.site.vmm.settings),
    900642: _bare(
        lambda lab: lab.site.vmm.create_host_group("X"), _many(manager, lambda lab: lab.site.vmm.stop_service())
    ),
    900643: _setup(manager),
    900644: _bare(lambda lab: lab.site.install_vmm("HV01", accept_licence=True)),
    900646: _setup(management_server=False),
    900647: _setup(console=False),
    900648: _setup(accept_licence=False),
    900649: _setup(_NET),
    900650: _setup(lambda lab: lab.site.install("SC01", ADK, ["winpe"])),
    900651: _setup(sql_server="DC01"),
    900652: _setup(lambda lab: lab.site.install("SC01", ADK)),
    900653: _setup(_SP2),
    900654: _setup(_ENGINE),
    900655: _setup(sql_instance="X"),
    900656: _setup(new_database=False),
    900657: _setup(database="master"),
    900658: _setup(console_port=443),
    900659: _bare(lambda lab: [lab.site.update("SC01", "UR3") for _ in range(2)], manager),
    900660: _bare(lambda lab: lab.site.update("SC01", "SQL Server 2012 SP2"), manager),
    900661: _bare(lambda lab: [lab.site.vmm.stop_service() for _ in range(2)], manager),
    900662: _bare(lambda lab: lab.site.vmm.start_service(), manager),
    900663: _bare(lambda lab: lab.site.vmm.create_host_group("All Hosts"), manager),
    900664: _bare(lambda lab: lab.site.vmm.remove_host("HV01"), manager),
    900665: _add("HV01", place="workgroup"),
    900666: _bare(lambda lab: lab.site.vmm.add_hosts([], credentials=ADMIN), manager),
    900667: _add("HV09"),
    900668: _add("DC01"),
    900669: _add("HV01", servers="hosts: [{name: HV01, joined: no}]"),
    900670: _add("HV01", fabric),
    900671: _add("HV01", servers=CLUSTER),
    900672: _bare(lambda lab: [lab.site.vmm.make_broker("CL01") for _ in range(2)], servers=CLUSTER),
    900673: _wizard({"name": CLOUD}),
    900674: _wizard({"name": "X"}, {"groups": []}),
    900675: _bare(lambda lab: lab.site.vmm.set_system("QUIET", R2), manager),
    900676: _bare(lambda lab: lab.site.vmm.set_system("QUIET", "Windows 95"), fabric),
    900677: _bare(lambda lab: lab.site.vmm.assign("QUIET", "B"), _branch),
    900678: _bare(lambda lab: lab.site.start_server("SC01")),
    900679: _bare(lambda lab: lab.site.join_domain("SC01")),
    900830: _bare(lambda lab: lab.vault.register_server(), _many(fabric, azure)),
    900831: _bare(lambda lab: lab.site.install_provider(stop_service=False), manager),
    900832: _bare(lambda lab: [lab.site.install_provider() for _ in range(2)], manager),
    900833: _bare(lambda lab: lab.site.install_provider("x"), _many(manager, lambda lab: lab.site.install_provider())),
    900835: _on(lambda lab: lab.site.vmm.send_cloud(CLOUD, on=False), stage="configured"),
    900836: _bare(lambda lab: lab.site.install_agent("SC01")),
    900837: _bare(lambda lab: lab.site.install_agent("HV01", cache="X:")),
    900838: _bare(lambda lab: lab.site.install_agent("HV01", cache="D:"), servers="hosts: [{name: HV01, free: 999MB}]"),
    900839: _bare(lambda lab: lab.site.install_agent("HV01"), servers="hosts: [{name: HV01, free: 1GB}]"),
    900840: _bare(lambda lab: lab.site.agent_proxy("HV01", "p")),
    900841: _on(lambda lab: lab.site.stop_server("HV01")),
    900842: _cloud(_no_host),
    900843: _cloud(_registered(), "hosts: [{name: HV01, os: Windows Server 2012}]"),
    900844: _cloud(_old_vmm),
    900845: _cloud(_registered(pages={"version": "3.4.486.0"})),
    900846: _cloud(_registered(pages={"all_clouds": False})),
    900847: _bare(lambda lab: lab.site.vmm.enable_protection("QUIET"), fabric),
    900848: _on(lambda lab: lab.site.vmm.remove_host("HV01")),
    900998: _on(_lend),
    900849: _on(lambda lab: lab.site.vmm.assign("QUIET", None)),
    900850: _bare(lambda lab: lab.vault.enable_protection("QUIET"), protected_cloud),
    900851: _on(lambda lab: [lab.vault.planned_failover("QUIET"), lab.vault.set_target("QUIET", size="L")]),
    900852: _on(_too_small, vm=f"{{name: WEB, os: {R2}, {_DISKS}}}"),
    900853: _on(lambda lab: lab.vault.planned_failover("QUIET", wait=True), vm=_vm("integration: none")),
}


PROVOKED |= PROVOKED_PAIRS


def _rows() -> dict[int, dict[str, Any]]:
    return {**resources.yaml("errors", "setup.yml"), **resources.yaml("errors", "components.yml")}


def test_every_code_is_in_the_table() -> None:
    """The table provokes exactly the codes of the two files, and each of them names its section of the guide."""
    rows = _rows()
    assert sorted(PROVOKED) == sorted(rows)
    for code, row in rows.items():
        assert re.fullmatch(r"[1-4]\.[0-9]+|FAQ", row["guide"]), code


def _whole(error: LabError) -> None:
    """No placeholder is left in any text, and what happened and what to do are said."""
    assert not re.search(r"\{[a-z_]*\}", str(error)), str(error)
    assert error.message
    assert error.action
    assert str(error.as_dict()) != ""


@pytest.mark.parametrize("code", sorted(PROVOKED))
def test_the_code_at_the_door(tmp_path: Path, code: int) -> None:
    """It is raised by a call of the door; the text is whole in English and Japanese, and the lab verifies after it."""
    lab, work = PROVOKED[code](tmp_path)
    with lab:
        error = error_of(work)
        assert error.code == code, error
        english = str(error)
        _whole(error)
        texts.set_language("ja")
        try:
            _whole(error)
            assert str(error) != english
            assert re.search("[ぁ-ん]", error.message), error.message
        finally:
            texts.set_language("en")
        assert lab.verify() == []
