"""Fields of commands that take any keyword: what the keywords are stands in the command's docstring."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from labkit.engine import units
from labkit.engine.errors import LabError
from labkit.engine.texts import gettext as _
from labkit.portal import choices as offered
from labkit.portal import titles
from labkit.portal.forms import Choice, Default, Field, Values
from labkit.recovery import objectives, pairing
from labkit.site import inventory

if TYPE_CHECKING:
    from labkit.lab import Lab


def _field(
    name: str, kind: str, values: Values, default: object = None, choices: list[Choice] | None = None, hint: str = ""
) -> Field:
    value = values.get(name, default)
    return Field(name, titles.of(name), kind, value, choices=choices, hint=hint or titles.hint(name))


def protection_settings(lab: Lab, values: Values) -> list[Field]:
    """Settings of Azure, or of another cloud (rule 2.7-11), by the target that is chosen."""
    if values.get("target"):
        default = offered.AUTHENTICATED_BY(lab, values)
        port = pairing.PORTS[values.get("authentication", pairing.CERTIFICATE)]
        return [
            _field("points", "number", values, 0),
            _field("compression", "flag", values, True),
            _field("authentication", "choice", values, pairing.CERTIFICATE, list(default)),
            _field("port", "number", values, port),
            _field("initial", "choice", values, "network", list(offered.INITIAL_BY(lab, values))),
            *(
                [_field(name, "path", values) for name in ("export_path", "import_path")]
                if values.get("initial") == "export"
                else []
            ),
            _field("delete_replica", "flag", values, True),
        ]
    accounts = offered.storage(lab, values)
    known = [name for name, _title in accounts]
    site = lab.read(inventory.site_of)
    account = site.azure.storage if site.azure.storage in known else next(iter(known), None)
    return [
        _field("storage", "choice", values, account, list(accounts)),
        _field("retention", "choice", values, site.cloud.retention_h, list(offered.RETENTION(lab, values))),
        _field("encrypt", "flag", values, False),
    ]


def _of_site(key: str) -> Default:
    return lambda lab, _values: getattr(lab.read(inventory.site_of).cloud, key)


# What is not given is the site file's, as in the library.
PROTECTION_DEFAULTS: dict[str, Default] = {
    "frequency": lambda lab, _values: units.write_duration(lab.read(inventory.site_of).cloud.frequency),
    "app_consistent": _of_site("app_consistent_h"),
    "initial_start": lambda _lab, _values: "now",
}


def _where_it_is(question: Default) -> Default:
    """None where there is nothing to ask about: none is chosen, or it went while the dialog was open."""

    def found(lab: Lab, values: Values) -> Any:
        try:
            return question(lab, values)
        except LabError:
            return None

    return found


def _setting(key: str) -> Default:
    return _where_it_is(lambda lab, values: lab.vault.settings(values.get("cloud")).get(key))


def _target(key: str) -> Default:
    return _where_it_is(lambda lab, values: getattr(lab.vault.target(str(values.get("vm"))), key))


def _of_cloud(key: str) -> Default:
    def found(lab: Lab, values: Values) -> list[str] | None:
        cloud = offered.console(lab, values).clouds.get(str(values.get("name")))
        return None if cloud is None else list(getattr(cloud, key))

    return _where_it_is(found)


# What the dialogs that change something begin with.
PRESENT_SETTINGS = {key: _setting(key) for key in ("frequency", "retention", "app_consistent", "initial_start")}
PRESENT_TARGET = {"size": _target("size"), "azure_name": _target("name"), "adapter": _target("adapter")}
PRESENT_CLOUD = {key: _of_cloud(key) for key in ("groups", "networks", "profiles")}


def objectives_of(kind: str) -> dict[str, Default]:
    """The targets that hold for a VM or plan, its own or the site's: what is emptied is the site's again."""

    def now(key: str) -> Default:
        def found(lab: Lab, values: Values) -> str | None:
            ms = lab.read(lambda world: objectives.targets(world, f"{kind}/{values.get(kind)}"))[key]
            return None if ms is None else units.write_duration(ms)

        return found

    return {key: now(key) for key in ("rto", "rpo", "mtd")}


def encrypted(lab: Lab, values: Values) -> bool:
    """Whether a VM, a plan or a plan's job that a dialog is about is of an encrypted cloud (rule 3.3-1)."""
    job = values.get("job")
    plan = lab.vault.plans.get(job.target if job is not None else str(values.get("name")))
    names = [str(values["vm"])] if values.get("vm") else plan.vms if plan is not None else []
    return lab.vault.needs_certificate(*names)


# The certificate and its password.
OPENED_WITH: dict[str, Callable[[Lab, Values], bool]] = {"certificate": encrypted, "password": encrypted}


def vm_keys(_lab: Lab, values: Values) -> list[Field]:
    """Hardware of a new VM in the words of a site file (docs/site-files.md)."""
    return [
        _field("generation", "choice", values, 1, offered.plain((1, 2))),
        _field("cpu", "number", values, 1),
        _field("memory", "text", values, "1GB"),
        _field(
            "disks",
            "disks",
            values,
            [{"name": "os", "size": "40GB"}],
            hint=_("one a line: name and size, such as os 40GB"),
        ),
    ]
