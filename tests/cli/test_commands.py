"""Every command does what it says, in words and as JSON."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from pathlib import Path

import pytest

from labkit.cli import main
from labkit.cli.jupyter import copy_missing
from labkit.engine import host, texts
from labkit.lab import Lab
from labkit.lab import open as open_lab
from tests.cli.console import labkit, process
from tests.recovery.labs import SHOP, facts, new_lab, site_file


def test_new(tmp_path: Path) -> None:
    """A lab is made at the stage asked for, with the seed asked for."""
    site, path = site_file(tmp_path, SHOP), tmp_path / "new.lab"
    said = labkit("new", path, "--site", site, "--seed", "7", "--stage", "protected")
    assert said.status == 0
    assert str(path) in said.out
    with open_lab(path, read_only=True) as lab:
        assert lab.status()["seed"] == 7
        assert lab.vault.items["SHOP"].state == "Protected"


def test_new_as_json_is_the_status(tmp_path: Path) -> None:
    """``new --json`` prints what ``status --json`` prints afterwards."""
    path = tmp_path / "new.lab"
    made = labkit("new", path, "--site", site_file(tmp_path, SHOP), "--json")
    assert made.json == labkit("status", path, "--json").json
    assert made.json["clock"]["now"] == "2014-10-01T09:00:00+09:00"


@pytest.mark.parametrize("site", ["contoso", "three-tier"])
def test_new_from_the_sites_that_come_with_it(tmp_path: Path, site: str) -> None:
    """Both sites are known by their name, and verify is content with what comes of them."""
    assert labkit("new", tmp_path / "a.lab", "--site", site, "--stage", "protected").status == 0
    assert labkit("status", tmp_path / "a.lab", "--json").json["site"] == site
    assert labkit("verify", tmp_path / "a.lab", "--json").json == {"ok": True, "problems": []}


def test_status(file: Path) -> None:
    """Clock, digest, items: in words and as JSON, and the file is not touched."""
    before = hashlib.sha256(file.read_bytes()).hexdigest()
    said, found = labkit("status", file), labkit("status", file, "--json").json
    assert said.status == 0
    assert found["clock"]["now"] in said.out
    assert found["events_digest"] in said.out
    assert found["items"]["SHOP"]["state"] == "Protected"
    assert 12 <= len(found["items"]["SHOP"]["recovery_points"]) <= 13
    assert "SHOP: Protected" in said.out
    assert hashlib.sha256(file.read_bytes()).hexdigest() == before


@pytest.mark.promise(4)
def test_status_names_the_servers_that_do_not_run(tmp_path: Path) -> None:
    """Each by itself with the reason: switched off, crashed as a host, without power; those that run are left out."""
    with new_lab(tmp_path, SHOP, stage="prepared") as lab:
        file, lines = lab.path, []
        for work in (lambda: lab.site.stop_server("DC01"), lab.faults.crash_host, lab.faults.lose_site):
            work()
            found = labkit("status", file)
            assert found.status == 0
            lines.append([line for line in found.out.splitlines() if line.startswith(("DC01:", "SC01:", "HV01:"))])
    assert lines[0] == ["DC01: off"]
    assert lines[1] == ["DC01: off", "HV01: crashed"]
    assert lines[2] == ["DC01: no power", "HV01: no power", "SC01: no power"]


def test_log_as_json_gives_the_digest(file: Path) -> None:
    """The facts one a line: chained by SHA-256 as the design says, they end at ``events_digest``."""
    lines = labkit("log", file, "--json").out.splitlines()
    digest = bytes(32)
    for line in lines:
        digest = hashlib.sha256(digest + line.encode()).digest()
        fact = json.loads(line)
        assert line == json.dumps(fact, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert all(isinstance(value, int | str) for value in fact.values())
    status = labkit("status", file, "--json").json
    assert (digest.hex(), len(lines)) == (status["events_digest"], status["events"])
    assert json.loads(lines[0])["kind"] == "lab.created"


def test_log_in_words(file: Path) -> None:
    """A line for each fact, with the time of the site's zone."""
    lines = labkit("log", file).out.splitlines()
    assert len(lines) == labkit("status", file, "--json").json["events"]
    assert lines[0].startswith("2014-10-01T09:00:00+09:00")


