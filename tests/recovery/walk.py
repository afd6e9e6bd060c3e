"""STEP 2 of the guide as a learner walks it: call by call, on small disks, with whatever was left out or done wrong."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

import labkit
from labkit.engine.errors import LabError
from labkit.engine.world import KINDS, World
from labkit.lab import Lab
from labkit.lab.views import Job

DOMAIN, CLOUD, NETWORK = "demo.contoso.com", "OnPremise Cloud", "VirtualSwitch - FrontEnd"
ADMINISTRATOR, OPERATOR = "DEMO\\Administrator", "DEMO\\Operator"
VMM, HOST, SECOND, ALONE = "SC01", "HV01", "HV02", "DC01"
WINDOWS, SPARE = "APP", "SPARE"
REGION, ELSEWHERE = "East Asia", "Japan West"
VAULT, STORAGE, AZURE_NETWORK = "MySiteRecovery", "mysiterecovery", "AzureNetwork"
SITE: dict[str, Any] = {
    "site": "walk",
    "servers": {"hosts": [{"name": HOST}, {"name": SECOND}]},
    "vms": [
        {
            "name": WINDOWS,
            "os": "Windows Server 2012 R2",
            "host": HOST,
            "protected": False,
            "orders": "none",
            "disks": [{"name": "os", "size": "20MB", "used": "1MB"}, {"name": "data", "size": "20MB", "used": "0B"}],
        },
        {
            "name": SPARE,
            "os": "FreeBSD 10.0",
            "host": HOST,
            "protected": False,
            "disks": [{"name": "os", "size": "20MB", "used": "1MB"}],
        },
    ],
}

Thunk = Callable[[], "Job | None"]


class Stuck(Exception):
    """Nothing was refused, and yet initial replication does not come to its end."""

    code = 0


class Walk:
    """A learner's way from bare servers to a protected VM.

    ``vm`` is the one that is protected; ``given`` what is said at a step (see ``STEPS``), ``skip`` the steps that are
    left out, ``before`` what happens just before a step, ``first`` what is tried at its beginning.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.site = folder, copy.deepcopy(SITE)
        self.lab: Lab
        self.given: dict[str, Any] = {
            "card": "0000-0000-0000-0000",
            "vault": (VAULT, REGION, "site-recovery"),
            "storage": (STORAGE, REGION, "GRS"),
            "network": (AZURE_NETWORK, REGION),
            "sql": (VMM, "SQL Server 2012 SP1", None),
            "adk": None,
            "vmm": {"accept_licence": True},
            "update": "UR3",
            "hosts": [HOST, SECOND],
            "credentials": ADMINISTRATOR,
            "cloud": {"networks": [NETWORK], "profiles": ["Hyper-V"]},
            "assign": CLOUD,
            "system": None,
            "mark": ("os",),
            "key vault": None,
            "provider": {},
            "register": {},
            "agent": {HOST: {}, SECOND: {}},
            "configure": {},
            "map": {},
        }
        self.skip: set[str] = set()
        self.before: dict[str, list[Callable[[Walk], object]]] = {}
        self.first: dict[str, Callable[[Walk], Job | None]] = {}
        self.key: Path | None = None

    @property
    def spec(self) -> dict[str, Any]:
        """The VM as the site file has it."""
        return self.site["vms"][0]

    @property
    def vm(self) -> str:
        """The name of the VM to be protected; the spare one where the first cannot be."""
        return str(self.given.get("vm") or self.spec["name"])

    def create(self) -> Lab:
        """The lab: bare servers, an empty Azure."""
        path = self.folder / "site.yml"
        path.write_text(json.dumps(self.site), encoding="utf-8")  # JSON is YAML
        self.lab = labkit.create(self.folder / "walk.lab", site=path)
        return self.lab

    def new_key(self) -> None:
        """Generate a key, in a new file."""
        out = self.folder / f"{len(list(self.folder.iterdir()))}.VaultCredentials"
        self.key = self.lab.vault.generate_key(out, vault=self.given["key vault"])


