"""2.3: VMM with what it stands on, its hosts, and a cloud."""

from __future__ import annotations

from collections.abc import Iterator

from labkit.course import looks
from labkit.course.model import Lesson, Seen, Step
from labkit.course.tracks import CONTOSO
from labkit.engine.texts import gettext as _
from labkit.engine.texts import mark
from labkit.lab import Lab

CLOUD = "OnPremise Cloud"
SUPPORTED = ("SQL Server 2008 R2 SP1", "SQL Server 2008 R2 SP2", "SQL Server 2012", "SQL Server 2012 SP1")
ADK, ADK_PARTS = "Windows ADK", ("Deployment Tools", "Windows PE")


def _begins(lab: Lab) -> Iterator[Seen]:
    yield looks.server_runs(lab, "DC01", "SC01", "HV01")
    yield looks.equal(_("software on the VMM server"), lab.site.server("SC01").software, [], looks.SITE)
    yield looks.subscription_active(lab)


def _dotnet(lab: Lab) -> Iterator[Seen]:
    found = lab.site.server("SC01").features
    expected = _("{server} has {product}").format(server="SC01", product=".NET Framework 3.5")
    yield looks.look(".NET Framework 3.5" in found, expected, found, looks.SITE)


def _add_dotnet(lab: Lab) -> None:
    lab.site.add_feature("SC01", ".NET Framework 3.5")


def _sql(lab: Lab) -> Iterator[Seen]:
    found = lab.site.server("SC01").software
    good = [one for one in found if one in SUPPORTED]
    expected = _("{server} has {product}").format(server="SC01", product=" / ".join(good or SUPPORTED))
    yield looks.look(good, expected, found, looks.SITE)


def _install_sql(lab: Lab) -> None:
    lab.site.install("SC01", "SQL Server 2012 SP1")


def _adk(lab: Lab) -> Iterator[Seen]:
    yield looks.has_software(lab, "SC01", ADK)
    told = [
        str(fact["parts"])
        for fact in lab.facts
        if fact["kind"] == "server.installed" and fact["entity"] == "SC01" and str(fact["product"]).startswith(ADK)
    ]
    found = told[-1].split(", ") if told else []
    text = _("{server} has {product}").format(server="SC01", product=f"{ADK}: {', '.join(ADK_PARTS)}")
    yield looks.look(set(ADK_PARTS) <= set(found), text, found, looks.SITE)


def _install_adk(lab: Lab) -> None:
    lab.site.install("SC01", "Windows ADK")


def _vmm(lab: Lab) -> Iterator[Seen]:
    yield looks.vmm_runs(lab)


def _install_vmm(lab: Lab) -> None:
    lab.site.install_vmm(accept_licence=True)


def _rollup(lab: Lab) -> Iterator[Seen]:
    yield looks.vmm_runs(lab)
    yield looks.equal(_("update rollup of VMM"), lab.site.vmm.settings["rollup"], "Update Rollup 3", looks.VMM)


def _apply_rollup(lab: Lab) -> None:
    lab.site.update("SC01", "UR3")


def _host(lab: Lab) -> Iterator[Seen]:
    yield looks.vmm_runs(lab)
    found = lab.site.vmm.hosts
    yield looks.look("HV01" in found, _("VMM manages the host HV01"), list(found), looks.VMM)


def _add_host(lab: Lab) -> None:
    for job in lab.jobs.values():  # one that is under way already
        lab.wait(job)
    if "HV01" not in lab.site.vmm.hosts:
        lab.site.vmm.add_host("HV01", credentials=r"DEMO\Administrator", wait=True)


