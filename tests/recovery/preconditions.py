"""Every precondition of STEP 2 as a row: how it is broken, at which step that shows, with which code, and the cure."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit.lab.views import Job
from tests.recovery.walk import (
    ADMINISTRATOR,
    ALONE,
    CLOUD,
    DOMAIN,
    ELSEWHERE,
    HOST,
    NETWORK,
    OPERATOR,
    REGION,
    SECOND,
    SPARE,
    STEPS,
    STORAGE,
    VAULT,
    VMM,
    Walk,
)

Act = Callable[[Walk], object]
SETTING, HARDWARE = "setting", "hardware"


@dataclass(frozen=True)
class Row:
    """``breaks`` leaves out or alters something before the walk; ``cure`` mends it: False means "leave the call out".

    ``by_job``: a job fails with it, else the click is refused. ``slots``: what it touches; rows with one in common do
    not go together. ``also``: codes by which it shows when another row's cure comes upon it. ``of_vm``: one of the
    requirements for a VM, which are all named together (F-5); no setting cures hardware, another VM is protected.
    """

    rule: str
    name: str
    step: str
    code: int
    breaks: Act
    cure: Act
    slots: frozenset[str]
    by_job: bool = False
    also: frozenset[int] = frozenset()
    of_vm: str = ""

    @property
    def skips(self) -> set[str]:
        """The steps that are left out."""
        walk = Walk(Path())
        self.breaks(walk)
        return walk.skip

    def goes_with(self, other: Row) -> bool:
        """Whether both can be wrong at once, and each still show at its own step."""
        apart = other.step not in self.skips and self.step not in other.skips
        return not self.slots & other.slots and apart

    def __str__(self) -> str:
        return f"{self.rule}-{self.name.replace(' ', '-')}"


def _slots(text: str) -> frozenset[str]:
    return frozenset(text.split())


# --- ways to break and to mend ----------------------------------------------------------------------------------------


def say(key: str, value: Any) -> Act:
    """Something else is given at a step."""
    return lambda walk: walk.given.update({key: copy.deepcopy(value)})


def also_say(key: str, **values: Any) -> Act:
    """Something more is given at a step."""
    return lambda walk: walk.given[key].update(values)


def unsay(key: str, *fields: str) -> Act:
    """Something is not given any more."""
    return lambda walk: [walk.given[key].pop(field) for field in fields] and None


def leave_out(step: str) -> Act:
    """A step is left out."""
    return lambda walk: walk.skip.add(step)


def just_before(step: str, act: Act) -> Act:
    """Something happens just before a step."""
    return lambda walk: walk.before.setdefault(step, []).append(act)


def do(name: str) -> Act:
    """A step that was left out is done now."""

    def work(walk: Walk) -> None:
        walk.skip.discard(name)
        for call in next(step for step in STEPS if step.name == name).calls(walk):
            job = call()
            if isinstance(job, Job):
                walk.lab.wait(job)

    return work


def both(*acts: Act) -> Act:
    """One after the other; the last one says whether the call is made again."""

    def work(walk: Walk) -> object:
        result: object = None
        for act in acts:
            result = act(walk)
        return result

    return work


def leave_it(_walk: Walk) -> bool:
    """The call is not made again."""
    return False


def vm_is(**keys: Any) -> Act:
    """The VM is another one in the site file."""
    return lambda walk: walk.spec.update(copy.deepcopy(keys))


def disks_are(*disks: dict[str, Any]) -> Act:
    """The VM has these data disks beside its OS disk."""
    return lambda walk: walk.spec["disks"].__setitem__(slice(1, None), copy.deepcopy(disks))


def os_disk_is(**keys: Any) -> Act:
    """The OS disk is another one."""
    return lambda walk: walk.spec["disks"][0].update(keys)


def host_is(number: int, **keys: Any) -> Act:
    """A host is another one in the site file."""
    return lambda walk: walk.site["servers"]["hosts"][number].update(keys)


def another_vm(walk: Walk) -> None:
    """The spare VM is protected instead."""
    walk.given["vm"] = SPARE


def sql_elsewhere(walk: Walk) -> None:
    """VMM's database goes to a SQL Server on another server."""
    walk.lab.site.add_feature(ALONE)
    walk.lab.site.install(ALONE, "SQL Server 2012")
    walk.given["vmm"].update(sql_server=ALONE, sql_port="1433", sql_credentials=ADMINISTRATOR)