def test_the_journal(file: Path) -> None:
    """What was asked and by which surface, also what was refused; one JSON object a line."""
    with open_lab(file) as lab, pytest.raises(Exception, match="900502"):
        lab.vault.planned_failover("SPARE")
    entries = [json.loads(line) for line in labkit("log", file, "--journal", "--json").out.splitlines()]
    assert entries[0]["command"] == "create"
    assert (entries[-1]["command"], entries[-1]["outcome"], entries[-1]["code"]) == (
        "vault.planned_failover",
        "refused",
        900502,
    )
    words = labkit("log", file, "--journal").out.splitlines()
    assert len(words) == len(entries)
    assert "refused 900502" in words[-1]


def test_copy(file: Path, tmp_path: Path) -> None:
    """The copy has the same digest and lives on its own."""
    new = tmp_path / "b.lab"
    assert labkit("copy", file, new).status == 0
    digest = labkit("status", file, "--json").json["events_digest"]
    assert labkit("status", new, "--json").json["events_digest"] == digest
    labkit("run", new, "1h")
    assert labkit("status", file, "--json").json["events_digest"] == digest


@pytest.mark.parametrize(("duration", "now"), [("6h", "16:"), ("PT6H", "16:"), ("90min", "11:3"), ("1d", "10:")])
def test_run_for_a_duration(file: Path, duration: str, now: str) -> None:
    """Time passes by what was asked, in short units and ISO 8601."""
    said = labkit("run", file, duration, "--json")
    assert said.status == 0
    assert f"T{now}" in said.json["clock"]["now"]


def test_run_until_an_instant(file: Path) -> None:
    """``--until`` takes what status prints, any zone, and is done when it is that time already."""
    said = labkit("run", file, "--until", "2014-10-01T03:00:00Z", "--json")
    assert said.json["clock"]["now"] == "2014-10-01T12:00:00+09:00"
    again = labkit("run", file, "--until", said.json["clock"]["now"], "--json")
    assert (again.status, again.json["events_digest"]) == (0, said.json["events_digest"])


def test_run_in_words(file: Path) -> None:
    """It says what time it is then."""
    assert "2014-10-01T10:" in labkit("run", file, "1s").out


def test_verify(lab: Lab, file: Path) -> None:
    """0 and content; 1 with VM, disk and block once a block was flipped; the same as JSON."""
    assert labkit("verify", file).status == 0
    assert labkit("verify", file, "--full", "--json").json == {"ok": True, "problems": []}
    with lab:
        lab.faults.flip_block("SHOP", "os", 90)
        lab.run("6min")
    said, as_json = labkit("verify", file), labkit("verify", file, "--json")
    assert (said.status, as_json.status) == (1, 1)
    assert "SHOP" in said.out
    assert "block 90" in said.out
    assert as_json.json["ok"] is False
    assert as_json.json["problems"] == said.out.splitlines()


def test_disk_export(lab: Lab, file: Path, tmp_path: Path, qemu_img: str) -> None:
    """Both sides at the failover's point, raw and VHD: a foreign program reads them and finds them identical."""
    with lab:
        lab.vault.planned_failover("SHOP", wait=True)
    site, azure = tmp_path / "site.raw", tmp_path / "azure.vhd"
    said = labkit("disk", "export", file, "SHOP", "os", site)
    assert (said.status, str(site) in said.out) == (0, True)
    options = ("--side", "azure", "--point", "failover", "--format", "vhd", "--sha256", "--json")
    said = labkit("disk", "export", file, "SHOP", "os", azure, *options)
    assert said.status == 0
    assert said.json["path"] == str(azure)
    assert said.json["sha256"] == hashlib.sha256(azure.read_bytes()).hexdigest()
    assert azure.with_name("azure.vhd.sha256").read_text(encoding="utf-8").split()[0] == said.json["sha256"]
    command = [qemu_img, "compare", "-f", "raw", "-F", "vpc", str(site), str(azure)]
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_disk_export_of_a_point(lab: Lab, file: Path, tmp_path: Path) -> None:
    """A recovery point is chosen by its id, at either side."""
    with lab:
        point = lab.vault.items["SHOP"].recovery_points[3].id
        assert len(facts(lab, "cycle", "SHOP")) > 10
    images = []
    for side in ("site", "azure"):
        out = tmp_path / f"{side}.raw"
        assert labkit("disk", "export", file, "SHOP", "data", out, "--side", side, "--point", str(point)).status == 0
        images.append(out.read_bytes())
    assert images[0] == images[1]


