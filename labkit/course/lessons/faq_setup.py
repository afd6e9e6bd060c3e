"""The guide's FAQ on introducing the service: five things that go wrong, each to be mended."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from labkit.course import looks
from labkit.course.model import Lesson, Seen, Step
from labkit.course.tracks import FAQ_SETUP
from labkit.engine.errors import LabError
from labkit.engine.texts import gettext as _
from labkit.engine.texts import mark
from labkit.lab import Lab

CLOUD, VM = "OnPremise Cloud", "MYWSV02"


def _old_provider(lab: Lab) -> None:
    """A vault as it was before June 2014: the provider is one of Hyper-V Recovery Manager (F-1)."""
    key = lab.vault.generate_key(lab.path.parent)
    lab.site.install_provider(key, version="3.4.486.0", wait=True)
    lab.site.install_agent("HV01")


def _begins(lab: Lab) -> Iterator[Seen]:
    yield looks.registered(lab, "MySiteRecovery")
    yield looks.cloud_free(lab, CLOUD)
    yield looks.look(
        lab.vault.notices(), _("the portal says that a provider has to be upgraded"), lab.vault.notices(), looks.QUICK
    )


def _upgraded(lab: Lab) -> Iterator[Seen]:
    found = lab.vault.notices()
    yield looks.look(not found, _("the portal has no notice of an old provider"), found, looks.QUICK)
    yield looks.registered(lab, "MySiteRecovery")


def _upgrade(lab: Lab) -> None:
    lab.site.install_provider()


def _try_configuring(lab: Lab) -> None:
    with suppress(LabError):
        lab.vault.configure_protection(CLOUD, wait=True)


def _no_profile(lab: Lab) -> None:
    lab.site.vmm.change_cloud(CLOUD, profiles=[])
    _try_configuring(lab)


def _configured(lab: Lab) -> Iterator[Seen]:
    yield looks.server_runs(lab, "SC01", "HV01")
    yield looks.cloud_configured(lab, CLOUD)
    found = lab.site.vmm.clouds[CLOUD].profiles
    yield looks.look("Hyper-V" in found, _("the cloud has the capability profile Hyper-V"), found, looks.VMM_CLOUDS)


def _give_profile(lab: Lab) -> None:
    lab.site.vmm.change_cloud("OnPremise Cloud", profiles=["Hyper-V"])
    lab.vault.configure_protection("OnPremise Cloud", wait=True)


def _host_off(lab: Lab) -> None:
    if any(row.name == CLOUD and row.role for row in lab.vault.clouds):
        lab.vault.release_cloud(CLOUD, wait=True)
    lab.site.stop_server("HV01")
    _try_configuring(lab)


def _start_host(lab: Lab) -> None:
    if not lab.site.server("HV01").running:
        lab.site.start_server("HV01")
    lab.run("5min")
    group = lab.site.vmm.clouds["OnPremise Cloud"].groups[0]
    if lab.site.vmm.hosts["HV01"] != group:
        lab.site.vmm.move_host("HV01", group)
    lab.vault.configure_protection("OnPremise Cloud", wait=True)


def _wrong_vm(lab: Lab) -> None:
    if not any(row.name == CLOUD and row.role for row in lab.vault.clouds):
        _try_configuring(lab)
    lab.site.vmm.set_system(VM, "Other Linux (32-bit)")
    lab.site.vmm.mark_system_disks(VM)
    with suppress(LabError):
        lab.vault.enable_protection(VM, wait=True)


def _enabled(lab: Lab) -> Iterator[Seen]:
    yield looks.job_done(lab, "EnableDr", VM)
    yield looks.protected(lab, VM)


def _mend_vm(lab: Lab) -> None:
    lab.site.vmm.set_system("MYWSV02", "Windows Server 2012 R2")
    lab.site.vmm.mark_system_disks("MYWSV02", "os")
    lab.vault.enable_protection("MYWSV02", wait=True)
    lab.wait(lab.vault.items["MYWSV02"])


def _encrypted(lab: Lab) -> Iterator[Seen]:
    yield looks.cloud_configured(lab, CLOUD)
    found = lab.status(points=False)["items"]
    words = {True: _("{vm}: encrypted"), False: _("{vm}: not encrypted")}
    seen = [words[bool(item["encrypted"])].format(vm=vm) for vm, item in found.items()]
    expected = _("a VM is protected, and what is stored of it is encrypted")
    encrypted = [vm for vm, item in found.items() if item["encrypted"]]
    yield looks.look(encrypted, expected, seen, looks.CLOUDS)
    ready = [vm for vm in encrypted if looks.protected(lab, vm).ok]
    yield looks.protected(lab, (ready or encrypted)[0])


def _encrypt(lab: Lab) -> None:
    lab.site.make_certificate(lab.path.with_suffix(".pfx"), password="a password of your own")
    for vm in list(lab.vault.items):
        lab.vault.disable_protection(vm, wait=True)
    if any(row.role for row in lab.vault.clouds):
        lab.vault.release_cloud("OnPremise Cloud", wait=True)
    lab.vault.configure_protection("OnPremise Cloud", encrypt=True, wait=True)
    lab.vault.enable_protection("MYWSV02", wait=True)
    lab.wait(lab.vault.items["MYWSV02"])


def _need_proxy(lab: Lab) -> None:
    lab.site.need_proxy("HV01", address="proxy.demo.contoso.com", port=8080)
    lab.run("15min")


def _proxy_known(lab: Lab) -> Iterator[Seen]:
    yield looks.agent_knows_proxy(lab, "HV01")


def _set_proxy(lab: Lab) -> None:
    lab.site.agent_proxy("HV01", "proxy.demo.contoso.com", 8080)
    lab.run("15min")


LESSON = Lesson(
    slug="faq-setup",
    number="",
    title=mark("Questions on introducing the service"),
    heading="サービスの導入に関する FAQ",
    track=FAQ_SETUP,
    after="azure-services",
    opening=_old_provider,
    rules=("F-1", "F-3", "F-4", "F-5", "2.6-6", "2.6-7"),
    begins=_begins,
    minutes=15,
    steps=(
        Step(
            slug="old-provider",
            title=mark("The portal asks for a newer provider: upgrade it"),
            hint=mark(
                "Settings of Hyper-V Recovery Manager carry over, the provider does not: run its setup again,"
                " without a key."
            ),
            check=_upgraded,
            solution=_upgrade,
        ),
        Step(
            slug="missing-profile",
            title=mark("Configuring the cloud has failed: read the job's error, and mend it"),
            hint=mark(
                "Jobs > the failed job > its error names what the cloud lacks. In VMM: lab.site.vmm.change_cloud."
                " Then save again."
            ),
            check=_configured,
            solution=_give_profile,
            trouble=_no_profile,
            optional=True,
        ),
        Step(
            slug="stopped-host",
            title=mark("Configuring has failed once more, with the profile there: mend it"),
            hint=mark(
                "Every host of the cloud's host groups has to answer. One that does not is started, moved to another"
                " group, or taken out of VMM; HV01 is the cloud's only one, so start it."
            ),
            check=_configured,
            solution=_start_host,
            trouble=_host_off,
            optional=True,
        ),
        Step(
            slug="not-enabled",
            title=mark("Enabling the protection of MYWSV02 has failed: mend every cause, and protect it"),
            hint=mark("The job's error names all of them, and lab.vault.check(VM) rule by rule, before you try."),
            check=_enabled,
            solution=_mend_vm,
            trouble=_wrong_vm,
            optional=True,
        ),
        Step(
            slug="encryption-later",
            title=mark("Turn on the encryption of stored data, and protect MYWSV02 with it"),
            hint=mark(
                "It needs the certificate (lab.site.make_certificate), and a cloud that is configured anew:"
                " protection of"
                " its VMs off, the cloud released, configure_protection with encrypt=True."
            ),
            check=_encrypted,
            solution=_encrypt,
        ),
        Step(
            slug="host-behind-proxy",
            title=mark("The host reaches the internet through a proxy from now on: let the agent know"),
            hint=mark(
                "All traffic goes out over HTTPS, nothing comes in. The agent has a proxy of its own:"
                " lab.site.agent_proxy."
            ),
            check=_proxy_known,
            solution=_set_proxy,
            trouble=_need_proxy,
            optional=True,
        ),
    ),
)