def remote_sql_half(walk: Walk) -> None:
    """The database is to go to another server, whose port and account are not given."""
    sql_elsewhere(walk)
    del walk.given["vmm"]["sql_port"], walk.given["vmm"]["sql_credentials"]


def move(*hosts: str) -> Act:
    """Hosts go into a host group of their own."""

    def work(walk: Walk) -> None:
        walk.lab.site.vmm.create_host_group("Others")
        for host in hosts:
            walk.lab.site.vmm.move_host(host, "Others")

    return work


def move_back(*hosts: str) -> Act:
    """Hosts go back into "All Hosts"."""
    return lambda walk: [walk.lab.site.vmm.move_host(host, "All Hosts") for host in hosts] and None


def start(server: str) -> Act:
    """A server is started."""
    return lambda walk: walk.lab.site.start_server(server)


def stop(server: str) -> Act:
    """A server is shut down."""
    return lambda walk: walk.lab.site.stop_server(server)


def new_storage(walk: Walk) -> None:
    """Another storage account, in the vault's region and geo-redundant."""
    walk.lab.azure.create_storage("another", walk.given["vault"][1], "RA-GRS")
    walk.given["configure"]["storage"] = "another"


def new_network(walk: Walk) -> None:
    """Another virtual network, in the vault's region."""
    walk.lab.azure.quick_network("Another", walk.given["vault"][1])
    walk.given["map"]["target"] = "Another"


def key_of_a_lost_vault(walk: Walk) -> None:
    """The key is one of a vault that is deleted meanwhile."""
    walk.lab.azure.create_vault("Lost", REGION)
    walk.key = walk.lab.vault.generate_key(walk.folder / "lost", vault="Lost")
    walk.lab.vault.delete("Lost", wait=True)


def damage_key(walk: Walk) -> None:
    """The key file is edited."""
    assert walk.key is not None
    walk.key.write_text(walk.key.read_text("utf-8").replace(VAULT, "Yours"), encoding="utf-8")


def new_key(walk: Walk) -> None:
    """Another key is generated."""
    walk.new_key()


def other_cloud(walk: Walk) -> None:
    """There is a second cloud, which nobody protects."""
    walk.lab.site.vmm.create_cloud("Other Cloud", networks=[NETWORK], profiles=["Hyper-V"])


def agent(**pages: Any) -> Act:
    """The agent's setup on the VM's host is given something."""
    return lambda walk: walk.given["agent"][HOST].update(pages)


def agent_proxy(walk: Walk) -> None:
    """The agent's proxy is set, and replication tried again."""
    walk.lab.site.agent_proxy(HOST, f"proxy.{DOMAIN}")
    walk.lab.site.resume_replication(walk.vm)


def set_system(walk: Walk) -> None:
    """The operating system is set in the VM's properties."""
    walk.lab.site.vmm.set_system(walk.vm, walk.spec["os"])


def mark_os(walk: Walk) -> None:
    """The OS disk is marked, and no other."""
    walk.lab.site.vmm.mark_system_disks(walk.vm, "os")


def to_cloud(walk: Walk) -> None:
    """The VM is assigned to the cloud."""
    walk.lab.site.vmm.assign(walk.vm, CLOUD)


def in_a_cluster(address: str) -> Act:
    """The hosts are nodes of a cluster."""

    def work(walk: Walk) -> None:
        walk.site["servers"]["clusters"] = [{"name": "CL01", "hosts": [HOST, SECOND], "address": address}]
        walk.given["hosts"] = ["CL01"]

    return work