def everything(lab: Lab) -> dict[str, Any]:
    """All a lab holds: entities, timers, the clock, the digest of what happened."""

    def found(world: World) -> dict[str, Any]:
        rows: dict[str, Any] = {
            f"{kind}/{one.id}": msgspec.json.encode(one) for kind, cls in KINDS.items() for one in world.all(cls)
        }
        return {**rows, "timers": world.timers.rows(), "now": world.now, "digest": world.facts.digest}

    return lab.read(found)


def codes(error: LabError | Stuck) -> set[int]:
    """The codes an error names: its own, or those of all its reasons (F-5)."""
    if error.code != 900860:
        return {error.code}
    assert isinstance(error, LabError)
    return {int(code) for code in re.findall(r"^- ([0-9]+): ", error.message, re.M)}


# --- the steps --------------------------------------------------------------------------------------------------------


def _account(walk: Walk) -> Iterator[Thunk]:
    yield lambda: walk.lab.azure.create_account("admin@contoso.com")


def _phone(walk: Walk) -> Iterator[Thunk]:
    yield lambda: walk.lab.azure.confirm_phone("090-0000-0000")


def _card(walk: Walk) -> Iterator[Thunk]:
    yield lambda: walk.lab.azure.give_card(walk.given["card"])


def _subscribe(walk: Walk) -> Iterator[Thunk]:
    yield lambda: walk.lab.azure.subscribe("trial")


def _sign_in(walk: Walk) -> Iterator[Thunk]:
    yield walk.lab.azure.sign_in


def _net35(walk: Walk) -> Iterator[Thunk]:
    yield lambda: walk.lab.site.add_feature(VMM)


def _sql(walk: Walk) -> Iterator[Thunk]:
    yield lambda: walk.lab.site.install(*walk.given["sql"])


def _adk(walk: Walk) -> Iterator[Thunk]:
    yield lambda: walk.lab.site.install(VMM, "Windows ADK", walk.given["adk"])


def _vmm(walk: Walk) -> Iterator[Thunk]:
    yield lambda: walk.lab.site.install_vmm(**walk.given["vmm"])


def _update(walk: Walk) -> Iterator[Thunk]:
    yield lambda: walk.lab.site.update(VMM, walk.given["update"])


def _hosts(walk: Walk) -> Iterator[Thunk]:
    for number in range(len(walk.given["hosts"])):
        yield lambda number=number: walk.lab.site.vmm.add_host(  # type: ignore[misc]
            walk.given["hosts"][number], credentials=walk.given["credentials"]
        )


def _cloud(walk: Walk) -> Iterator[Thunk]:
    yield lambda: walk.lab.site.vmm.create_cloud(CLOUD, **walk.given["cloud"])


def _assign(walk: Walk) -> Iterator[Thunk]:
    yield lambda: walk.lab.site.vmm.assign(SPARE, CLOUD)
    yield lambda: walk.lab.site.vmm.assign(walk.vm, walk.given["assign"])


def _system(walk: Walk) -> Iterator[Thunk]:
    yield lambda: walk.lab.site.vmm.set_system(SPARE, "Other Linux (64-bit)")
    if walk.given["system"] != "":
        yield lambda: walk.lab.site.vmm.set_system(walk.vm, walk.given["system"] or walk.spec["os"])


def _mark(walk: Walk) -> Iterator[Thunk]:
    yield lambda: walk.lab.site.vmm.mark_system_disks(SPARE, "os")
    yield lambda: walk.lab.site.vmm.mark_system_disks(walk.vm, *walk.given["mark"])


def _vault(walk: Walk) -> Iterator[Thunk]:
    yield lambda: walk.lab.azure.create_vault(*walk.given["vault"])


def _storage(walk: Walk) -> Iterator[Thunk]:
    yield lambda: walk.lab.azure.create_storage(*walk.given["storage"]) and None


def _network(walk: Walk) -> Iterator[Thunk]:
    yield lambda: walk.lab.azure.quick_network(*walk.given["network"]) and None


def _key(walk: Walk) -> Iterator[Thunk]:
    yield walk.new_key


def _provider(walk: Walk) -> Iterator[Thunk]:
    yield lambda: walk.lab.site.install_provider(**walk.given["provider"])


