"""Servers, SQL Server, the ADK and VMM's setup (rules 2.1-1, 2.3-1 to 2.3-5)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import labkit
from tests.recovery.labs import QUIET, facts, guesses
from tests.recovery.step2 import ADK, SQL, fabric, lab_of, manager, refused, software, state

PAGES = [
    "Select features to install",
    "Product registration information",
    "Please read this license agreement",
    "Customer Experience Improvement Program (CEIP)",
    "Installation location",
    "Database configuration",
    "Configure service account and distributed key management",
    "Port configuration",
    "Library configuration",
    "Installation summary",
]


@pytest.mark.rule("2.1-1")
def test_the_servers_of_the_default_site(tmp_path: Path) -> None:
    """DC01, SC01 and HV01 on 2012 R2 in demo.contoso.com; the host has role and switch, nothing else is installed."""
    with labkit.create(tmp_path / "a.lab") as lab:
        assert lab.site.servers == {"DC01": "domain-controller", "SC01": "vmm", "HV01": "host"}
        views = {name: lab.site.server(name) for name in lab.site.servers}
        assert {view.os for view in views.values()} == {"Windows Server 2012 R2"}
        assert {view.fqdn for view in views.values()} == {f"{name}.demo.contoso.com" for name in views}
        assert all(view.joined and view.running and view.software == [] for view in views.values())
        assert (views["HV01"].features, views["HV01"].switches) == (["Hyper-V"], ["VirtualSwitch - FrontEnd"])
        assert (views["SC01"].features, views["SC01"].switches) == ([], [])
        assert {"MYWSV01", "MYBSD01"} <= lab.site.machines.keys()
        assert lab.site.accounts == [r"DEMO\Administrator", r"DEMO\Operator"]


@pytest.mark.rule("2.3-2")
def test_sql_server_needs_net_framework(tmp_path: Path) -> None:
    """Without the feature the setup is refused with 900623, which names it; added, the same setup works."""
    with lab_of(tmp_path) as lab:
        error = refused(lab, 900623, lambda: lab.site.install("SC01", SQL))
        assert ".NET Framework 3.5" in error.message
        assert "lab.site.add_feature" in error.action
        lab.site.add_feature("SC01", ".NET Framework 3.5")
        lab.site.install("SC01", SQL)
        assert lab.site.server("SC01").software == [SQL]
        refused(lab, 900622, lambda: lab.site.add_feature("SC01"))


@pytest.mark.rule("2.3-1")
@pytest.mark.parametrize(
    ("version", "supported"),
    [
        ("SQL Server 2008 R2 SP1", True),
        ("SQL Server 2008 R2 SP2", True),
        ("SQL Server 2012", True),
        ("SQL Server 2012 SP1", True),
        ("SQL Server 2012 SP2", False),
        ("SQL Server 2014", False),
    ],
)
@pytest.mark.parametrize("remote", [False, True])
def test_versions_of_sql_server(tmp_path: Path, version: str, supported: bool, remote: bool) -> None:
    """Each can be installed; VMM's setup takes the first four and refuses SP2 and 2014, here and on another server."""
    with lab_of(tmp_path) as lab:
        at = "DC01" if remote else "SC01"
        lab.site.add_feature(at)
        lab.site.install(at, version)
        lab.site.install("SC01", ADK)
        pages = {"sql_server": "DC01", "sql_port": "1433", "sql_credentials": r"DEMO\Administrator"} if remote else {}
        if supported:
            lab.site.install_vmm(accept_licence=True, **pages)
            assert lab.site.vmm.settings["database"] == (at, "MSSQLServer", "VirtualManagerDB")
        else:
            error = refused(lab, 900653, lambda: lab.site.install_vmm(accept_licence=True, **pages))
            assert version in error.message
            assert "SQL Server 2012 SP1" in error.action
            assert "SP2," not in error.action.replace("2008 R2 SP2,", "")


@pytest.mark.rule("2.3-1")
@pytest.mark.parametrize(
    ("parts", "lacking"),
    [
        (["engine"], "Management Tools"),
        (["tools"], "Database Engine Services"),
        (["reporting"], "Database Engine Services, Management Tools"),
        (["engine", "tools"], ""),
        (["engine", "tools", "reporting"], ""),
    ],
)
def test_parts_of_sql_server(tmp_path: Path, parts: list[str], lacking: str) -> None:
    """Engine and management tools are needed, more does no harm: what is missing is named."""
    with lab_of(tmp_path) as lab:
        lab.site.add_feature("SC01")
        lab.site.install("SC01", SQL, parts)
        lab.site.install("SC01", ADK)
        if lacking:
            error = refused(lab, 900654, lambda: lab.site.install_vmm(accept_licence=True))
            assert f": {lacking}." in error.message
        else:
            lab.site.install_vmm(accept_licence=True)