def no_switch(walk: Walk) -> None:
    """The hosts have no virtual switch."""
    for host in walk.site["servers"]["hosts"]:
        host["switch"] = False


def without_network(walk: Walk) -> None:
    """The cloud has no logical network, and none is mapped (rule 2.7-9)."""
    walk.given["cloud"]["networks"] = []
    walk.skip.add("map")


# --- the table --------------------------------------------------------------------------------------------------------


def _subscription() -> Iterable[Row]:
    for step, shows in (
        ("account", "phone"),
        ("phone", "card"),
        ("card", "subscribe"),
        ("subscribe", "sign in"),
        ("sign in", "vault"),
    ):
        yield Row("2.2-1", f"no {step}", shows, 900800, leave_out(step), do(step), _slots(step))
    given = say("card", "4111-1111-1111-1111"), say("card", "0000-1111-1111-1111")
    yield Row("2.2-1", "a card that may be real", "card", 900803, *given, _slots("card"))
    month = just_before("configure", lambda walk: walk.lab.run("32d"))
    yield Row("2.2-2", "trial over", "configure", 900807, month, lambda walk: walk.lab.azure.upgrade(), _slots("trial"))


def _vmm() -> Iterable[Row]:
    yield Row("2.3-2", "no .NET", "sql", 900623, leave_out("net35"), do("net35"), _slots("sql"))
    for version in ("SQL Server 2012 SP2", "SQL Server 2014"):
        given = say("sql", (VMM, version, None))
        yield Row("2.3-1", version, "vmm", 900653, given, sql_elsewhere, _slots("sql"))
    yield Row("2.3-1", "no SQL Server", "vmm", 900652, leave_out("sql"), do("sql"), _slots("sql"))
    engine = say("sql", (VMM, "SQL Server 2012", ["engine"]))
    yield Row("2.3-1", "no management tools", "vmm", 900654, engine, sql_elsewhere, _slots("sql"))
    tools = say("sql", (VMM, "SQL Server 2008 R2 SP1", ["tools"]))
    yield Row("2.3-1", "no database engine", "vmm", 900654, tools, sql_elsewhere, _slots("sql"))
    half = both(leave_out("sql"), just_before("vmm", remote_sql_half))
    full = also_say("vmm", sql_port=1433, sql_credentials=ADMINISTRATOR)
    yield Row("2.3-4", "remote SQL Server without account", "vmm", 900651, half, full, _slots("sql"))
    instance = also_say("vmm", sql_instance="OTHER"), unsay("vmm", "sql_instance")
    yield Row("2.3-4", "no such instance", "vmm", 900655, *instance, _slots("instance"))
    database = also_say("vmm", new_database=False), unsay("vmm", "new_database")
    yield Row("2.3-4", "no such database", "vmm", 900656, *database, _slots("database"))
    taken = just_before("sql", lambda walk: walk.lab.site.use_port(VMM, 1433, "MySQL"))
    away = both(sql_elsewhere, leave_it)
    yield Row("2.3-4", "port of SQL Server taken", "sql", 900625, taken, away, _slots("sql"))
    yield Row("2.3-3", "no ADK", "vmm", 900649, leave_out("adk"), do("adk"), _slots("adk"))
    for parts in (["Deployment Tools"], ["Windows PE"]):
        rest = both(say("adk", None), do("adk"))
        yield Row("2.3-3", f"ADK with {parts[0]} only", "vmm", 900650, say("adk", parts), rest, _slots("adk"))
    licence = unsay("vmm", "accept_licence"), also_say("vmm", accept_licence=True)
    yield Row("2.3-4", "licence not accepted", "vmm", 900648, *licence, _slots("licence"))
    console = also_say("vmm", console=False), also_say("vmm", console=True)
    yield Row("2.3-4", "no console", "vmm", 900647, *console, _slots("console"))
    there = also_say("vmm", server=HOST), unsay("vmm", "server")
    yield Row("2.3-4", "VMM on a host", "vmm", 900644, *there, _slots("server"))
    used = just_before("vmm", lambda walk: walk.lab.site.use_port(VMM, 8100, "Tomcat"))
    yield Row("2.3-4", "port taken", "vmm", 900625, used, also_say("vmm", console_port=8200), _slots("ports"))
    twice = also_say("vmm", winpe_time_port=8101), unsay("vmm", "winpe_time_port")
    yield Row("2.3-4", "port given twice", "vmm", 900658, *twice, _slots("ports"))
    yield Row("2.3-4", "no VMM", "update", 900641, leave_out("vmm"), do("vmm"), _slots("sql"))
    pack = say("update", "SQL Server 2012 SP2"), say("update", "UR3")
    yield Row("2.3-5", "SP2 for VMM's database", "update", 900660, *pack, _slots("sql"))