def _cloud(lab: Lab) -> Iterator[Seen]:
    yield looks.vmm_runs(lab)
    found = lab.site.vmm.clouds
    yield looks.look(CLOUD in found, _("there is the cloud {cloud}").format(cloud=CLOUD), list(found), looks.VMM_CLOUDS)
    cloud = found[CLOUD]
    yield looks.look(
        "HV01" in cloud.hosts, _("the host HV01 is in the cloud's host groups"), cloud.hosts, looks.VMM_CLOUDS
    )
    network = "VirtualSwitch - FrontEnd"
    expected = _("the logical network {network} is in the cloud").format(network=network)
    yield looks.look(network in cloud.networks, expected, cloud.networks, looks.VMM_CLOUDS)
    expected = _("the cloud has the capability profile Hyper-V")
    yield looks.look("Hyper-V" in cloud.profiles, expected, cloud.profiles, looks.VMM_CLOUDS)


def _create_cloud(lab: Lab) -> None:
    make = lab.site.vmm.change_cloud if "OnPremise Cloud" in lab.site.vmm.clouds else lab.site.vmm.create_cloud
    make("OnPremise Cloud", groups=["All Hosts"], networks=["VirtualSwitch - FrontEnd"], profiles=["Hyper-V"])


def _stop_service(lab: Lab) -> None:
    lab.site.vmm.stop_service()


def _start_service(lab: Lab) -> None:
    lab.site.vmm.start_service()


LESSON = Lesson(
    slug="vmm",
    number="2.3",
    title=mark("VMM: set-up, hosts, a cloud"),
    heading="VMM のインストールと構成",
    track=CONTOSO,
    after="subscription",
    rules=("1.4-1", "2.3-1", "2.3-2", "2.3-3", "2.3-4", "2.3-5", "2.3-6", "2.3-7", "2.3-8", "2.3-9"),
    begins=_begins,
    minutes=15,
    steps=(
        Step(
            slug="dotnet",
            title=mark("Add .NET Framework 3.5 to the VMM server"),
            hint=mark("SQL Server's setup needs it; Windows Server 2012 R2 has it as a feature: lab.site.add_feature."),
            check=_dotnet,
            solution=_add_dotnet,
        ),
        Step(
            slug="sql-server",
            title=mark("Install a SQL Server that VMM supports"),
            hint=mark(
                "2008 R2 SP1 or SP2, 2012, or 2012 SP1; not 2012 SP2, not 2014. lab.site.install(server, product)."
            ),
            check=_sql,
            solution=_install_sql,
        ),
        Step(
            slug="adk",
            title=mark("Install the Windows ADK"),
            hint=mark(
                "VMM's setup needs its Deployment Tools and Windows PE. lab.site.install puts both on the server."
            ),
            check=_adk,
            solution=_install_adk,
        ),
        Step(
            slug="vmm-setup",
            title=mark("Install VMM"),
            hint=mark(
                'Page by page: lab.site.wizard("vmm-setup"). In one call: lab.site.install_vmm. Accept the'
                " licence terms."
            ),
            check=_vmm,
            solution=_install_vmm,
        ),
        Step(
            slug="update-rollup",
            title=mark("Apply update rollup 3 to VMM"),
            hint=mark('lab.site.update(server, "UR3"). SQL Server must not get SP2.'),
            check=_rollup,
            solution=_apply_rollup,
        ),
        Step(
            slug="add-host",
            title=mark("Add the host HV01 to VMM"),
            hint=mark(
                "A job of VMM, with the credentials of a domain administrator: lab.site.vmm.add_host. Wait for its end."
            ),
            check=_host,
            solution=_add_host,
        ),
        Step(
            slug="make-cloud",
            title=mark("Make the cloud OnPremise Cloud"),
            hint=mark(
                "With the host group All Hosts, the logical network, and the capability profile Hyper-V, which is"
                " easily forgotten."
            ),
            check=_cloud,
            solution=_create_cloud,
        ),
        Step(
            slug="vmm-stopped",
            title=mark("VMM does not answer: find out why, and mend it"),
            hint=mark("Ask VMM for anything and read the refusal. lab.site.vmm.running says whether its service runs."),
            check=_vmm,
            solution=_start_service,
            trouble=_stop_service,
            optional=True,
        ),
    ),
)