@pytest.mark.rule("2.3-1", "2.3-4")
def test_a_remote_database(tmp_path: Path) -> None:
    """It needs the port 1433, an administrator's credentials and the instance that is there; a bare server has none."""
    with lab_of(tmp_path) as lab:
        lab.site.add_feature("DC01")
        lab.site.install("SC01", ADK)
        pages: dict[str, Any] = {"sql_server": "DC01", "sql_port": "1433", "sql_credentials": r"DEMO\Administrator"}
        install = lambda **given: lab.site.install_vmm(accept_licence=True, **{**pages, **given})  # noqa: E731
        refused(lab, 900652, install)
        lab.site.install("DC01", SQL)
        for wrong in ("", "1434", "x"):
            assert "1433" in refused(lab, 900651, lambda w=wrong: install(sql_port=w)).action  # type: ignore[misc]
        refused(lab, 900651, lambda: install(sql_credentials=""))
        refused(lab, 900629, lambda: install(sql_credentials=r"DEMO\Nobody"))
        refused(lab, 900630, lambda: install(sql_credentials=r"DEMO\Operator"))
        refused(lab, 900655, lambda: install(sql_instance="OTHER"))
        refused(lab, 900656, lambda: install(new_database=False))
        refused(lab, 900657, lambda: install(database="Master"))
        for emptied in ("database", "sql_instance", "sql_server", "service_account", "library_share", "library_path"):
            for nothing in ("", "  "):
                assert emptied in refused(lab, 900632, lambda w={emptied: nothing}: install(**w)).message  # type: ignore[misc]
        assert guesses(refused(lab, 900010, lambda: install(sql_server="DC1")).cause, "DC01")
        install(sql_instance="mssqlserver", database="Mine")
        assert lab.site.vmm.settings["database"] == ("DC01", "mssqlserver", "Mine")


@pytest.mark.rule("2.3-3")
def test_the_adk_and_its_parts(tmp_path: Path) -> None:
    """Without the ADK 900649, with one part of the two 900650 naming the other; run again, its setup adds the part."""
    with lab_of(tmp_path) as lab:
        lab.site.add_feature("SC01")
        lab.site.install("SC01", SQL)
        install = lambda: lab.site.install_vmm(accept_licence=True)  # noqa: E731
        error = refused(lab, 900649, install)
        assert "Windows ADK for Windows 8.1 Update" in error.message
        assert "Deployment Tools, Windows PE" in error.cause
        lab.site.install("SC01", ADK, ["usmt", "winpe"])
        assert "Deployment Tools" in refused(lab, 900650, install).message
        lab.site.install("SC01", ADK, ["deployment"])
        install()
    with lab_of(tmp_path) as lab:
        lab.site.add_feature("SC01")
        lab.site.install("SC01", SQL)
        lab.site.install("SC01", ADK, ["Deployment Tools"])
        assert "Windows PE" in refused(lab, 900650, lambda: lab.site.install_vmm(accept_licence=True)).message


@pytest.mark.rule("2.3-4")
def test_pages_and_defaults_of_vmms_setup(tmp_path: Path) -> None:
    """The ten pages in the guide's order, each with the guide's default; at the end VMM is as they say."""
    with lab_of(tmp_path) as lab:
        software(lab)
        window = lab.site.wizard("vmm-setup")
        assert window.pages == PAGES
        seen: dict[str, Any] = {}
        before = state(lab)
        while window.page:
            seen |= {field.name: field.value for field in window.fields}
            window.next(**({"accept_licence": True} if window.page == PAGES[2] else {}))
        assert state(lab) == before
        assert seen == {
            "management_server": True,
            "console": True,
            "name": r"DEMO\Administrator",
            "organisation": "",
            "product_key": "",
            "accept_licence": False,
            "join_programme": False,
            "path": r"C:\Program Files\Microsoft System Center 2012 R2\Virtual Machine Manager",
            "sql_server": "SC01",
            "sql_port": "",
            "sql_credentials": "",
            "sql_instance": "MSSQLServer",
            "new_database": True,
            "database": "VirtualManagerDB",
            "service_account": "Local System",
            "key_container": "",
            "console_port": 8100,
            "agents_port": 5985,
            "file_transfer_port": 443,
            "winpe_agents_port": 8101,
            "deployment_services_port": 8102,
            "winpe_time_port": 8103,
            "library_share": "MSSCVMMLibrary",
            "library_path": r"C:\ProgramData\Virtual Machine Manager Library Files",
        }
        window.finish()
        by_pages = lab.site.vmm.settings
        assert lab.site.vmm.running
        assert lab.site.vmm.host_groups == ["All Hosts"]
        refused(lab, 900643, lambda: lab.site.install_vmm(accept_licence=True))
        refused(lab, 900636, window.finish)
    with lab_of(tmp_path) as lab:
        manager(lab)
        assert lab.site.vmm.settings == by_pages
        assert set(by_pages["ports"].values()) <= lab.site.server("SC01").ports.keys()