def _hosts() -> Iterable[Row]:
    for account, code in ((OPERATOR, 900630), ("DEMO\\Nobody", 900629)):
        given = say("credentials", account), say("credentials", ADMINISTRATOR)
        yield Row("2.3-6", f"host by {account[5:]}", "hosts", code, *given, _slots("credentials"))
    for name, code in (("HV1", 900667), (VMM, 900668)):
        wrong, right = say("hosts", [name, SECOND]), lambda walk: walk.given["hosts"].__setitem__(0, HOST)
        yield Row("2.3-6", f"{name} as a host", "hosts", code, wrong, right, _slots("host second"))
    join = lambda walk: walk.lab.site.join_domain(HOST)  # noqa: E731
    yield Row("2.1-1", "host outside the domain", "hosts", 900669, host_is(0, joined=False), join, _slots("host"))
    off = just_before("hosts", stop(HOST)), start(HOST)
    yield Row("2.3-6", "host is off", "hosts", 12700, *off, _slots("host-off"), by_job=True, also=frozenset({900621}))
    node = both(in_a_cluster("dhcp"), say("hosts", [HOST])), say("hosts", ["CL01"])
    yield Row("2.3-6", "node of a cluster alone", "hosts", 900671, *node, _slots("host host-off second"))
    yield Row("2.3-8", "hosts not added", "cloud", 900010, leave_out("hosts"), do("hosts"), _slots("hosts networks"))
    no_net = _slots("networks network")
    yield Row("2.3-8", "no virtual switch", "cloud", 900010, no_switch, without_network, no_net)
    yield Row("2.3-9", "no cloud", "assign", 900010, leave_out("cloud"), do("cloud"), _slots("cloud"))
    service = just_before("cloud", lambda walk: walk.lab.site.vmm.stop_service())
    started = lambda walk: walk.lab.site.vmm.start_service()  # noqa: E731
    yield Row("2.6-1", "service of VMM stopped", "cloud", 900642, service, started, _slots("service"))
    moved = just_before("assign", move(HOST)), move_back(HOST)
    yield Row("2.4-1", "host in another group", "assign", 900677, *moved, _slots("group service second"))


