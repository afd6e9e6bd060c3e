"""What dialogs ask, what they begin with, and what they offer: what is set now, and nothing that would be refused."""

from __future__ import annotations

from pathlib import Path

import labkit
from tests.portal.clicks import Person
from tests.portal.labs import CONTOSO

CLOUD, VM, OTHER = "OnPremise Cloud", "MYWSV01", "MYBSD01"


def shown(person: Person, name: str) -> object:
    """What a field of the open dialog shows: the title of what is chosen, or what is typed."""
    field = person.field(name)
    value = field["value"]
    return field["choices"][value] if field["kind"] == "choice" and value is not None else value


def test_the_lost_line_is_the_one_to_bring_back(tmp_path: Path) -> None:
    """Of two lines that between the sites is lost: the dialog begins with it, and OK at once brings it back."""
    (tmp_path / "two.yml").write_text(CONTOSO.read_text("utf-8") + "replica_site: {hosts: [HV11]}\n", "utf-8")
    with labkit.create(tmp_path / "two.lab", site=tmp_path / "two.yml") as lab:
        lab.faults.lose_line("replica-site")
        person = Person(lab).go("lab", "faults").does("faults.restore_line")
        assert person.seen["script"] == ['lab.faults.restore_line(to="replica-site")']
        assert lab.status()["lines"]["replica-site"]["connected"]
        person.click("faults.restore_line").press()
        assert person.error is not None
        assert person.error["code"] == 900947