def test_drill_list_and_describe() -> None:
    """The three drills, each with its parameters; as JSON the same names."""
    names = [drill["name"] for drill in labkit("drill", "list", "--json").json]
    assert {"life-cycle", "planned", "unplanned"} <= set(names)
    listed = labkit("drill", "list").out
    for name in names:
        assert name in listed
        said = labkit("drill", "describe", name)
        assert said.status == 0
        for parameter in ("bandwidth", "frequency", "retention", "rto", "rpo", "decision_delay", "confirm_delay"):
            assert parameter in said.out
        assert labkit("drill", "describe", name, "--json").json["name"] == name


def test_doctor() -> None:
    """This computer has what is needed: status 0, each finding with a name; the folder of labs is told."""
    said, found = labkit("doctor"), labkit("doctor", "--json")
    assert (said.status, found.status) == (0, 0)
    assert {"Python", "SQLite", "numpy", "qemu-img", "LABKIT_HOME"} <= {finding["name"] for finding in found.json}
    assert all(finding["well"] for finding in found.json if finding["needed"])


def test_help_everywhere() -> None:
    """``--help`` of every command ends well and names its options."""
    assert "COMMAND" in labkit("--help").out
    commands = ["new", "status", "log", "copy", "verify", "run", "lab", "doctor", "bench"]
    commands += ["drill list", "drill describe", "drill run", "disk export"]
    for command in commands:
        said = labkit(*command.split(), "--help")
        assert (said.status, said.err) == (0, "")
        assert "usage: labkit " + command in said.out


def test_the_notebooks_are_copied_and_never_written_over(tmp_path: Path) -> None:
    """``lab`` copies what is missing: a notebook the learner has changed stays as it is."""
    first = copy_missing(tmp_path)
    assert tmp_path / "drills" / "planned.ipynb" in first
    first[0].write_text("mine", encoding="utf-8")
    first[1].unlink()
    assert copy_missing(tmp_path) == [first[1]]
    assert first[0].read_text(encoding="utf-8") == "mine"


def test_status_says_what_is_wrong_with_replication(tmp_path: Path) -> None:
    """Paused, to be resynchronised, under way: each in a line of its own, with the reason."""
    with new_lab(tmp_path, SHOP) as lab:
        path = lab.path
        lab.run("10min")
        lab.site.pause_replication("SHOP")
    assert "    replication is paused\n" in labkit("status", path).out
    with open_lab(path) as lab:
        lab.site.resume_replication("SHOP")
        lab.faults.fail_log("SHOP")
    assert "    resynchronisation required: a write to the change log failed\n" in labkit("status", path).out
    with open_lab(path) as lab:
        lab.vault.resynchronise("SHOP", wait=True)
    assert "    resynchronisation under way: a write to the change log failed\n" in labkit("status", path).out


@pytest.mark.parametrize(("language", "name"), [("en", "00-start-here.ipynb"), ("ja", "00-start-here.ja.ipynb")])
def test_lab_opens_the_first_notebook_of_the_language(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, language: str, name: str
) -> None:
    """JupyterLab is started on a copy of the first notebook in the person's language, its menus in it too.

    The person's own places for Jupyter's settings are kept.
    """
    started: list[list[str]] = []
    monkeypatch.setattr(host, "hand_over", lambda command: started.append(command) or 0)
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "mine")
    texts.set_language(language)
    assert main(["lab", str(tmp_path / "a b"), "--no-browser"]) == 0
    assert f"--LabApp.default_url=/lab/tree/{name}" in started[0]
    assert "--no-browser" in started[0]
    assert (tmp_path / "a b" / name).is_file()
    first, *others = os.environ["JUPYTER_CONFIG_PATH"].split(os.pathsep)
    assert first == "mine"
    settings = [json.loads(Path(p, "labconfig", "default_setting_overrides.json").read_text("utf-8")) for p in others]
    known = {name: value for found in settings for values in found.values() for name, value in values.items()}
    assert known["fetchNews"] == "false"
    assert known.get("locale") == ("ja_JP" if language == "ja" else None)


def test_a_folder_that_cannot_be_used(tmp_path: Path) -> None:
    """``lab`` on a file instead of a folder: 900704, before any server is started."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    said = labkit("lab", tmp_path / "file")
    assert said.status == 3
    assert "900704" in said.err


def test_version() -> None:
    """``--version`` prints name and version."""
    import labkit as package

    assert labkit("--version").out.split() == ["labkit", package.__version__]


def test_as_a_module(file: Path) -> None:
    """``python -m labkit.cli`` is the same program."""
    assert process(["status", file, "--json"]).json == labkit("status", file, "--json").json