def _vm() -> Iterable[Row]:
    yield Row("2.4-1", "no cloud of the VM", "enable", 900850, say("assign", None), to_cloud, _slots("assign"))
    other = both(just_before("assign", other_cloud), say("assign", "Other Cloud"))
    yield Row("2.4-1", "cloud without protection", "enable", 900515, other, to_cloud, _slots("assign service networks"))
    away, again = just_before("enable", move(HOST)), move_back(HOST)
    yield Row("2.4-1", "host left the cloud", "enable", 900677, away, again, _slots("group service second"))
    for system in ("", "Windows Server 2008 SP2 (x86)", "Other Linux (32-bit)", "Windows Server 2003 R2 SP2 (x64)"):
        name = f"system {system or 'not set'}"
        yield _of_vm("2.4-2", name, 70002, say("system", system), "system", set_system)
    bsd = vm_is(os="FreeBSD 10.0")
    linux = say("system", "Other Linux (64-bit)")
    yield Row("1.4-5", "FreeBSD by its own name", "system", 900676, bsd, linux, _slots("os system adapters"))
    for marks in ((), ("os", "data"), ("data",)):
        name = f"marked {' and '.join(marks) or 'nothing'}"
        yield _of_vm("2.4-3", name, 70003, say("mark", marks), "mark disks", mark_os)
    yield _of_vm("1.4-7", "generation 2", 70009, vm_is(generation=2), "mark generation")
    large_os = both(os_disk_is(size="128GB"), agent(cache="D:\\"))
    yield _of_vm("1.4-8", "OS disk of 128 GB", 900864, large_os, "disks agent")
    large = both(disks_are(disk("data", "1024GB")), agent(cache="D:\\"))
    yield _of_vm("1.4-9", "data disk of 1 TB", 900865, large, "disks agent")
    many = disks_are(*(disk(f"data{number}") for number in range(17)))
    yield _of_vm("1.4-9", "17 data disks", 900866, many, "disks mark")
    for kind in ("pass-through", "iscsi", "shared"):
        yield _of_vm("1.4-11", f"{kind} disk", 900868, disks_are(disk("data", type=kind)), "disks")
    yield _of_vm("1.4-11", "Fibre Channel", 900869, vm_is(fibre_channel=True), "fibre")
    for system in ("Windows Server 2008 SP2 (x86)", "Other Linux (32-bit)", "Windows Server 2003 R2 SP2 (x64)"):
        yield _of_vm("1.4-4", system, 70002, vm_is(os=system), "os system")
    static = vm_is(os="Ubuntu Server 14.04", adapters=[{"name": "eth0", "address": "static"}])
    yield _of_vm("1.4-12", "Linux with a static address", 900870, static, "os adapters")
    name = vm_is(name="APP_1"), lambda walk: walk.lab.vault.set_target("APP_1", azure_name="APP-1")
    yield Row("1.4-14", "name not for Azure", "test", 539, *name, _slots("name"))


def disk(name: str, size: str = "20MB", **more: Any) -> dict[str, Any]:
    """A data disk in the site file."""
    return {"name": name, "size": size, "used": "0B", **more}


def _of_vm(rule: str, name: str, code: int, breaks: Act, slots: str, cure: Act | None = None) -> Row:
    """A requirement for the VM; without a cure it is its hardware, and another VM is protected."""
    kind, touched = (SETTING, _slots(slots)) if cure else (HARDWARE, _slots(slots) | {"name"})
    return Row(rule, name, "enable", code, breaks, cure or another_vm, touched, by_job=True, of_vm=kind)


def _azure() -> Iterable[Row]:
    yield Row("2.5-1", "no vault", "key", 900510, leave_out("vault"), do("vault"), _slots("vault"))
    real = both(say("vault", (VAULT, REGION, "site-recovery")), say("key vault", None), do("vault"))
    backup = both(say("vault", ("Keep", REGION, "backup")), say("key vault", "Keep"))
    yield Row("2.5-1", "a Backup vault", "key", 900822, backup, real, _slots("vault"))
    far, near = say("vault", (VAULT, "Brazil South", "site-recovery")), say("vault", (VAULT, REGION, "site-recovery"))
    yield Row("2.5-1", "region without the service", "vault", 900821, far, near, _slots("vault"))
    apart = say("vault", (VAULT, ELSEWHERE, "site-recovery"))
    cure, touched = both(new_storage, new_network), _slots("vault storage network")
    yield Row("2.5-7", "vault in another region", "configure", 900828, apart, cure, touched)
    yield Row("2.5-5", "no storage account", "configure", 900010, leave_out("storage"), new_storage, _slots("storage"))
    for redundancy in ("LRS", "ZRS"):
        given = say("storage", (STORAGE, REGION, redundancy))
        yield Row("2.5-5", f"storage account {redundancy}", "configure", 900829, given, new_storage, _slots("storage"))
    given = say("storage", (STORAGE, ELSEWHERE, "GRS"))
    yield Row("2.5-5", "storage in another region", "configure", 900828, given, new_storage, _slots("storage"))
    yield Row("2.5-6", "no virtual network", "map", 900010, leave_out("network"), do("network"), _slots("network"))
    given = say("network", ("AzureNetwork", ELSEWHERE))
    yield Row("2.5-7", "network in another region", "map", 900828, given, new_network, _slots("network"))


