"""The controls: every command of the lab that can be clicked, with its title and what is special in its form.

A page places a control by the command's path. Where nothing is said, fields come from the command's signature and
choices by the argument's name (:data:`labkit.portal.choices.COMMON`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from labkit.engine.texts import mark
from labkit.portal import choices as offered
from labkit.portal.controlfields import (
    OPENED_WITH,
    PRESENT_CLOUD,
    PRESENT_SETTINGS,
    PRESENT_TARGET,
    PROTECTION_DEFAULTS,
    objectives_of,
    protection_settings,
    vm_keys,
)
from labkit.portal.forms import Control, Values
from labkit.portal.hostcontrols import faults, hyperv

if TYPE_CHECKING:
    from labkit.lab import Lab

_CERTIFICATE = mark("The certificate is asked for where the cloud's stored data is encrypted.")
_CLEANUP = mark("The test failover is complete. Clean up the test environment")
_DISABLE = mark("Both sides are cleaned. VMM has to be connected.")
_SHUT_DOWN = {"synchronise": mark("Shut down virtual machines and synchronize the latest data")}
_STOP = mark(
    "Removes the virtual machine from the vault only, for when VMM is not connected; the rest is cleaned by hand."
)


def _folder(lab: Lab, _values: Values) -> Any:
    return str(lab.path.parent)


def _in_folder(name: str) -> Any:
    return lambda lab, _values: str(lab.path.parent / name)


def _vault() -> Iterable[Control]:
    yield Control(
        "vault.generate_key",
        mark("Generate registration key file"),
        mark("It is valid for five days; a new one can be made at any time."),
        choices={"vault": lambda lab, _values: offered.plain(lab.azure.vaults)},
        defaults={"where": _folder},
    )
    yield Control("vault.register_server", mark("Register the server at once"), choices={"server": offered.vmm_servers})
    yield Control(
        "vault.map_network",
        mark("Map"),
        mark("Select a target network"),
        choices={
            "source": offered.logical_networks,
            "target": lambda lab, _values: offered.plain(lab.azure.networks),
            "server": lambda lab, values: [("", "Microsoft Azure"), *offered.vmm_servers(lab, values)],
        },
    )
    yield Control(
        "vault.unregister_server",
        mark("Remove"),
        mark("Confirm Removal"),
        choices={"server": offered.vmm_servers},
        required=("reason",),
    )
    yield Control(
        "vault.delete", mark("Delete vault"), choices={"name": lambda lab, _values: offered.plain(lab.azure.vaults)}
    )


def _protection() -> Iterable[Control]:
    yield Control(
        "vault.configure_protection",
        mark("Protection configuration"),
        mark("Replication location and frequency; saving starts a job."),
        choices={"target": offered.protection_targets},
        defaults=PROTECTION_DEFAULTS,
        more=protection_settings,
    )
    yield Control(
        "vault.change_protection",
        mark("Change of the protection configuration"),
        mark(
            "What is left as it is stays. Storage account and encryption need the cloud released and configured anew."
        ),
        hidden=("storage", "encrypt"),
        present=PRESENT_SETTINGS,
    )
    yield Control("vault.import_initial_replication", mark("Import the initial replication"))
    yield Control("vault.check", mark("Check the requirements"))
    yield Control(
        "vault.set_target",
        mark("Change target size, name or adapter"),
        choices={"size": offered.sizes},
        present=PRESENT_TARGET,
    )
    yield Control(
        "vault.enable_protection",
        mark("Add virtual machines"),
        mark("Enable virtual machine protection"),
        each="vm",
        choices={"vm": lambda lab, values: offered.plain(lab.vault.protectable(values.get("_cloud")))},
    )
    yield Control("vault.resynchronise", mark("Resynchronize"))
    yield Control("vault.cancel_resynchronise", mark("Cancel resynchronization"))
    yield Control("vault.disable_protection", mark("Disable protection for the virtual machine"), _DISABLE)
    yield Control("vault.stop_managing", mark("Stop managing the virtual machine"), _STOP)
    yield Control("vault.release_cloud", mark("Remove protection (of a cloud)"))


def _failover() -> Iterable[Control]:
    network = {"network": offered.test_networks}
    plan_points = {"point": offered.plan_points}
    yield Control("vault.test_failover", mark("Test failover"), _CERTIFICATE, only=OPENED_WITH, choices=network)
    yield Control("vault.planned_failover", mark("Planned failover"), _CERTIFICATE, only=OPENED_WITH)
    yield Control(
        "vault.unplanned_failover", mark("Unplanned failover"), _CERTIFICATE, only=OPENED_WITH, titles=_SHUT_DOWN
    )
    yield Control("vault.change_recovery_point", mark("Change recovery point"), _CERTIFICATE, only=OPENED_WITH)
    yield Control("vault.look_into", mark("Look into the recovery point"), _CERTIFICATE, only=OPENED_WITH)
    yield Control(
        "vault.commit", mark("Commit"), mark("The failover is made final; no other recovery point can be chosen.")
    )
    yield Control("vault.failback", mark("Failback"), mark("Planned failover from Microsoft Azure to the site"))
    yield Control("vault.complete_failover", mark("Complete Failover"))
    yield Control("vault.complete_test", mark("Complete test"), tick=_CLEANUP)
    yield Control("vault.reverse_replication", mark("Reverse replicate"))
    yield Control("vault.set_objectives", mark("Set targets"), defaults=objectives_of("vm"))
    yield Control("vault.declare_disaster", mark("Declare a disaster"))
    yield Control(
        "vault.test_failover_plan",
        mark("Test failover"),
        _CERTIFICATE,
        only=OPENED_WITH,
        choices={**network, **plan_points},
    )
    yield Control("vault.planned_failover_plan", mark("Planned failover"), _CERTIFICATE, only=OPENED_WITH)
    yield Control(
        "vault.unplanned_failover_plan",
        mark("Unplanned failover"),
        _CERTIFICATE,
        only=OPENED_WITH,
        choices=plan_points,
        titles=_SHUT_DOWN,
    )
    yield Control("vault.commit_plan", mark("Commit"))
    yield Control("vault.failback_plan", mark("Failback"))
    yield Control("vault.reverse_replication_plan", mark("Reverse replicate"))
    yield Control("vault.set_plan_objectives", mark("Set targets"), defaults=objectives_of("plan"))


def _plans() -> Iterable[Control]:
    yield Control("vault.create_plan", mark("Create"), mark("Create Recovery Plan"), wizard="recovery-plan")
    yield Control("vault.delete_plan", mark("Delete"))
    yield Control("vault.export_plan", mark("Export"), defaults={"path": _in_folder("plan.yml")})
    yield Control("vault.import_plan", mark("Import"), choices={"path": offered.kept_files(".yml", ".yaml", ".json")})
    yield Control("draft.add_group", mark("Add group"))
    yield Control("draft.remove_group", mark("Remove group"))
    yield Control("draft.move", mark("Move to a group"))
    yield Control("draft.remove", mark("Take out of the plan"))
    yield Control("draft.add_manual", mark("Add manual action"))
    yield Control("draft.add_script", mark("Add script"))
    yield Control("draft.add_check", mark("Add check of the application"))
    yield Control("draft.remove_action", mark("Remove action"))
    yield Control("draft.save", mark("Save"))
    yield Control("draft.discard", mark("Discard changes"), mark("The editor shows the plan as it is saved."))


def _jobs() -> Iterable[Control]:
    yield Control("vault.complete", mark("Complete"), mark("The job goes on."))
    yield Control("vault.cancel", mark("Cancel"))
    yield Control("vault.restart", mark("Restart"), _CERTIFICATE, only=OPENED_WITH)
    yield Control("vault.skip", mark("Skip the action"))
    yield Control("vault.release_plan", mark("Let the virtual machines go on without the plan"))
    yield Control("wait", mark("Let time pass until it ends or waits"))
    yield Control("run", mark("Let time pass"), hidden=("until",))
    yield Control("jobs.export", mark("Export jobs"), defaults={"path": _in_folder("jobs.csv")})


def _site() -> Iterable[Control]:
    yield Control("site.add_account", mark("Add account"))
    yield Control("site.join_domain", mark("Join the domain"))
    yield Control("site.start_server", mark("Start the server"))
    yield Control("site.stop_server", mark("Shut the server down"))
    yield Control("site.use_port", mark("Let a service use a port"))
    yield Control("site.need_proxy", mark("Internet through a proxy only"))
    yield Control("site.add_feature", mark("Add roles and features"), choices={"feature": offered.software("features")})
    yield Control("site.install", mark("Install"), choices={"product": offered.products, "parts": offered.components})
    yield Control("site.update", mark("Update"), choices={"update": offered.updates})
    yield Control("site.install_vmm", mark("Set up VMM"), wizard="vmm-setup")
    yield Control("site.install_provider", mark("Set up the provider"), wizard="provider")
    yield Control("site.register", mark("Azure Site Recovery Configurator"), wizard="registration")
    yield Control("site.install_agent", mark("Set up the agent"), wizard="agent")
    yield Control(
        "site.make_certificate",
        mark("Data Encryption"),
        choices={"server": offered.vmm_servers},
        defaults={"path": _in_folder("DataEncryptionCertificate.pfx")},
    )
    yield Control("site.agent_proxy", mark("Proxy of the agent"))
    yield Control("site.provider_proxy", mark("Proxy of the provider"), choices={"server": offered.vmm_servers})
    yield Control("site.uninstall_agent", mark("Uninstall the agent"))
    yield Control("site.uninstall_provider", mark("Uninstall the provider"), choices={"server": offered.vmm_servers})
    yield Control(
        "site.clean_up_registration", mark("Run the clean-up script"), choices={"server": offered.vmm_servers}
    )
    yield Control(
        "site.remove_replication_relationship",
        mark("Remove the replication relationship"),
        choices={"host": lambda lab, _values: offered.plain(lab.site.server(name).fqdn for name in lab.site.hosts)},
    )
    yield Control("site.throttle", mark("Limit what is sent"))


def _machines() -> Iterable[Control]:
    yield Control("site.create_vm", mark("New virtual machine in Hyper-V Manager"), more=vm_keys)
    yield Control("site.start", mark("Start"))
    yield Control("site.shut_down", mark("Shut down"))
    yield Control("site.turn_off", mark("Turn off"))
    yield Control("site.set_remote", mark("Remote Desktop or SSH"))
    yield Control("site.set_network_level_authentication", mark("Network-level authentication"))
    yield Control("site.resize_disk", mark("Expand a disk"))
    yield Control("site.resynchronise_by_itself", mark("Resynchronize by itself"))
    sides = {"side": lambda *_: offered.plain(("primary", "replica"))}
    yield Control("site.pause_replication", mark("Pause replication"), choices=sides)
    yield Control("site.resume_replication", mark("Resume replication"))
    yield Control("site.reset_statistics", mark("Reset statistics"))
    yield Control("site.replication", mark("Statistics of a time"))


def _vmm() -> Iterable[Control]:
    yield Control("site.vmm.add_host", mark("Add Hyper-V hosts and clusters"), wizard="add-host")
    yield Control("site.vmm.remove_host", mark("Remove the host"))
    yield Control("site.vmm.create_host_group", mark("Create host group"))
    yield Control("site.vmm.move_host", mark("Move to a host group"), choices={"group": offered.host_groups})
    yield Control("site.vmm.make_broker", mark("Make the Hyper-V Replica Broker"))
    yield Control("site.vmm.create_cloud", mark("Create cloud"), wizard="create-cloud")
    yield Control("site.vmm.change_cloud", mark("Properties of the cloud"), present=PRESENT_CLOUD)
    yield Control(
        "site.vmm.send_cloud",
        mark("Send configuration data about this cloud to the Windows Azure Hyper-V Recovery Manager"),
    )
    clouds = {"cloud": lambda lab, values: [(None, "-"), *offered.vmm_clouds(lab, values)]}
    yield Control("site.vmm.create_vm", mark("Create virtual machine"), choices=clouds, more=vm_keys)
    yield Control("site.vmm.assign", mark("Assign to a cloud"), choices=clouds)
    yield Control("site.vmm.set_system", mark("Operating system"))
    yield Control(
        "site.vmm.mark_system_disks",
        mark("Contains the operating system for the virtual machine"),
        choices={"disks": offered.vm_disks},
    )
    yield Control(
        "site.vmm.enable_protection", mark("Enable Hyper-V Recovery Manager protection for this virtual machine")
    )
    yield Control("site.vmm.clear_dr_protection", "Set-SCVirtualMachine -ClearDRProtection")
    yield Control("site.vmm.start_service", mark("Start the VMM service"))
    yield Control("site.vmm.stop_service", mark("Stop the VMM service"))


def _subscription() -> Iterable[Control]:
    plans = {"plan": offered.titled("subscription_plan", "trial", "pay-as-you-go")}
    yield Control("azure.sign_up", mark("Sign up"), choices=plans, free=("account",))
    yield Control("azure.create_account", mark("Create a Microsoft account"), free=("account",))
    yield Control("azure.confirm_phone", mark("Confirm the phone"))
    yield Control("azure.give_card", mark("Give the credit card"))
    yield Control("azure.subscribe", mark("Subscribe"), choices=plans)
    yield Control("azure.sign_in", mark("Sign in to the management portal"))
    yield Control("azure.upgrade", mark("Upgrade to pay-as-you-go"))
    yield Control(
        "azure.raise_quota",
        mark("Raise a quota"),
        titles={"to": mark("New limit")},
        choices={"name": offered.quotas},
    )
    yield Control("azure.buy_licences", mark("Buy subscription licences"))
    yield Control("azure.end_licences", mark("End the subscription licences"))
    yield Control("azure.licence_checklist", mark("Licence checklist"))


def _azure() -> Iterable[Control]:
    kinds = {"kind": offered.titled("vault_kind", "site-recovery", "backup")}
    yield Control("azure.create_vault", mark("Create vault"), choices={"region": offered.vault_regions, **kinds})
    yield Control("azure.create_storage", mark("Create storage account"))
    yield Control("azure.delete_storage", mark("Delete"))
    yield Control("azure.quick_network", mark("Quick Create"), mark("A closed virtual network, as a dummy."))
    vpn = {"vpn": offered.titled("vpn", None, "site-to-site")}
    yield Control("azure.create_network", mark("Custom Create"), mark("Create a virtual network"), choices=vpn)
    yield Control("azure.delete_network", mark("Delete"))
    yield Control(
        "azure.delete_disks",
        mark("Delete replica disks that were left"),
        choices={"account": lambda lab, _values: offered.plain(lab.azure.storage_accounts), "vm": offered.left_disks},
    )
    yield Control(
        "azure.create_machine",
        mark("Create virtual machine"),
        mark("Always on, apart from Site Recovery: such as a second domain controller"),
        choices={
            "network": lambda lab, _values: offered.plain(lab.azure.networks),
            "size": offered.sizes,
            "role": offered.titled("role", "domain-controller", None),
        },
    )
    yield Control("azure.delete_machine", mark("Delete"), choices={"name": offered.machines})
    yield Control("azure.add_endpoint", mark("Add endpoint"))
    yield Control("azure.remove_endpoint", mark("Remove endpoint"))
    yield Control("azure.connect", mark("Connect"))
    yield Control("azure.set_network_level_authentication", mark("Network-level authentication"))


def _automation() -> Iterable[Control]:
    yield Control("azure.create_automation_account", mark("Create automation account"))
    yield Control("azure.delete_automation_account", mark("Delete"), choices={"name": offered.automation})
    yield Control("azure.import_runbook", mark("Import runbook"), choices={"file": offered.kept_files(".py", ".ipynb")})
    yield Control("azure.runbook", mark("Show the runbook"), choices={"name": offered.runbooks})
    yield Control("azure.trust_runbooks", mark("Allow the runbooks of this lab"))


def _lab() -> Iterable[Control]:
    yield Control("copy", mark("Copy the lab"), defaults={"target": _in_folder("copy.lab")})
    yield Control("verify", mark("Verify the lab"))
    yield Control("reach", mark("Who reaches what"))


_GROUPS = (
    _vault, _protection, _failover, _plans, _jobs, _site, _machines, _vmm, _subscription, _azure, _automation, hyperv,
    faults, _lab,
)  # fmt: skip
CONTROLS: dict[str, Control] = {control.command: control for group in _GROUPS for control in group()}
