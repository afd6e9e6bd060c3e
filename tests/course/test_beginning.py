"""Where a notebook begins: the learner's own lab or a new one, again and again, and nothing is ever lost."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import labkit
from labkit import course
from labkit.course import beginning, catalogue, desk, surroundings
from labkit.engine.errors import LabError


def _labs(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.lab"))


def _finish(slug: str) -> None:
    for step in catalogue.lesson(slug).steps:
        assert course.solve(step.slug)


def test_first_a_new_lab_then_the_learner_s_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The first notebook makes a lab; the next one takes the same lab, at which the last one has left it."""
    lab = course.start("release-cloud")
    assert _labs(tmp_path) == ["contoso.lab"]
    _finish("release-cloud")
    assert course.start("unregister-server") is lab
    assert _labs(tmp_path) == ["contoso.lab"]
    told = capsys.readouterr().out
    assert "4.3" in told
    assert "サーバーの登録解除" in told
    assert "contoso.lab" in told


def test_run_all_again_and_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A lesson begun anew has a lab at its beginning each time; each lab before is kept as it was, and named."""
    digests = []
    for times in range(1, 4):
        lab = course.start("release-cloud")
        assert beginning.stages.done_already(lab, catalogue.lesson("release-cloud")) is None
        _finish("release-cloud")
        digests.append((lab.path.name, lab.events_digest))
        assert len(_labs(tmp_path)) == times
    assert [name for name, _ in digests] == ["contoso.lab", "contoso-2.lab", "contoso-3.lab"]
    for name, digest in digests:
        with labkit.open(tmp_path / name, read_only=True) as kept:
            assert kept.events_digest == digest
    assert "contoso-2.lab is kept" in capsys.readouterr().out


def test_a_lab_that_does_not_stand_there_says_why(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Opened out of order the notebook names what the lab lacks; resumed, that lab goes on where it stood."""
    first = course.start("evaluation-site")
    digest = first.events_digest
    course.start("release-cloud")
    told = capsys.readouterr().out
    assert "contoso.lab is kept as it is" in told
    assert "expected" in told
    back = course.resume(file="contoso.lab")
    assert (back.path.name, back.events_digest) == ("contoso.lab", digest)
    assert course.start("evaluation-site") is back


def test_after_a_restart_of_the_kernel(tmp_path: Path, learner: Callable[[], None]) -> None:
    """Checked in a new kernel, without the first cell, a step is looked for in the lab that was begun last."""
    course.start("release-cloud")
    _finish("release-cloud")
    learner()
    assert course.check("release-cloud-done").ok
    assert course.resume().path.name == "contoso.lab"
    learner()
    (tmp_path / desk.LOG).unlink()
    with pytest.raises(LabError, match=r"course\.start"):
        course.check("release-cloud-done")


def test_a_second_kernel_has_the_same_lab(tmp_path: Path) -> None:
    """Another process that begins the same notebook gets the same file, and what it does is seen in the first."""
    course.start("release-cloud")
    code = (
        "from labkit import course; lab = course.start('release-cloud'); print(course.solve('release-cloud-done').ok)"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(labkit.__file__).parents[1])}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1] == "True", done.stderr
    assert _labs(tmp_path) == ["contoso.lab"]
    assert course.check("release-cloud-done").ok


def test_two_that_begin_at_once_get_two_files(tmp_path: Path) -> None:
    """A name is given once, however close two kernels are."""
    at, track = desk.here(), catalogue.lesson("release-cloud").track
    names = []
    for number in range(3):
        made = tmp_path / f"made-{number}"
        made.write_text("x")
        names.append(at.place(made, track).name)
    assert names == ["contoso.lab", "contoso-2.lab", "contoso-3.lab"]


def test_what_is_no_lab_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A damaged file under the lab's name is named and stays as it is; the lesson begins beside it."""
    (tmp_path / "contoso.lab").write_bytes(b"my notes" * 1000)
    assert course.start("evaluation-site").path.name == "contoso-2.lab"
    assert "contoso.lab is kept" in capsys.readouterr().out
    assert (tmp_path / "contoso.lab").read_bytes() == b"my notes" * 1000