@pytest.mark.rule("2.3-4")
def test_what_the_pages_refuse_one_call_refuses_too(tmp_path: Path) -> None:
    """Page by page and in one call the same wrong value gives the same code; the page stays, the right value passes."""
    wrong: list[tuple[int, dict[str, Any], int]] = [
        (0, {"management_server": False}, 900646),
        (0, {"console": False}, 900647),
        (2, {"accept_licence": False}, 900648),
        (5, {"sql_server": "HV01"}, 900651),
        (5, {"sql_server": "HV01", "sql_port": "1433", "sql_credentials": "Administrator"}, 900652),
        (5, {"sql_instance": "SQLEXPRESS"}, 900655),
        (5, {"new_database": False}, 900656),
        (6, {"service_account": r"DEMO\Operator"}, 900630),
        (7, {"console_port": 443}, 900658),
        (7, {"console_port": 0}, 900633),
        (7, {"console_port": "8100"}, 900633),
        (7, {"consol_port": 8200}, 900631),
        (7, {"agents_port": 1433}, 900625),
    ]
    with lab_of(tmp_path) as lab:
        software(lab)
        for number, values, code in wrong:
            one_call = {"accept_licence": True, **values}
            first = refused(lab, code, lambda given=one_call: lab.site.install_vmm(**given))  # type: ignore[misc]
            window = lab.site.wizard("vmm-setup")
            for page in PAGES[:number]:
                assert window.page == page
                window.next(**({"accept_licence": True} if page == PAGES[2] else {}))
            second = refused(lab, code, lambda w=window, v=values: w.next(**v))  # type: ignore[misc]
            assert window.page == PAGES[number]
            assert first.message == second.message or code == 900631
            window.next(**({"accept_licence": True} if number == 2 else {}))
            window.cancel()
        assert lab.site.server("SC01").software == [SQL, "Windows ADK for Windows 8.1 Update"]


@pytest.mark.rule("2.3-4")
def test_back_keeps_what_was_entered_and_cancel_forgets_it(tmp_path: Path) -> None:
    """Back to a page: its value stands there as entered; finishing early is refused; cancelling changes nothing."""
    with lab_of(tmp_path) as lab:
        software(lab)
        window = lab.site.wizard("vmm-setup")
        refused(lab, 900634, window.back)
        window.next()
        window.next(organisation="Contoso")
        window.next(accept_licence=True)
        assert window.back() == PAGES[2]
        assert window.fields[0].value is True
        window.back()
        assert {field.name: field.value for field in window.fields}["organisation"] == "Contoso"
        error = refused(lab, 900635, window.finish)
        assert PAGES[9] in error.action
        assert PAGES[1] in error.message
        before = state(lab)
        window.cancel()
        assert state(lab) == before
        for work in (window.cancel, window.finish, window.next, window.back):
            refused(lab, 900636, work)
        refused(lab, 900641, lambda: lab.site.vmm.settings)


@pytest.mark.rule("2.3-4")
def test_a_port_in_use_gets_another_number(tmp_path: Path) -> None:
    """A web service has port 443: the setup names service and port; another number is taken, and kept."""
    with lab_of(tmp_path) as lab:
        software(lab)
        lab.site.use_port("SC01", 443, "Web Server")
        error = refused(lab, 900625, lambda: lab.site.install_vmm(accept_licence=True))
        assert "443" in error.message
        assert "Web Server" in error.message
        lab.site.install_vmm(accept_licence=True, file_transfer_port=444)
        assert lab.site.vmm.settings["ports"]["file_transfer_port"] == 444
        assert lab.site.server("SC01").ports[443] == "Web Server"
        refused(lab, 900625, lambda: lab.site.use_port("SC01", 444, "Web Server"))
        for number in (0, 65_536, -1):
            refused(lab, 900627, lambda n=number: lab.site.use_port("SC01", n, "x"))  # type: ignore[misc]
        lab.site.use_port("SC01", 65_535, "x")
        lab.site.use_port("SC01", 1, "y")


