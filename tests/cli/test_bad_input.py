"""Exit status 2, 3, 4; what was found, what is allowed, what was probably meant; never a traceback."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from labkit.lab import Lab
from labkit.lab import open as open_lab
from tests.cli.console import labkit, process
from tests.recovery.labs import SHOP, site_file


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], ["COMMAND"]),
        (["stats", "FILE"], ["stats", "status"]),
        (["status"], ["FILE"]),
        (["status", "a.lb"], ["900003", "a.lb"]),
        (["new", "FILE"], ["900001"]),
        (["new", "NEW", "--site", "contosso"], ["900206", "Did you mean", "contoso", "three-tier"]),
        (["new", "NEW", "--site", "nowhere.yml"], ["900201", "nowhere.yml"]),
        (["new", "NEW", "--site", "."], ["900202"]),
        (["new", "NEW", "--stage", "protectd"], ["900050", "Did you mean 'protected'?"]),
        (["new", "NEW", "--seed", "-1"], ["900051"]),
        (["new", "NEW", "--seed", "99999999999999999999"], ["900051"]),
        (["new", "NEW", "--seed", "one"], ["--seed"]),
        (["new", "no/such/folder/x.lab"], ["900002", "folder"]),
        (["copy", "FILE", "FILE"], ["900001"]),
        (["copy", "FILE", "no/such/x.lab"], ["900002"]),
        (["run", "FILE"], ["900058"]),
        (["run", "FILE", "3650000d"], ["900061", "2100"]),
        (["run", "FILE", "1h", "--until", "2014-10-02T00:00:00Z"], ["900058"]),
        (["run", "FILE", "soon"], ["900101", "soon"]),
        (["run", "FILE", "--", "-1h"], ["900101"]),
        (["run", "FILE", "--until", "2014-10-02T00:00:00"], ["900105"]),
        (["run", "FILE", "--until", "2014-02-30T00:00:00Z"], ["900105"]),
        (["run", "FILE", "--until", "2014-09-30T00:00:00Z"], ["900544", "2014-10-01T"]),
        (["disk", "export", "FILE", "SHOPP", "os", "OUT"], ["900010", "Did you mean 'SHOP'?"]),
        (["disk", "export", "FILE", "SHOP", "oss", "OUT"], ["900534", "os, data"]),
        (["disk", "export", "FILE", "SHOP", "os", "OUT", "--point", "newest"], ["900542", "latest", "failover"]),
        (["disk", "export", "FILE", "SHOP", "os", "OUT", "--point", "999", "--side", "azure"], ["900522"]),
        (["disk", "export", "FILE", "SHOP", "os", "OUT", "--point", "failover"], ["900543"]),
        (["disk", "export", "FILE", "SPARE", "os", "OUT", "--side", "azure"], ["900502"]),
        (["disk", "export", "FILE", "SHOP", "os", "FILE"], ["900302"]),
        (["disk", "export", "FILE", "SHOP", "os", "OUT", "--side", "cloud"], ["--side", "azure"]),
        (["drill", "describe", "plannd"], ["900600", "planned"]),
        (["drill", "run", "planned", "-p", "frequency"], ["900702"]),
        (["drill", "run", "planned", "-p", "a=1", "-p", "a=2"], ["900702"]),
        (["bench", "cycle"], ["900705", "cycles"]),
        (["bench", "cycles", "--grow"], ["--grow", "NAME"]),
        (["bench", "cycles", "--chart", "OUT"], ["900710", "--grow"]),
        (["bench", "--grow", "--chart", "OUT"], ["900709", ".svg, .png"]),
    ],
    ids=lambda value: " ".join(value[:6]) if isinstance(value, list) else None,
)
def test_bad_input_is_status_3(file: Path, tmp_path: Path, arguments: list[str], words: list[str]) -> None:
    """Every mistake ends with 3, on standard error, with what was found and what is allowed; nothing is left behind."""
    names = {"FILE": str(file), "NEW": str(tmp_path / "new.lab"), "OUT": str(tmp_path / "out.raw"), ".": str(tmp_path)}
    before = sorted(tmp_path.iterdir())
    said = labkit(*(names.get(argument, argument) for argument in arguments))
    assert (said.status, said.out) == (3, "")
    for word in words:
        assert word in said.err
    assert "Traceback" not in said.err
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("arguments", [["status", "a.lb"], ["run", "a.lb", "1h"], ["verify", "a.lb"], ["log", "a.lb"]])
def test_an_error_as_json(arguments: list[str]) -> None:
    """With ``--json`` the error is the JSON on standard output, the words for people are on standard error."""
    said = labkit(*arguments, "--json")
    assert said.status == 3
    assert said.json["error"]["code"] == 900003
    assert set(said.json["error"]) == {"code", "message", "cause", "action", "allowed"}
    assert "900003" in said.err


@pytest.mark.parametrize("content", [b"", b"junk", b"SQLite format 3\0" + bytes(4080), b"\xff\xfe" * 5000])
@pytest.mark.parametrize("command", [["status"], ["run", "1h"], ["verify"], ["log"], ["copy", "b.lab"]])
def test_a_file_that_is_no_lab(tmp_path: Path, content: bytes, command: list[str]) -> None:
    """Whatever is in it: told in words, and the file is not changed."""
    path = tmp_path / "no.lab"
    path.write_bytes(content)
    rest = [tmp_path / word if word.endswith(".lab") else word for word in command[1:]]
    said = labkit(command[0], path, *rest)
    assert said.status in (2, 3)
    assert "no.lab" in said.err
    assert "Traceback" not in said.err
    assert path.read_bytes() == content


def test_a_site_file_with_faults_tells_them_all(tmp_path: Path) -> None:
    """Three faults, three lines with number and key, and a guess."""
    path = site_file(tmp_path, SHOP.replace("churn: 20KB/s", "chrun: 20KB/s"), frequency="7min", bandwidth="fast")
    said = labkit("new", tmp_path / "x.lab", "--site", path)
    assert said.status == 3
    assert "900200" in said.err
    for word in ("chrun", "churn", "7min", "fast", f"{path}:2", f"{path}:3", f"{path}:5"):
        assert word in said.err
    assert not (tmp_path / "x.lab").exists()


def test_a_failed_job_is_no_bad_input(lab: Lab) -> None:
    """What failed in the world has exit status 2, what was asked wrongly 3, who is busy 4."""
    with lab:
        lab.faults.lose_line()
        with pytest.raises(Exception, match="900521") as failed:
            lab.vault.planned_failover("SHOP", wait=True)
        assert failed.value.exit_status == 2  # type: ignore[attr-defined]


@pytest.mark.promise(5)
def test_busy_is_status_4(lab: Lab, file: Path) -> None:
    """While another process plays the clock, run ends with 4 and names it; commands and status still work."""
    with lab, lab._session.playing():
        said = process(["run", file, "1h"])
        assert said.status == 4
        assert "900030" in said.err
        assert str(lab.status()["clock"]["played_by"]["pid"]) in said.err
        assert process(["status", file, "--json"]).json["clock"]["played_by"] is not None
    assert process(["run", file, "1h"]).status == 0


@pytest.mark.promise(5)
def test_take_over(lab: Lab, file: Path) -> None:
    """With ``--take-over`` the run goes through."""
    with lab, lab._session.playing():
        assert process(["run", file, "1h", "--take-over"]).status == 0
    with open_lab(file, read_only=True) as found:
        assert found.now.startswith("2014-10-01T11:")


def test_bad_options_say_how_it_is_used(file: Path) -> None:
    """argparse's own findings: status 3, usage on standard error, standard output empty also with ``--json``."""
    said = labkit("status", file, "--json", "--colour")
    assert (said.status, said.out) == (3, "")
    assert "usage: labkit" in said.err
    assert "--colour" in said.err


def test_json_is_plain_ascii(tmp_path: Path) -> None:
    """JSON with Japanese names goes through every console: escaped, and read back whole."""
    path = tmp_path / "復旧 訓練.lab"
    said = labkit("new", path, "--site", site_file(tmp_path, SHOP), "--json")
    assert said.out.isascii()
    assert json.loads(said.out)["file"] == str(path)