def test_unattended_the_lab_is_temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody watches, nothing is left in the folder, and the learner's own lab is not touched."""
    own = course.start("evaluation-site")
    digest = own.events_digest
    monkeypatch.setenv("LABKIT_COURSE", "new")
    lab = course.start("evaluation-site")
    assert lab.path.parent != tmp_path
    assert lab.path.name == "contoso.lab"
    _finish("evaluation-site")
    assert (own.events_digest, _labs(tmp_path)) == (digest, ["contoso.lab"])
    lab.close()


@pytest.mark.parametrize(
    ("session", "parent", "attended"),
    [
        ("a.ipynb", "python -m jupyterlab --ServerApp.root_dir=/tmp/pytest-of-me/papermill", True),
        ("a.ipynb", "/opt/bin/python /opt/bin/jupyter-lab", True),
        (None, "python -m papermill a.ipynb", False),
        (None, "python -m pytest --nbval", False),
        ("a.ipynb", "python -m papermill a.ipynb", False),
        ("a.ipynb", "/opt/bin/python /opt/bin/papermill a.ipynb", False),
        ("a.ipynb", "python -m ipykernel_launcher -f x", False),
    ],
)
def test_who_started_the_kernel(
    session: str | None, parent: str, attended: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A Jupyter server's session is attended; papermill and nbval are not, started inside of one neither."""
    import ipykernel

    assert ipykernel.__version__
    monkeypatch.delenv("LABKIT_COURSE")
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    for name in [name for name in os.environ if name.startswith(("VSCODE_", "SPY"))]:
        monkeypatch.delenv(name)
    if session is not None:
        monkeypatch.setenv("JPY_SESSION_NAME", session)
    monkeypatch.setattr(surroundings.host, "parent_command", parent.split)
    assert surroundings.attended() is attended


def test_labs_lie_beside_the_language_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a notebook in ``ja`` and from one in ``en`` a learner has the same labs."""
    for name in ("ja", "en"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "2.1-evaluation-site.ipynb").write_text("{}")
        monkeypatch.chdir(tmp_path / name)
        course.start("evaluation-site")
    assert _labs(tmp_path) == ["contoso.lab"]


def test_checkpoints(tmp_path: Path) -> None:
    """A checkpoint is a copy by name; going back makes a new lab out of it, and the one left is kept."""
    lab = course.start("evaluation-site")
    course.checkpoint("before-lunch")
    digest = lab.events_digest
    lab.run("1h")
    later = lab.events_digest
    with pytest.raises(LabError, match="before-lunch"):
        course.checkpoint("before-lunch")
    with pytest.raises(LabError):
        course.checkpoint("../outside")
    assert course.checkpoints() == ["before-lunch"]
    back = course.go_back("before-lunch")
    assert (back.events_digest, back.path.name) == (digest, "contoso-2.lab")
    with pytest.raises(LabError, match="before-lunch"):
        course.go_back("before-dinner")
    assert course.resume(file="contoso.lab").events_digest == later


def test_check_hint_solution_and_trouble(tmp_path: Path) -> None:
    """What a learner sees of a step: not yet with expected, seen and where; a hint without code; the code; done."""
    course.start("test-failover")
    before = course.check("start-test")
    assert not before
    assert [line.split(":")[0].strip() for line in repr(before).splitlines()] == [
        "Not yet",
        "Expected",
        "Seen",
        "Where to look",
    ]
    assert "&lt;" not in before._repr_html_()
    assert "Not yet" in before._repr_html_()
    assert course.todo("start-test")
    assert "test_failover(" in repr(course.solution("start-test"))
    assert "test_failover(" not in repr(course.hint("start-test"))
    assert course.solve("start-test").ok
    assert not course.todo("start-test")
    assert repr(course.check("start-test")).startswith("Done")
    with pytest.raises(LabError, match="unreachable-guest"):
        course.trouble("start-test")
    with pytest.raises(LabError, match="not a question"):
        course.answer("start-test", 1)
    assert not course.check("unreachable-guest").ok
    assert "nothing was broken" in repr(course.check("unreachable-guest"))


def test_a_solution_at_the_wrong_place_says_so(tmp_path: Path) -> None:
    """A step whose predecessors are missing is refused in plain words, and the lab is as it was."""
    lab = course.start("test-failover")
    digest = lab.events_digest
    with pytest.raises(LabError, match="steps before"):
        course.solve("complete-test")
    assert lab.events_digest == digest


def test_a_trouble_that_cannot_be_now_leaves_nothing_behind(tmp_path: Path) -> None:
    """While the test of the exercise before is open, the quota's trouble makes no VM and says what is in the way; when
    that is done it works, any number of times.
    """
    lab = course.start("faq-details")
    course.trouble("refused-log-on")
    for _again in range(2):
        with pytest.raises(LabError, match="est failover"):
            course.trouble("core-quota")
        assert list(lab.azure.machines) == ["MYWSV01-test"]
    assert course.solve("refused-log-on").ok
    for _again in range(2):
        course.trouble("core-quota")
        assert lab.azure.quotas["cores"].used == 19
    assert not course.check("core-quota").ok
    assert course.solve("core-quota").ok


def test_a_trouble_says_what_is_seen_of_it(tmp_path: Path) -> None:
    """The symptom, then what to do about it, then the check."""
    course.start("subscription")
    course.solve("sign-up")
    symptom, task, check = repr(course.trouble("upgrade")).splitlines()[1:]
    assert "off" in symptom
    assert "pay-as-you-go" in task
    assert check.strip() == 'course.check("upgrade")'


def test_a_question_is_answered_and_solved(tmp_path: Path) -> None:
    """A wrong answer is not yet done, the right one is; the solution shows a call that can be run."""
    course.start("evaluation-site")
    assert not course.check("find-the-host").ok
    assert not course.answer("find-the-host", "SC01").ok
    shown = course.solution("find-the-host").code
    assert eval(shown, {"course": course}).ok


def test_progress_is_kept_and_summed(tmp_path: Path, learner: Callable[[], None]) -> None:
    """A done step stays done in a new kernel and when the lesson is begun anew; a log line cut short is passed over."""
    course.start("evaluation-site")
    course.solve("first-hour")
    course.check("host-account")
    with (tmp_path / desk.LOG).open("ab") as log:
        log.write(b'{"event": "check", "st')
    learner()
    course.start("evaluation-site")
    lines = repr(course.progress()).splitlines()
    assert [line.split() for line in lines if line.startswith("2.1")] == [
        ["2.1-evaluation-site", "1/4", "find-the-host"]
    ]
    assert len(repr(course.progress(all=True)).splitlines()) == len(catalogue.all_lessons()) + 3


def test_a_lab_of_another_track_is_not_put_in_its_place(tmp_path: Path) -> None:
    """Checkpoints and labs stay with the lessons that share them; the refusal names the line that goes there."""
    tour = course.start("charges")
    course.checkpoint("on-tour")
    own = course.start("evaluation-site")
    for wrong in (lambda: course.go_back("on-tour"), lambda: course.resume(file="tour.lab")):
        with pytest.raises(LabError, match=r'course\.resume\("charges"') as refused:
            wrong()
        assert refused.value.code == 901109
    assert (course.resume().path, _labs(tmp_path)) == (own.path, ["checkpoint-on-tour.lab", "contoso.lab", "tour.lab"])
    assert course.resume("charges").path == tour.path
    assert course.go_back("on-tour").path.name == "tour-2.lab"
    assert course.resume("evaluation-site").path == own.path


def test_a_lab_that_was_handed_out_is_taken_and_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A trainer's file under any name becomes the present lab; of the wrong one it is said what does not fit."""
    course.start("evaluation-site")
    beginning.stages.new(tmp_path / "riddle.lab", "release-cloud").close()
    beginning.stages.new(tmp_path / "other.lab", "requirements").close()
    assert course.resume("release-cloud", file="riddle.lab").path.name == "riddle.lab"
    assert "begins with another state" not in capsys.readouterr().out
    course.resume("test-failover", file="riddle.lab")
    assert "begins with another state" in capsys.readouterr().out
    course.resume("release-cloud", file="other.lab")
    assert "'requirements'" in capsys.readouterr().out
    course.resume("release-cloud", file="riddle.lab")
    assert course.resume("release-cloud").path.name == "riddle.lab"


def test_a_file_that_is_no_lab_does_not_become_the_present_one(tmp_path: Path) -> None:
    """Resumed by mistake it is refused, and the lab before is still the present one."""
    course.start("evaluation-site")
    (tmp_path / "notes.lab").write_bytes(b"my notes" * 1000)
    with pytest.raises(LabError):
        course.resume(file="notes.lab")
    assert course.resume().path.name == "contoso.lab"


def test_strange_lines_of_the_log_are_passed_over(tmp_path: Path, learner: Callable[[], None]) -> None:
    """Events without their parts, of lessons unknown here, or naming what is no lab, stop nothing."""
    course.start("evaluation-site")
    with (tmp_path / desk.LOG).open("ab") as log:
        log.write(b'{"event": "lab"}\n{"event": "lab", "track": "contoso"}\n{"event": "begin"}\n{"event": 1}\n')
        log.write(b'{"event": "lab", "track": "contoso", "file": "\\u0000"}\n{"event": "begin", "lesson": "gone"}\n')
        log.write(b"[" * 100_000 + b"\n")
    learner()
    assert course.resume().path.name == "contoso.lab"
    assert course.start("evaluation-site").path.name == "contoso.lab"
    assert "2.1" in repr(course.progress())


def test_what_follows_a_line_cut_short_is_not_lost(tmp_path: Path) -> None:
    """The event after a crash stands on a line of its own."""
    at = desk.here()
    (tmp_path / desk.LOG).write_bytes(b'{"event": "check", "st')
    at.note("name", name="Hanako")
    at.note("name", name="Taro")
    assert [event["name"] for event in at.events()] == ["Hanako", "Taro"]


def test_a_name_is_claimed_where_there_are_no_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a file system without links a file that appears meanwhile is not written over either."""

    def none(*_given: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(desk.os, "link", none)
    made, foreign = tmp_path / "made", tmp_path / "contoso.lab"
    made.write_text("mine")
    foreign.write_text("theirs")
    assert not desk._named(made, foreign)
    assert foreign.read_text() == "theirs"
    assert desk._named(made, tmp_path / "contoso-2.lab")
    assert ((tmp_path / "contoso-2.lab").read_text(), made.exists()) == ("mine", False)


@pytest.mark.parametrize("here", ["ja", "ja/work", "ja/work/deep", "own/ja"])
def test_a_folder_called_ja_that_is_no_language_moves_no_labs(
    here: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without notebooks of the course in it, or as a person's home, it is a folder like any other."""
    (tmp_path / here).mkdir(parents=True)
    if here == "own/ja":
        (tmp_path / here / "2.1-evaluation-site.ipynb").write_text("{}")
        monkeypatch.setattr(Path, "home", lambda: tmp_path / here)
    monkeypatch.chdir(tmp_path / here)
    assert surroundings.folder() == tmp_path / here


@pytest.mark.skipif(sys.platform != "linux", reason="a folder that not even the superuser may write to")
def test_where_nothing_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The labs go to LABKIT_HOME then; if that cannot be written to either, it is said what to do."""
    monkeypatch.chdir("/proc")
    monkeypatch.setenv("LABKIT_HOME", str(tmp_path / "new"))
    assert surroundings.folder() == tmp_path / "new"
    monkeypatch.setenv("LABKIT_HOME", "/proc/none")
    with pytest.raises(LabError, match="LABKIT_HOME") as refused:
        course.start("evaluation-site")
    assert refused.value.code == 901110
