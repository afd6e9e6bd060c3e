"""2.7: the protection of the cloud, and the network mapping."""

from __future__ import annotations

from collections.abc import Iterator

from labkit.course import looks
from labkit.course.model import Lesson, Seen, Step
from labkit.course.tracks import CONTOSO
from labkit.engine.texts import gettext as _
from labkit.engine.texts import mark
from labkit.lab import Lab
from labkit.views import titles

SETTINGS = (mark("Protected Items > OnPremise Cloud > Settings"), "lab.vault.settings()")
CLOUD, NETWORK, SWITCH = "OnPremise Cloud", "AzureNetwork", "VirtualSwitch - FrontEnd"


def _begins(lab: Lab) -> Iterator[Seen]:
    yield looks.registered(lab, "MySiteRecovery")
    yield looks.has_software(lab, "HV01", "Azure Recovery Services Agent")
    yield looks.server_runs(lab, "SC01", "HV01")
    yield looks.cloud_free(lab, CLOUD)
    yield looks.in_cloud(lab, CLOUD, "MYWSV01", "MYBSD01", "MYWSV02")


def _configured(lab: Lab) -> Iterator[Seen]:
    yield looks.cloud_configured(lab, CLOUD)
    settings = lab.vault.settings(CLOUD)
    for name, wanted in (("frequency", "5min"), ("retention", 24), ("storage", "mysiterecovery")):
        found, expected = (titles.setting(name, value) for value in (settings[name], wanted))
        yield looks.equal(titles.setting_name(name), found, expected, SETTINGS)


def _no_profile(lab: Lab) -> None:
    lab.site.vmm.change_cloud("OnPremise Cloud", profiles=[])


def _configure(lab: Lab) -> None:
    lab.site.vmm.change_cloud("OnPremise Cloud", profiles=["Hyper-V"])
    lab.vault.configure_protection(
        "OnPremise Cloud", storage="mysiterecovery", frequency="5min", retention=24, initial_start="now", wait=True
    )


def _mapped(lab: Lab) -> Iterator[Seen]:
    fact = looks.last_fact(lab, "network.mapped", SWITCH)
    found = None if fact is None else fact["to"]
    yield looks.equal(_("{network} is mapped to").format(network=SWITCH), found, NETWORK, looks.NETWORKS)


def _map(lab: Lab) -> None:
    lab.vault.map_network("VirtualSwitch - FrontEnd", "AzureNetwork", wait=True)


def _snapshots(lab: Lab) -> Iterator[Seen]:
    hours = lab.vault.settings(CLOUD).get("app_consistent")
    seen = _("none") if not hours else _("every {hours} hours").format(hours=hours)
    expected = _("application-consistent snapshots: every {hours} hours").format(hours=4)
    yield looks.look(hours == 4, expected, seen, SETTINGS)


def _set_snapshots(lab: Lab) -> None:
    lab.vault.change_protection("OnPremise Cloud", app_consistent=4, wait=True)


def _lose_retention(lab: Lab) -> None:
    lab.vault.change_protection("OnPremise Cloud", retention=0, wait=True)


def _retention(lab: Lab) -> Iterator[Seen]:
    hours = lab.vault.settings(CLOUD).get("retention")
    expected = _("recovery points are retained for {hours} hours").format(hours=24)
    yield looks.look(hours == 24, expected, hours, SETTINGS)


def _set_retention(lab: Lab) -> None:
    lab.vault.change_protection("OnPremise Cloud", retention=24, wait=True)


LESSON = Lesson(
    slug="configure-protection",
    number="2.7",
    title=mark("The protection of the cloud"),
    heading="VMM クラウドの保護の構成",
    track=CONTOSO,
    after="components",
    rules=tuple(f"2.7-{number}" for number in range(1, 12)),
    begins=_begins,
    minutes=12,
    steps=(
        Step(
            slug="configure-cloud",
            title=mark("Configure the protection of the cloud: to Azure, every 5 minutes, 24 hours of recovery points"),
            hint=mark(
                "Protected Items > OnPremise Cloud > Settings > Protection configuration;"
                " lab.vault.configure_protection. If the job fails, its error says what VMM lacks: mend it, and save"
                " again."
            ),
            check=_configured,
            solution=_configure,
            trouble=_no_profile,
            symptom=mark("Configuring the cloud's protection fails from now on."),
        ),
        Step(
            slug="map-network",
            title=mark("Map the site's network to AzureNetwork"),
            hint=mark("Resources > Networks > Map; lab.vault.map_network(logical network, virtual network)."),
            check=_mapped,
            solution=_map,
        ),
        Step(
            slug="app-consistent",
            title=mark("Have application-consistent snapshots made every 4 hours"),
            hint=mark(
                "Frequency, retention, snapshots and start can be changed on a protected cloud:"
                " lab.vault.change_protection."
            ),
            check=_snapshots,
            solution=_set_snapshots,
        ),
        Step(
            slug="lost-retention",
            title=mark("Somebody has saved storage and recovery points with it: bring the 24 hours back"),
            hint=mark("Look at the cloud's settings; retention 0 keeps the points of the last hour only."),
            check=_retention,
            solution=_set_retention,
            trouble=_lose_retention,
            optional=True,
        ),
    ),
)
