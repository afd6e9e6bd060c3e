"""1.4: which VMs can be protected to Azure, which cannot, and why; a host cluster that lacks its broker."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from labkit.course import looks
from labkit.course.model import Lesson, Seen, Step
from labkit.course.tracks import REQUIREMENTS
from labkit.engine.errors import LabError
from labkit.engine.texts import gettext as _
from labkit.engine.texts import mark
from labkit.lab import Lab

CLOUD, NEW = "OnPremise Cloud", "GEN01"


def _register(lab: Lab) -> None:
    lab.vault.register_server(wait=True)


def _begins(lab: Lab) -> Iterator[Seen]:
    yield looks.look(
        "GEN02" in lab.site.machines,
        _("the site has VMs that cannot be protected"),
        list(lab.site.machines),
        looks.MACHINES,
    )
    yield looks.registered(lab)
    yield looks.cloud_free(lab, CLOUD)


def _unfit(lab: Lab) -> object:
    return [vm for vm in lab.site.machines if any(one.severity == "fails" for one in lab.vault.check(vm))]


def _shared_rule(lab: Lab) -> object:
    return next((one.rule for one in lab.vault.check("SHARED01") if one.severity == "fails"), None)


def _rebuilt(lab: Lab) -> Iterator[Seen]:
    found = [name for name, vm in lab.site.vmm.vms.items() if vm.generation == 1 and vm.cloud == CLOUD]
    known = {
        "GOOD01",
        "BIGOS01",
        "BIGDATA01",
        "OLD32",
        "SHARED01",
        "FC01",
        "FIXEDIP01",
        "BSD01",
        "name_with_underscores",
    }
    new = [name for name in found if name not in known]
    yield looks.look(new, _("a new VM of generation 1 in {cloud}").format(cloud=CLOUD), new, looks.VMM_VMS)
    fails = [one.rule for one in lab.vault.check(new[0]) if one.severity == "fails"]
    yield looks.look(not fails, _("{vm} meets all requirements").format(vm=new[0]), fails, looks.READINESS)


def _rebuild(lab: Lab) -> None:
    lab.site.vmm.create_vm("GEN01", "Windows Server 2012 R2", cloud="OnPremise Cloud", cpu=2, memory="2GB")


def _configured(lab: Lab) -> Iterator[Seen]:
    yield looks.cloud_configured(lab, CLOUD)


def _try_configuring(lab: Lab) -> None:
    with suppress(LabError):
        lab.vault.configure_protection(CLOUD, wait=True)


def _make_broker(lab: Lab) -> None:
    lab.site.vmm.make_broker("HVC01")
    lab.vault.configure_protection("OnPremise Cloud", wait=True)


def _named(lab: Lab) -> Iterator[Seen]:
    yield looks.look(
        "name_with_underscores" in lab.vault.items,
        _("name_with_underscores is a protected item"),
        list(lab.vault.items),
        looks.ITEMS,
    )
    found = lab.vault.target("name_with_underscores").name
    yield looks.look(
        "_" not in found, _("its name in Azure has letters, digits and hyphens only"), found, looks.PROPERTIES
    )


def _name(lab: Lab) -> None:
    if "name_with_underscores" not in lab.vault.items:
        lab.vault.enable_protection("name_with_underscores", wait=True)
    lab.vault.set_target("name_with_underscores", azure_name="name-with-hyphens")


LESSON = Lesson(
    slug="requirements",
    number="1.4",
    title=mark("Requirements"),
    heading="オンプレミスから Azure のシステム要件",
    track=REQUIREMENTS,
    opening=_register,
    rules=tuple(f"1.4-{number}" for number in range(1, 17)),
    begins=_begins,
    minutes=12,
    steps=(
        Step(
            slug="unfit-vms",
            title=mark("Which VMs cannot be protected to Azure as they are?"),
            hint=mark("lab.vault.check(VM) goes through the requirements one by one; severity fails is what counts."),
            answer=_unfit,
        ),
        Step(
            slug="shared-disk-rule",
            title=mark("Which rule does SHARED01 fail?"),
            hint=mark('lab.vault.check("SHARED01"): the finding that fails names its rule.'),
            answer=_shared_rule,
        ),
        Step(
            slug="new-generation-1",
            title=mark("GEN02 is of generation 2: make a VM of generation 1 in the cloud that could take its place"),
            hint=mark(
                "A generation cannot be changed: lab.site.vmm.create_vm(name, system, cloud=...) makes generation 1."
            ),
            check=_rebuilt,
            solution=_rebuild,
        ),
        Step(
            slug="cluster-broker",
            title=mark("Configuring the cloud fails: read the job's error, mend the cause, and save again"),
            hint=mark(
                "A cluster with a static address gets no Hyper-V Replica Broker by itself: lab.site.vmm.make_broker."
            ),
            check=_configured,
            solution=_make_broker,
            trouble=_try_configuring,
        ),
        Step(
            slug="name-for-azure",
            title=mark("Protect name_with_underscores, and give it a name that Azure takes"),
            hint=mark(
                "It is protected and replicated as it is, but cannot fail over: lab.vault.set_target(VM,"
                " azure_name=...)."
            ),
            check=_named,
            solution=_name,
        ),
    ),
)