def _components() -> Iterable[Row]:
    yield Row("2.5-4", "no key", "register", 900825, leave_out("key"), do("key"), _slots("key"))
    old = just_before("register", lambda walk: walk.lab.run("6d"))
    yield Row("2.5-4", "key of 6 days ago", "register", 900826, old, new_key, _slots("key"))
    yield Row("2.6-2", "edited key", "register", 900825, just_before("register", damage_key), new_key, _slots("key"))
    lost = just_before("register", key_of_a_lost_vault)
    yield Row("2.6-2", "key of a lost vault", "register", 900827, lost, new_key, _slots("key"))
    box = also_say("provider", stop_service=False), unsay("provider", "stop_service")
    yield Row("2.6-1", "service not to be stopped", "provider", 900831, *box, _slots("provider"))
    yield Row("2.6-1", "no provider", "register", 900830, leave_out("provider"), do("provider"), _slots("provider"))
    proxy = just_before("register", lambda walk: walk.lab.site.need_proxy(VMM))
    given = also_say("register", proxy=f"proxy.{DOMAIN}")
    yield Row("2.6-6", "VMM server without its proxy", "register", 25018, proxy, given, _slots("proxy"))

    def in_vmm(walk: Walk) -> None:
        walk.first["register"] = lambda walk: walk.lab.site.vmm.enable_protection(walk.vm)

    def not_in_vmm(walk: Walk) -> bool:
        del walk.first["register"]
        return False

    yield Row("1.1-5", "VMM without registration", "register", 900847, in_vmm, not_in_vmm, _slots("first"))
    drive = agent(cache="E:\\Scratch"), lambda walk: walk.given["agent"][HOST].pop("cache") and None
    yield Row("2.6-5", "no such drive for the cache", "agent", 900837, *drive, _slots("agent"))
    room = host_is(0, free="1GB"), agent(cache="D:\\Scratch")
    yield Row("2.6-5", "no room for the cache", "agent", 900839, *room, _slots("agent"))
    little = both(host_is(0, free="500MB"), agent(cache="D:\\Scratch"))
    folder = agent(folder="D:\\Agent")
    yield Row("2.6-5", "no room for the agent", "agent", 900838, little, folder, _slots("agent"))
    wrong = say("agent", {VMM: {}, SECOND: {}})
    right = both(lambda walk: walk.lab.site.install_agent(HOST), leave_it)
    yield Row("2.6-5", "agent on the VMM server", "agent", 900836, wrong, right, _slots("agent"))
    install = lambda walk: walk.lab.site.install_agent(HOST) and None  # noqa: E731
    none = say("agent", {SECOND: {}})
    yield Row("2.6-5", "no agent on the host", "enable", 70095, none, install, _slots("agent"), by_job=True)
    before = agent(version="2.0.8679.0")
    yield Row("2.6-5", "agent of Azure Backup", "enable", 70095, before, install, _slots("agent"), by_job=True)
    needed = just_before("agent", lambda walk: walk.lab.site.need_proxy(HOST))
    yield Row("2.6-6", "host without its proxy", "initial", 0, needed, agent_proxy, _slots("agent"))