def _register(walk: Walk) -> Iterator[Thunk]:
    yield lambda: walk.lab.site.register(walk.key or walk.folder, **walk.given["register"])


def _agent(walk: Walk) -> Iterator[Thunk]:
    for host in list(walk.given["agent"]):
        yield lambda host=host: walk.lab.site.install_agent(host, **walk.given["agent"][host]) and None  # type: ignore[misc]


def _configure(walk: Walk) -> Iterator[Thunk]:
    yield lambda: walk.lab.vault.configure_protection(**walk.given["configure"])


def _map(walk: Walk) -> Iterator[Thunk]:
    yield lambda: walk.lab.vault.map_network(**walk.given["map"])


def _enable(walk: Walk) -> Iterator[Thunk]:
    yield lambda: walk.lab.vault.enable_protection(walk.vm)


def _initial(walk: Walk) -> Iterator[Thunk]:
    def wait() -> None:
        if not walk.lab.run_until(lambda world: _state(world, walk.vm) == "Protected", within="2h"):
            raise Stuck

    yield wait


def _state(world: World, vm: str) -> str:
    from labkit.recovery.item import ProtectedItem

    return str(world.get(ProtectedItem, vm).state)


def _test(walk: Walk) -> Iterator[Thunk]:
    yield lambda: walk.lab.vault.test_failover(walk.vm)
    yield lambda: walk.lab.vault.complete_test(walk.vm)


class Step(NamedTuple):
    """A step of the way: what is called, one after the other."""

    name: str
    calls: Callable[[Walk], Iterator[Thunk]]


STEPS = (
    Step("account", _account),
    Step("phone", _phone),
    Step("card", _card),
    Step("subscribe", _subscribe),
    Step("sign in", _sign_in),
    Step("net35", _net35),
    Step("sql", _sql),
    Step("adk", _adk),
    Step("vmm", _vmm),
    Step("update", _update),
    Step("hosts", _hosts),
    Step("cloud", _cloud),
    Step("assign", _assign),
    Step("system", _system),
    Step("mark", _mark),
    Step("vault", _vault),
    Step("storage", _storage),
    Step("network", _network),
    Step("key", _key),
    Step("provider", _provider),
    Step("register", _register),
    Step("agent", _agent),
    Step("configure", _configure),
    Step("map", _map),
    Step("enable", _enable),
    Step("initial", _initial),
    Step("test", _test),
)
NAMES = tuple(step.name for step in STEPS)


# --- walking ----------------------------------------------------------------------------------------------------------


class Shown(NamedTuple):
    """What a learner was told: at which ``step``, the codes, whether by a job that failed."""

    step: str
    codes: frozenset[int]
    by_job: bool


Cure = Callable[[Walk, Shown, "LabError | Stuck"], bool]


def go(walk: Walk, mend: Cure) -> list[Shown]:
    """Walk all steps. ``mend`` is told of each refusal, and the call is made again if it says so, else left out.

    A refusal at the click changes nothing; a failed job leaves nothing behind but itself.
    """
    shown: list[Shown] = []
    for step in STEPS:
        for happening in walk.before.get(step.name, ()):
            happening(walk)
        calls = list(step.calls(walk)) if step.name not in walk.skip else []
        if step.name in walk.first:
            calls.insert(0, lambda name=step.name: walk.first[name](walk) if name in walk.first else None)  # type: ignore[misc]
        for call in calls:
            again = step.name not in walk.skip
            while again and step.name not in walk.skip:
                error, told = _try(walk.lab, step.name, call)
                if error is None or told is None:
                    break
                shown.append(told)
                assert len(shown) < 40, shown
                again = mend(walk, told, error)
    return shown


def _try(lab: Lab, step: str, call: Thunk) -> tuple[LabError | Stuck | None, Shown | None]:
    before, job = everything(lab), None
    try:
        job = call()
        if isinstance(job, Job):
            lab.wait(job)
    except (LabError, Stuck) as error:
        told = Shown(step, frozenset(codes(error)), isinstance(job, Job))
        if isinstance(error, LabError) and job is None:
            now = everything(lab)
            assert now == before, [key for key in {*now, *before} if now.get(key) != before.get(key)]
        return error, told
    return None, None
