"""Consoles, languages, folders and environments as they are found on real computers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.console import process
from tests.recovery.labs import SHOP, site_file

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="folders without the right to write work otherwise there")


def _env(**more: str) -> dict[str, str]:
    found = {
        key: value for key, value in os.environ.items() if key not in ("LANGUAGE", "LABKIT_LANG", "LC_ALL", "LANG")
    }
    return found | more


def test_japanese(file: Path) -> None:
    """``LABKIT_LANG=ja``: an error in Japanese with the same code and status; JSON keeps its keys."""
    said = process(["status", "無い.lab"], env=_env(LABKIT_LANG="ja", PYTHONUTF8="1"))
    assert said.status == 3
    assert "エラー 900003" in said.err
    assert "無い.lab" in said.err
    found = process(["status", file, "--json"], env=_env(LABKIT_LANG="ja")).json
    assert found == process(["status", file, "--json"], env=_env(LABKIT_LANG="en")).json


@pytest.mark.promise(9)
@pytest.mark.parametrize("language", ["ja", "en"])
def test_a_console_of_code_page_932(tmp_path: Path, language: str) -> None:
    """cp932: nothing ends in a UnicodeEncodeError, Japanese comes out whole, and what cannot be shown is replaced."""
    env = _env(LABKIT_LANG=language, PYTHONIOENCODING="cp932")
    path = tmp_path / "訓練 ①.lab"
    said = process(["new", path, "--site", site_file(tmp_path, SHOP)], env=env, encoding="cp932")
    assert said.status == 0
    assert "訓練" in said.out
    for command in (["status"], ["log"], ["log", "--journal"], ["verify"], ["run", "1h"]):
        said = process([command[0], path, *command[1:]], env=env, encoding="cp932")
        assert (said.status, said.err) == (0, "")
    said = process(["status", tmp_path / "😀 한국.lab"], env=env, encoding="cp932")
    assert said.status == 3
    assert "900003" in said.err
    assert "Traceback" not in said.err


@pytest.mark.promise(9)
def test_paths_with_spaces_and_japanese_letters(tmp_path: Path) -> None:
    """Everything works in a folder of such a name, with files of such names."""
    folder = tmp_path / "災害 復旧　ラボ (1)"
    folder.mkdir()
    path, copy, disk = folder / "第 一.lab", folder / "写し.lab", folder / "ディスク 1.raw"
    assert process(["new", path, "--site", site_file(folder, SHOP), "--stage", "protected"]).status == 0
    assert process(["run", path, "1h"]).status == 0
    assert process(["copy", path, copy]).status == 0
    assert process(["verify", copy]).status == 0
    assert process(["disk", "export", copy, "SHOP", "data", disk, "--json"]).json["path"] == str(disk)
    assert process(["status", path.name, "--json"], cwd=folder).json["file"] == path.name


@POSIX
def test_an_empty_environment(tmp_path: Path) -> None:
    """``env -i`` with ``LANG=C`` and no HOME: made, run, verified, and JSON alone on standard output."""
    env, path = {"LANG": "C"}, tmp_path / "a.lab"
    made = process(["new", path, "--site", site_file(tmp_path, SHOP), "--stage", "protected", "--json"], env=env)
    assert (made.status, made.err) == (0, "")
    assert made.json["items"]["SHOP"]["state"] == "Protected"
    assert process(["run", path, "1h", "--json"], env={}).json["clock"]["now"].startswith("2014-10-01T10:")
    assert process(["verify", path, "--json"], env=env).json == {"ok": True, "problems": []}
    assert process(["log", path, "--json"], env=env).out.endswith("}\n")
    assert process(["doctor", "--json"], env=env).status == 0


@POSIX
def test_japanese_paths_on_a_console_of_ascii(tmp_path: Path) -> None:
    """``LANG=C`` with Python's UTF-8 mode off: what cannot be shown is replaced, nothing breaks."""
    path = tmp_path / "訓練.lab"
    env = {"LANG": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii", "LABKIT_LANG": "ja"}
    said = process(["new", path, "--site", site_file(tmp_path, SHOP)], env=env)
    assert (said.status, "Traceback" in said.err) == (0, False)
    assert path.exists()
    assert process(["status", path], env=env).status == 0


@POSIX
def test_a_working_folder_without_the_right_to_write(tmp_path: Path) -> None:
    """Started from a folder that cannot be written, with the lab elsewhere: all goes well, nothing is left in it."""
    closed = tmp_path / "closed"
    closed.mkdir()
    path = tmp_path / "a.lab"
    site = site_file(tmp_path, SHOP)
    closed.chmod(0o555)
    try:
        assert process(["new", path, "--site", site, "--stage", "protected"], cwd=closed).status == 0
        assert process(["run", path, "1h"], cwd=closed).status == 0
        assert process(["disk", "export", path, "SHOP", "os", tmp_path / "o.raw"], cwd=closed).status == 0
        assert list(closed.iterdir()) == []
    finally:
        closed.chmod(0o755)


@POSIX
def test_a_lab_that_can_only_be_read(file: Path) -> None:
    """A lab in a read-only folder is looked at and verified without being touched; running it is refused in words."""
    before = file.read_bytes()
    file.chmod(0o444)
    file.parent.chmod(0o555)
    try:
        assert process(["status", file]).status == 0
        assert process(["verify", file]).status == 0
        assert file.read_bytes() == before
        if os.geteuid() != 0:  # root may write everywhere
            said = process(["run", file, "1h"])
            assert (said.status in (2, 3), "Traceback" in said.err) == (True, False)
    finally:
        file.parent.chmod(0o755)
        file.chmod(0o644)


def test_a_reader_that_goes_away(file: Path) -> None:
    """``labkit log | head -1`` ends without a word of complaint."""
    import subprocess

    command = [sys.executable, "-m", "labkit.cli", "log", str(file), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stderr is not None
        writer.stdout.readline()
        writer.stdout.close()
        assert b"Traceback" not in writer.stderr.read()


@pytest.mark.promise(5)
def test_a_synchronised_folder_is_not_played_in(tmp_path: Path) -> None:
    """Looking is allowed; time does not pass there, and the words say what to do."""
    folder = tmp_path / "OneDrive - Contoso"
    folder.mkdir()
    path = folder / "a.lab"
    assert process(["new", path, "--site", site_file(tmp_path, SHOP)]).status == 0
    said = process(["run", path, "1h"])
    assert said.status == 3
    assert "900033" in said.err
    assert "labkit copy" in said.err
    assert process(["status", path]).status == 0
    assert process(["copy", path, tmp_path / "b.lab"]).status == 0
    assert process(["run", tmp_path / "b.lab", "1h"]).status == 0


@pytest.mark.skipif(sys.platform == "win32", reason="only on POSIX is there a limit for the size of a file")
def test_a_file_that_can_grow_no_more(tmp_path: Path) -> None:
    """The medium is full in the middle of a run: 900011 and exit 2, no traceback; the file is whole and goes on."""
    path = tmp_path / "full.lab"
    assert process(["new", path, "--stage", "protected"]).status == 0
    blocks = path.stat().st_size // 1024 + 40
    command = f"trap '' XFSZ; ulimit -f {blocks}; exec '{sys.executable}' -m labkit run '{path}' 30d"
    said = subprocess.run(
        ["bash", "-c", command], env=_env(LABKIT_LANG="en"), capture_output=True, text=True, check=False
    )
    assert said.returncode == 2
    assert "900011" in said.stderr
    assert "Traceback" not in said.stderr
    assert process(["verify", path]).status == 0
    assert process(["run", path, "1h"]).status == 0