def _configuration() -> Iterable[Row]:
    late = frozenset({25018, 900525, 900642, 900621})
    yield Row(
        "2.6-2",
        "not registered",
        "configure",
        900846,
        leave_out("register"),
        both(new_key, do("register")),
        _slots("register"),
    )
    some = also_say("register", all_clouds=False), lambda walk: walk.lab.site.vmm.send_cloud(CLOUD)
    yield Row("2.6-3", "cloud not synchronised", "configure", 900846, *some, _slots("register"))
    old, new = also_say("provider", version="3.4.486.0"), lambda walk: walk.lab.site.install_provider()
    yield Row("F-1", "provider of before", "configure", 900845, old, new, _slots("provider"), by_job=True)
    profile = also_say("cloud", profiles=[]), lambda walk: walk.lab.site.vmm.change_cloud(CLOUD, profiles=["Hyper-V"])
    yield Row("2.3-9", "no profile Hyper-V", "configure", 10003, *profile, _slots("cloud"), by_job=True)
    empty = just_before("configure", move(HOST, SECOND)), move_back(HOST, SECOND)
    yield Row("2.7-8", "no host in the cloud", "configure", 900842, *empty, _slots("group service second"), by_job=True)
    off = just_before("configure", stop(SECOND))
    gone: dict[str, Act] = {
        "started": start(SECOND),
        "moved": move(SECOND),
        "deleted": lambda walk: walk.lab.site.vmm.remove_host(SECOND),
    }
    for how, cure in gone.items():
        name = f"a host is off and {how}"
        yield Row("F-3", name, "configure", 12700, off, cure, _slots("group second"), by_job=True)
    older = host_is(1, os="Windows Server 2012"), move(SECOND)
    yield Row("1.4-2", "a host of 2012", "configure", 900843, *older, _slots("group second"), by_job=True)
    broker = in_a_cluster("static"), lambda walk: walk.lab.site.vmm.make_broker("CL01")
    touched = _slots("group second host hosts")
    yield Row("1.4-3", "cluster with a static address", "configure", 67508, *broker, touched, by_job=True)
    stopped = just_before("configure", lambda walk: walk.lab.site.vmm.stop_service())
    begun = lambda walk: walk.lab.site.vmm.start_service()  # noqa: E731
    yield Row("2.7-8", "VMM does not answer", "configure", 900525, stopped, begun, _slots("service"), also=late)
    lost = just_before("configure", lambda walk: walk.lab.faults.lose_line())
    back = lambda walk: walk.lab.faults.restore_line()  # noqa: E731
    yield Row("2.6-6", "no line", "configure", 900525, lost, back, _slots("line"), also=late)
    proxy = just_before("configure", lambda walk: walk.lab.site.need_proxy(VMM))
    direct = lambda walk: walk.lab.site.need_proxy(VMM, needed=False)  # noqa: E731
    row = Row("2.6-6", "a proxy since the registration", "configure", 900525, proxy, direct, _slots("proxy"), also=late)
    yield row
    often = also_say("configure", frequency="10min"), unsay("configure", "frequency")
    yield Row("2.7-1", "no such frequency", "configure", 900514, *often, _slots("frequency"))
    sealed = also_say("configure", encrypt=True), unsay("configure", "encrypt")
    yield Row("2.7-3", "encryption without a certificate", "configure", 900567, *sealed, _slots("encrypt"))
    bare = also_say("cloud", networks=[]), lambda walk: walk.lab.site.vmm.change_cloud(CLOUD, networks=[NETWORK])
    yield Row("2.7-9", "cloud without network", "map", 900854, *bare, _slots("networks"))
    yield Row("2.8-1", "cloud not configured", "enable", 900515, leave_out("configure"), do("configure"), _slots("-"))
    down = just_before("enable", stop(VMM)), start(VMM)
    yield Row("2.8-2", "VMM server off", "enable", 900525, *down, _slots("service"), True, late)
    down = just_before("enable", stop(HOST)), start(HOST)
    yield Row("2.8-2", "host off", "enable", 12700, *down, _slots("host-off"), True)


ROWS = tuple(row for rows in (_subscription, _vmm, _hosts, _vm, _azure, _components, _configuration) for row in rows())