@pytest.mark.rule("2.3-5")
def test_updates(tmp_path: Path) -> None:
    """UR3 is applied once; SQL Server 2012 may become SP1 under VMM and not SP2, which a server without VMM may get."""
    with lab_of(tmp_path) as lab:
        lab.site.add_feature("SC01")
        lab.site.install("SC01", "SQL Server 2012")
        lab.site.install("SC01", ADK)
        refused(lab, 900641, lambda: lab.site.update("SC01", "UR3"))
        lab.site.install_vmm(accept_licence=True)
        error = refused(lab, 900660, lambda: lab.site.update("SC01", "SQL Server 2012 SP2"))
        assert "SC01" in error.cause
        lab.site.update("SC01", "SQL Server 2012 SP1")
        refused(lab, 900660, lambda: lab.site.update("SC01", "SQL Server 2012 SP2"))
        refused(lab, 900626, lambda: lab.site.update("SC01", "SQL Server 2012"))
        lab.site.update("SC01", "Update Rollup 3")
        assert lab.site.vmm.settings["rollup"] == "Update Rollup 3"
        refused(lab, 900659, lambda: lab.site.update("SC01", "UR3"))
        refused(lab, 900620, lambda: lab.site.update("SC01", "UR9"))
        assert "System Center 2012 R2 VMM Update Rollup 3" in lab.site.server("SC01").software
        lab.site.add_feature("HV01")
        lab.site.install("HV01", "SQL Server 2012")
        lab.site.update("HV01", "SQL Server 2012 SP2")
        assert lab.site.server("HV01").software == ["SQL Server 2012 SP2"]


@pytest.mark.rule("2.3-5")
def test_a_rollup_of_another_version(tmp_path: Path) -> None:
    """UR3 is 2012 R2's: on VMM of 2012 SP1 it is refused."""
    with lab_of(tmp_path) as lab:
        software(lab)
        lab.site.install_vmm(accept_licence=True, version="System Center 2012 SP1")
        assert "System Center 2012 SP1" in refused(lab, 900659, lambda: lab.site.update("SC01", "UR3")).message


def test_where_vmm_is_installed(tmp_path: Path) -> None:
    """On the VMM server and no other, while it runs; its guess comes with a name that is none."""
    with lab_of(tmp_path) as lab:
        software(lab)
        for name, role in (("HV01", "host"), ("DC01", "domain-controller")):
            error = refused(lab, 900644, lambda n=name: lab.site.install_vmm(n, accept_licence=True))  # type: ignore[misc]
            assert name in error.message
            assert error.details["role"] == role
        lab.site.stop_server("SC01")
        refused(lab, 900621, lambda: lab.site.install_vmm(accept_licence=True))
        refused(lab, 900621, lambda: lab.site.add_feature("SC01", "Hyper-V"))
        lab.site.start_server("SC01")
        lab.site.install_vmm("sc01.demo.contoso.com", accept_licence=True)
        assert lab.site.vmm.name == "SC01"


@pytest.mark.rule("2.1-1")
def test_products_and_features_by_name(tmp_path: Path) -> None:
    """What is not to be had is refused with all names; one SQL Server stands on a server, a taken port keeps it off."""
    with lab_of(tmp_path) as lab:
        assert "SQL Server 2014" in refused(lab, 900620, lambda: lab.site.install("SC01", "SQL Server 2016")).action
        refused(lab, 900620, lambda: lab.site.add_feature("SC01", "DHCP"))
        lab.site.add_feature("SC01")
        refused(lab, 900620, lambda: lab.site.install("SC01", SQL, ["engine", "brain"]))
        lab.site.use_port("SC01", 1433, "Other")
        refused(lab, 900625, lambda: lab.site.install("SC01", SQL))
        software_of_dc = lab.site.server("DC01").software
        lab.site.add_feature("DC01")
        lab.site.install("DC01", "sql server 2012")
        assert software_of_dc == []
        error = refused(lab, 900624, lambda: lab.site.install("DC01", "SQL Server 2014"))
        assert "SQL Server 2012" in error.message


