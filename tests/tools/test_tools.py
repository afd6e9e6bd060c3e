"""The tools that hold the repository together: translations, exact versions, set-up, the count of tests."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from babel.messages.catalog import Message
from packaging.requirements import Requirement

from labkit.engine import resources, texts, units
from labkit.engine.errors import LabError, listed
from labkit.recovery import states
from tools import constraints, i18n, setup

ROOT = Path(__file__).resolve().parents[2]


def test_errors_speak_japanese() -> None:
    """The compiled catalogue is found beside the code, and an error's details are filled into its translation."""
    texts.set_language("ja")
    with pytest.raises(LabError) as caught:
        units.size("big")
    assert caught.value.message == "'big' はサイズではありません。"


def test_errors_say_program_words_in_words() -> None:
    """Operation, kind of job, task, state and role are shown by their titles, the codes beside them."""
    texts.set_language("en")
    busy = LabError(532, vm="A", operation="-", job="job-0001", scenario="EnableDr", task="EnableProtection")
    assert busy.message.endswith(
        "Enable protection (EnableDr) is under way (job-0001, at the task Enable replication (EnableProtection))."
    )
    allowed = LabError(900501, vm="A", operation="Commit", state="Protected", allowed=("TestFailover", "Failback"))
    assert allowed.message == "Commit is not possible for A in the state Protected."
    texts.set_language("ja")
    assert str(allowed).endswith(": テスト フェールオーバー (TestFailover)、フェールバック (Failback)")
    assert "「Hyper-V ホスト」" in LabError(900511, server="H", role="host").message


def test_every_program_word_has_words() -> None:
    """Each kind of job, each operation and each state of the table has a title in data/states.yml."""
    words = resources.yaml("states.yml")
    assert set(words["jobs"]) == {job.partition("/")[0] for job in resources.yaml("timings.yml")}
    assert {operation for _state, operation in states.TABLE} <= set(words["operations"])
    assert set(states.STATES) == set(words["states"])


def test_lists_have_the_separator_of_the_language() -> None:
    """Names are joined as each language does; one name is itself, none is nothing."""
    joined = {}
    for language in texts.LANGUAGES:
        texts.set_language(language)
        joined[language] = [listed(names) for names in ((), ("a",), ("a", "{b}", "c"))]
    assert joined == {"en": ["", "a", "a, {b}, c"], "ja": ["", "a", "a、{b}、c"]}


@pytest.mark.parametrize(
    ("source", "target", "fault"),
    [
        ("{name} is full", "", "not"),
        ("{name} is full", "{nmae} がいっぱいです", "placeholders"),
        ("{name} is full", "{name がいっぱいです", "braces"),
        (("{n} order", "{n} orders"), ("{m} 件",), "placeholders"),
        ("{name} is full", "{name} がいっぱいです", None),
    ],
)
def test_check_names_what_is_wrong_with_a_translation(source: object, target: object, fault: str | None) -> None:
    """A missing translation, another placeholder and broken braces are each named; a good translation is not."""
    found = [text.split(":")[0].split()[0] for text in i18n.faults_of(Message(source, target))]
    assert found == ([fault] if fault else [])


def test_texts_are_read_from_data_at_any_depth() -> None:
    """Texts below a named key are found in mappings and lists; other keys are left alone."""
    node = {900001: {"message": "A", "exit": "no", "action": ["B", {"deep": "C"}]}}
    assert list(i18n.below(node, ("message", "action"))) == ["A", "B", "C"]


def test_constraints_miss_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is whole for all systems; without a package that only Windows needs, the check says so for Windows."""
    assert constraints.check() == []
    fewer = [pin for pin in constraints.pins() if pin.name != "colorama"]
    monkeypatch.setattr(constraints, "pins", lambda: fewer)
    faults = constraints.check()
    assert faults
    assert all(fault.startswith("colorama has no version (win32") for fault in faults)


@pytest.mark.parametrize(
    ("line", "good"), [("numpy==2.4.6", True), ("numpy>=2", False), ("numpy==2.*", False), ("numpy", False)]
)
def test_a_constraint_is_one_version(line: str, good: bool) -> None:
    """Only ``==`` with a whole version counts as exact."""
    assert constraints.exact(Requirement(line)) is good


def test_windows_lines_carry_no_markers(tmp_path: Path) -> None:
    """What pip is asked to find for Windows holds Windows' own packages and none that Windows does without."""
    constraints.windows(tmp_path / "w.txt", "3.12")
    names = {line.split("==")[0] for line in (tmp_path / "w.txt").read_text("utf-8").splitlines()}
    assert {"pywinpty", "colorama", "aiohttp"} <= names
    assert not {"ptyprocess", "appnope"} & names
    assert ";" not in (tmp_path / "w.txt").read_text("utf-8")


def test_set_up_refuses_an_old_python(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Too old a Python is bad input, named with what is needed."""
    monkeypatch.setattr(sys, "version_info", (3, 10, 13))
    with pytest.raises(SystemExit) as stopped:
        setup.refuse_old_python()
    assert stopped.value.code == 3
    assert "3.11" in capsys.readouterr().out


def test_set_up_is_due_again_when_a_version_changes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The stamp holds while its inputs do; a change of the constraints or of the folder makes set-up run again."""
    for name in setup.INPUTS:
        tmp_path.joinpath(name).parent.mkdir(exist_ok=True)
        tmp_path.joinpath(name).write_bytes(ROOT.joinpath(name).read_bytes())
    here = setup.stamp()
    monkeypatch.setattr(setup, "ROOT", tmp_path)
    moved = setup.stamp()
    with (tmp_path / "constraints.txt").open("a", encoding="utf-8") as file:
        file.write("one==1\n")
    assert len({here, moved, setup.stamp()}) == 3


@pytest.mark.parametrize(
    ("case", "status"),
    [
        ("", 0),
        ('<testcase name="b"><skipped message="only on Windows"/></testcase>', 0),
        ('<testcase name="b"><skipped message="qemu-img is not installed"/></testcase>', 1),
        ('<testcase name="b"><failure/></testcase>', 1),
    ],
)
def test_a_skip_for_want_of_a_tool_fails_ci(tmp_path: Path, case: str, status: int) -> None:
    """The summary is content with passes and skips of another system, not with failures or missing tools."""
    report = tmp_path / "junit.xml"
    report.write_text(f'<testsuites><testsuite><testcase name="a"/>{case}</testsuite></testsuites>', "utf-8")
    command = [sys.executable, str(ROOT / "tools" / "test_summary.py"), str(report)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == status
    assert done.stdout.splitlines()[-1].startswith("1 passed, ")
