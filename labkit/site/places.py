"""What must be right between the servers, hosts and clusters of a site file."""

from __future__ import annotations

import unicodedata
from typing import Any

from labkit.engine.names import nearest
from labkit.engine.texts import gettext as _
from labkit.site.files import found as found_text
from labkit.site.kinds import Report
from labkit.site.records import Values


def same(name: str) -> str:
    """A name as Windows compares it: width and case do not count."""
    return unicodedata.normalize("NFKC", name).casefold()


def host_name(host: Any) -> str | None:
    """The name of a host, given plainly or as a mapping; None when it could not be read."""
    if isinstance(host, Values):
        host = host.get("name")
    return host if isinstance(host, str) else None


def host_names(servers: Values) -> list[str]:
    """The names of hosts that could be read."""
    return [name for host in servers.get("hosts", []) if (name := host_name(host)) is not None]


def check(site: Values, vms: list[Values], report: Report) -> None:
    """Names are used once, VMs are on hosts there are, clusters and proxies speak of servers there are."""
    servers = site.get("servers")
    if not isinstance(servers, Values):
        return
    hosts = host_names(servers)
    others = [name for key in ("domain_controller", "vmm") if (name := servers.get(key))]
    _once(servers, hosts, others, report)
    second = site.get("replica_site")
    if isinstance(second, Values):
        _once(second, host_names(second), [*hosts, *others], report)
        _clouds(site, second, report)
        _second_vmm(servers, second, [*hosts, *others, *host_names(second)], report)
    for vm in vms:
        wanted = vm.get("host")
        if wanted is not None and hosts and wanted not in hosts:
            report.add(*vm.where("host"), found_text(wanted), ", ".join(hosts), nearest(wanted, hosts))
    if len(others) == 2 and same(others[0]) == same(others[1]):
        allowed = _("a name of its own; upper and lower case are the same")
        report.add(*servers.where("vmm"), found_text(others[1]), allowed)
    _clusters(servers, hosts, others, report)
    everything = [*others, *hosts]
    for name in servers.get("proxy") or []:
        if isinstance(name, str) and name not in everything:
            report.add(*servers.where("proxy"), found_text(name), ", ".join(everything), nearest(name, everything))


def _clouds(site: Values, second: Values, report: Report) -> None:
    """The second site's cloud has a name of its own."""
    first, name = site.get("cloud"), second.get("cloud")
    ours = first.get("name") if isinstance(first, Values) else None
    if name and ours and same(name) == same(ours):
        report.add(*second.where("cloud"), found_text(name), _("a name of its own; upper and lower case are the same"))


def _second_vmm(servers: Values, second: Values, taken: list[str], report: Report) -> None:
    """The second site's VMM server is a server of its own, or the site's."""
    manager = second.get("vmm")
    if manager and manager != servers.get("vmm") and same(manager) in map(same, taken):
        report.add(*second.where("vmm"), found_text(manager), _("a server of its own, or the VMM server of the site"))


def _once(servers: Values, hosts: list[str], others: list[str], report: Report) -> None:
    """Each host has a name of its own, at both sites."""
    for number, host in enumerate(hosts):
        if same(host) in {same(other) for other in (*others, *hosts[:number])}:
            line, path = servers.where("hosts")
            report.add(line, f"{path}[{number}]", found_text(host), _("every host once"))


def _clusters(servers: Values, hosts: list[str], others: list[str], report: Report) -> None:
    """A cluster has a name of its own; its nodes are hosts, each of one cluster only."""
    seen: list[str] = []
    names = [same(name) for name in (*hosts, *others)]
    for cluster in servers.get("clusters") or []:
        if not isinstance(cluster, Values):
            continue
        name = cluster.get("name")
        if name is not None and same(name) in names:
            report.add(
                *cluster.where("name"), found_text(name), _("a name of its own; upper and lower case are the same")
            )
        names += [] if name is None else [same(name)]
        for node in cluster.get("hosts") or []:
            if isinstance(node, str) and (node not in hosts or node in seen):
                report.add(*cluster.where("hosts"), found_text(node), _("hosts of the site, each in one cluster"))
            seen.append(node)