def test_servers_are_stopped_and_started(tmp_path: Path) -> None:
    """VMs of a host go down in order and come up again, those that were off stay off; a protected VM keeps it on."""
    other = QUIET.replace("QUIET", "OTHER")
    with lab_of(tmp_path, QUIET, other) as lab:
        refused(lab, 900678, lambda: lab.site.start_server("HV01"))
        lab.site.shut_down("OTHER")
        lab.site.stop_server("HV01")
        assert {vm.state for vm in lab.site.machines.values()} == {"Off"}
        refused(lab, 900621, lambda: lab.site.stop_server("HV01"))
        lab.run("1h")
        lab.site.start_server("HV01")
        lab.run("10min")
        assert {name: vm.state for name, vm in lab.site.machines.items()} == {"QUIET": "Running", "OTHER": "Off"}
        assert [fact["running"] for fact in facts(lab, "server.power", "HV01")] == [0, 1]
        assert lab.verify() == []
    with lab_of(tmp_path, stage="protected") as lab:
        assert "QUIET" in refused(lab, 900841, lambda: lab.site.stop_server("HV01")).message
        lab.vault.disable_protection("QUIET", wait=True)
        lab.site.stop_server("HV01")


def test_a_vm_does_not_start_on_a_host_that_is_off(tmp_path: Path) -> None:
    """Its host off, a VM cannot be started by itself: 900621 with the host; with it on, it starts."""
    with lab_of(tmp_path) as lab:
        lab.site.stop_server("HV01")
        refused(lab, 900621, lambda: lab.site.start("QUIET"))
        lab.site.start_server("HV01")
        lab.site.shut_down("QUIET")
        lab.site.start("QUIET")


def test_vmms_service(tmp_path: Path) -> None:
    """Stopped, calls of the console are refused with the reason; started, the same call works."""
    with lab_of(tmp_path) as lab:
        fabric(lab)
        refused(lab, 900662, lab.site.vmm.start_service)
        lab.site.vmm.stop_service()
        assert not lab.site.vmm.running
        refused(lab, 900661, lab.site.vmm.stop_service)
        error = refused(lab, 900642, lambda: lab.site.vmm.create_host_group("Branch"))
        assert "SCVMMService" in error.message
        refused(lab, 900642, lambda: lab.site.vmm.set_system("QUIET", "Other Linux (64-bit)"))
        refused(lab, 900642, lambda: lab.site.vmm.add_host("HV01", credentials="Administrator"))
        lab.site.vmm.start_service()
        lab.site.vmm.create_host_group("Branch")


def test_the_service_of_a_server_that_is_off(tmp_path: Path) -> None:
    """Nothing to stop or start there: 900621; with the server on, it can be stopped."""
    with lab_of(tmp_path) as lab:
        fabric(lab)
        lab.site.stop_server("SC01")
        refused(lab, 900621, lab.site.vmm.stop_service)
        refused(lab, 900621, lab.site.vmm.start_service)
        lab.site.start_server("SC01")
        lab.site.vmm.stop_service()
        assert not lab.site.vmm.running


def test_accounts(tmp_path: Path) -> None:
    """Names of accounts are Windows': empty, taken in any case, or with a sign it forbids, they are refused."""
    with lab_of(tmp_path) as lab:
        for name in ("", "  ", "operator", "a/b", "a\\b", "a@b"):
            refused(lab, 900628, lambda n=name: lab.site.add_account(n))  # type: ignore[misc]
        lab.site.add_account("Trainer", administrator=True)
        assert lab.site.accounts == [r"DEMO\Administrator", r"DEMO\Operator", r"DEMO\Trainer"]
        refused(lab, 900679, lambda: lab.site.join_domain("HV01"))


def test_no_server_is_switched_without_power(tmp_path: Path) -> None:
    """While the site has no power nothing is started or shut down; with power back a server that was off is started."""
    with lab_of(tmp_path) as lab:
        lab.site.stop_server("HV01")
        lab.faults.lose_site()
        refused(lab, 900530, lambda: lab.site.start_server("HV01"))
        for server in ("SC01", "HV01"):
            assert (lab.site.server(server).power, lab.site.server(server).running) == ("no power", False)
            refused(lab, 900683, lambda name=server: lab.site.stop_server(name))  # type: ignore[misc]
        lab.faults.restore_site()
        assert [lab.site.server(server).power for server in ("SC01", "HV01")] == ["running", "off"]
        lab.run("1h")
        assert lab.site.machines["QUIET"].state == "Off"
        lab.site.start_server("HV01")
        assert lab.site.machines["QUIET"].state != "Off"
        assert lab.verify() == []
