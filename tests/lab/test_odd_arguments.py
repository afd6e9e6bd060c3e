"""What no method of a door should be given: it is refused, nothing changes, and the lab's file opens again."""

from __future__ import annotations

import inspect
import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import labkit
from labkit.engine.errors import LabError
from labkit.lab import Lab

PHONE, CARD = "090-1234-5678", "0000-1111-2222-3333"
ODD: dict[str, Any] = {
    "number": 5,
    "yes": True,
    "fraction": 1.5,
    "none": None,
    "bytes": b"x",
    "list": [1],
    "object": object(),
    "half a character": "\ud800",
    "halves": ["\ud800"],
    "mapping": {"a": 1},
}
DOORS: dict[str, Callable[[Lab], Any]] = {
    "site": lambda lab: lab.site,
    "vmm": lambda lab: lab.site.vmm,
    "azure": lambda lab: lab.azure,
    "vault": lambda lab: lab.vault,
    "faults": lambda lab: lab.faults,
    "hyperv": lambda lab: lab.hyperv,
}
FITTING = {
    "int": {"number"},
    "bool": {"yes"},
    "None": {"none"},
    "float": {"number", "fraction"},
    "Sequence[Any]": {"list"},
    "Any": {"number", "yes", "fraction", "none", "bytes", "list", "object", "mapping"},
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A lab of each stage, to be copied."""
    folder = tmp_path_factory.mktemp("odd")
    stages = ("start", "prepared", "registered", "protected")
    for stage in stages:
        labkit.create(folder / f"{stage}.lab", stage=stage).close()
    return {stage: folder / f"{stage}.lab" for stage in stages}


@pytest.fixture
def at(made: dict[str, Path], tmp_path: Path) -> Iterator[Callable[[str], Lab]]:
    """``at("prepared")``: a lab of that stage."""
    labs: list[Lab] = []

    def copy(stage: str) -> Lab:
        path = tmp_path / f"{len(labs)}.lab"
        path.write_bytes(made[stage].read_bytes())
        labs.append(labkit.open(path))
        return labs[-1]

    yield copy
    for lab in labs:
        lab.close()


def contents(lab: Lab) -> Any:
    return lab.read(
        lambda world: (
            world.facts.digest.hex(),
            [tuple(row) for row in world.store.rows("SELECT kind, id, body FROM entities ORDER BY kind, id")],
        )
    )


def code_of(lab: Lab, attempt: Callable[[], Any]) -> int:
    """The code of a refusal that changed nothing; the lab opens again afterwards."""
    before = contents(lab)
    with pytest.raises(LabError) as caught:
        attempt()
    assert contents(lab) == before
    labkit.open(lab.path).close()
    assert str(caught.value)
    return caught.value.code


def attempts(door: object) -> Iterator[tuple[str, str, str]]:
    """Every parameter of every public method, with each odd value that it does not take."""
    for name, method in inspect.getmembers(type(door), inspect.isfunction):
        if name.startswith("_"):
            continue
        for told in list(inspect.signature(method).parameters.values())[1:]:
            kinds = str(told.annotation).split(" | ")
            taken = set().union(*(FITTING.get(kind, set()) for kind in kinds))
            if told.kind is not inspect.Parameter.VAR_KEYWORD:
                yield from ((name, told.name, odd) for odd in ODD if odd not in taken)


@pytest.mark.parametrize("door", DOORS)
def test_every_parameter_refuses_what_is_of_another_kind(at: Callable[[str], Lab], door: str) -> None:
    lab = at("protected")
    it, before, seen = DOORS[door](lab), contents(lab), 0
    for name, parameter, odd in attempts(it):
        method = getattr(it, name)
        told = inspect.signature(method).parameters
        if told[parameter].kind is inspect.Parameter.VAR_POSITIONAL:
            call = lambda method=method, odd=odd: method("MYWSV01", ODD[odd])  # noqa: E731
        else:
            call = lambda method=method, parameter=parameter, odd=odd: method(**{parameter: ODD[odd]})  # noqa: E731
        with pytest.raises(LabError) as caught:
            call()
        assert caught.value.code == 900063, (name, parameter, odd)
        seen += 1
    assert seen > 10
    assert contents(lab) == before


def test_what_is_given_by_name_alone_is_looked_at_too(at: Callable[[str], Lab], tmp_path: Path) -> None:
    lab = at("registered")
    vault, site = lab.vault, lab.site
    for setting, wrong in itertools.product(("retention", "storage", "encrypt"), ([], "\ud800", 1.5)):
        assert code_of(lab, lambda s=setting, w=wrong: vault.configure_protection(**{s: w})) == 900063  # type: ignore[misc]
    for setting in ("compression", "delete_replica"):
        settings = {"target": "Backup", setting: "no"}
        assert code_of(lab, lambda given=settings: vault.configure_protection(**given)) == 900063  # type: ignore[misc]
    key = lab.vault.generate_key(tmp_path)
    for name in ("command", "work", "server", "nosuch"):
        assert code_of(lab, lambda n=name: site.install_agent("HV01", **{n: 1})) == 900631  # type: ignore[misc]
        add = lambda n=name: site.vmm.add_host("HV01", credentials="x", **{n: 1})  # noqa: E731
        assert code_of(lab, add) == 900631
        if name != "server":
            assert code_of(lab, lambda n=name: site.install_vmm(**{n: 1})) == 900631  # type: ignore[misc]
            assert code_of(lab, lambda n=name: site.register(key, **{n: 1})) == 900631  # type: ignore[misc]


def test_files_that_cannot_be(at: Callable[[str], Lab]) -> None:
    lab = at("prepared")
    assert code_of(lab, lambda: lab.site.make_certificate("x" * 300, password="secret")) == 900570
    assert code_of(lab, lambda: lab.vault.generate_key("x" * 300)) == 900824
    assert code_of(lab, lambda: lab.vault.generate_key("a\0b")) == 900824
    assert code_of(lab, lambda: lab.site.register("x" * 300)) == 900825


def test_a_target_of_readiness_that_is_none() -> None:
    with pytest.raises(LabError) as caught:
        labkit.readiness("contoso", target="x")  # type: ignore[arg-type]
    assert caught.value.code == 900545


def test_a_page_takes_a_path_as_the_one_call_does(at: Callable[[str], Lab], tmp_path: Path) -> None:
    lab = at("prepared")
    wizard = lab.site.wizard("registration")
    wizard.next()
    assert wizard.next(key=lab.vault.generate_key(tmp_path)) == "Synchronize cloud metadata"
    wizard.next(certificate=tmp_path / "a.pfx", password="secret")
    lab.wait(wizard.finish())
    assert (tmp_path / "a.pfx").exists()


def with_vmm(lab: Lab) -> Lab:
    lab.site.add_feature("SC01")
    lab.site.install("SC01", "SQL Server 2012 SP1")
    lab.site.install("SC01", "Windows ADK")
    lab.site.install_vmm(accept_licence=True, product_key="AAAAA-BBBBB")
    return lab


def test_two_setups_of_the_provider(at: Callable[[str], Lab]) -> None:
    """Cancelling the second leaves the first as it is; one that was lost is gone on with by the one call."""
    lab = with_vmm(at("start"))
    first = lab.site.wizard("provider")
    first.next()
    second = lab.site.wizard("provider")
    assert code_of(lab, second.next) == 900832
    second.cancel()
    assert not lab.site.vmm.running
    first.cancel()
    assert lab.site.vmm.running
    lab = with_vmm(at("start"))
    lab.site.wizard("provider").next()
    assert not lab.site.vmm.running
    lab.site.install_provider()
    assert lab.site.vmm.running
    assert code_of(lab, lab.site.install_provider) == 900832


def test_secrets_stay_out_of_the_journal(at: Callable[[str], Lab]) -> None:
    lab = with_vmm(at("start"))
    told = json.loads(lab.journal[-1]["arguments"])
    assert (told["product_key"], told["version"]) == ("***", "System Center 2012 R2")
    assert code_of(lab, lambda: lab.site.install_agent("HV01", proxy="http://me:pw1@p")) == 900633
    lab.site.install_agent("HV01")
    assert code_of(lab, lambda: lab.site.agent_proxy("HV01", "http://me:pw1@p")) == 900633
    assert code_of(lab, lambda: lab.site.agent_proxy("HV01", "http://p", port=0)) == 900633
    assert code_of(lab, lambda: lab.site.register("x", proxy="http://me:pw1@p")) == 900633
    lab.site.agent_proxy("HV01", "http://p", user="me")
    assert "pw1" not in json.dumps(lab.journal)
    assert "AAAAA" not in json.dumps(lab.journal)


def test_hosts_named_twice_and_in_lines(at: Callable[[str], Lab]) -> None:
    administrator = "DEMO\\Administrator"
    lab = with_vmm(at("start"))
    assert [job.target for job in lab.site.vmm.add_hosts(["HV01", "hv01"], credentials=administrator)] == ["HV01"]
    lab = with_vmm(at("start"))
    assert len(lab.site.vmm.add_hosts("HV01\nhv01\n", credentials=administrator)) == 1
    assert code_of(lab, lambda: lab.site.vmm.add_hosts("HV01", credentials=administrator)) == 532


@pytest.mark.parametrize("name", ["", " ", " x", "x" * 101, "a\nb", "a\0b", *(f"a{char}b" for char in '/\\:*?"<>|')])
def test_names_in_vmm_are_as_in_a_site_file(at: Callable[[str], Lab], name: str) -> None:
    lab = at("registered")
    assert code_of(lab, lambda: lab.site.vmm.create_cloud(name)) == 900673
    if name != " x":  # blanks at the ends of a host group's name are left out
        assert code_of(lab, lambda: lab.site.vmm.create_host_group(name)) == 900663


def test_names_in_azure_compare_without_case(at: Callable[[str], Lab]) -> None:
    lab = at("registered")
    vault, network = next(iter(lab.azure.vaults)), lab.azure.networks[0]
    assert code_of(lab, lambda: lab.azure.create_vault(vault.swapcase(), "East Asia")) == 900809
    assert code_of(lab, lambda: lab.azure.quick_network(network.swapcase(), "East Asia")) == 900809


def test_a_server_needs_a_name_in_the_vault(at: Callable[[str], Lab], tmp_path: Path) -> None:
    lab = at("prepared")
    key = lab.vault.generate_key(tmp_path)
    assert code_of(lab, lambda: lab.site.register(key, friendly_name="")) == 900632
    assert code_of(lab, lambda: lab.site.register(key, friendly_name="a\nb")) == 900633
