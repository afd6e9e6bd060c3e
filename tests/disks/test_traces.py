"""Block traces and counters: what they write by hand, in a lab; their limits; what is refused, and where."""

from __future__ import annotations

import gzip
import random
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import numpy as np
import pytest

import labkit
from labkit.disks.source import PageSet, spread, united
from labkit.disks.traceblocks import WINDOW, Writes, in_order
from labkit.disks.tracefile import Lines, opened
from labkit.disks.tracing import Choice, bring_in, look
from labkit.engine import texts
from labkit.engine.errors import LabError
from labkit.engine.store import Store
from labkit.site import sitefile
from tests.disks.traces import (
    HEADER,
    PDH,
    SECOND,
    SIX_ROWS,
    WRITE_BYTES,
    ZERO,
    blocks,
    counters,
    pages,
    row,
    site_file,
    traced_lab,
    written,
)
from tests.recovery.labs import HOUR, MINUTE, START, facts

# --- block traces, by hand --------------------------------------------------------------------------------------------


def test_six_rows_by_hand(tmp_path: Path) -> None:
    """One cycle carries the 19 pages of the trace and its overhead, 81,920 bytes; all others carry 4,096.

    The log grows by 74,242 bytes, three blocks change, and the replica is equal.
    """
    with traced_lab(tmp_path, SIX_ROWS) as lab:
        lab.run(until="2014-10-01T10:20:00+09:00")
        sizes = [(f["cut"], f["bytes"]) for f in facts(lab, "cycle")]
        carried = [(cut, size) for cut, size in sizes if size != 4_096]
        assert [size for _, size in carried] == [81_920]
        assert START + HOUR < carried[0][0] <= START + HOUR + 5 * MINUTE + 401
        assert written(lab, START, START + 2 * HOUR) == 74_242
        assert sorted(blocks(lab)) == [0, 1, 16]
        assert lab.verify(full=True) == []


def test_to_the_millisecond(tmp_path: Path) -> None:
    """The write an hour after the trace's beginning happens one millisecond after the hour."""
    with traced_lab(tmp_path, SIX_ROWS) as lab:
        at = START + HOUR
        assert pages(lab, START, at) == 0
        assert pages(lab, at, at + 1) == 1
        assert pages(lab, at + 1, at + 100) == 0
        assert pages(lab, at + 100, at + 101) == 2
        assert pages(lab, at, at + 201) == 3
        assert pages(lab, at + 201, at + 1_000) == 16
        assert written(lab, at + 201, at + 401) == 65_538


def test_a_repeated_trace_begins_anew_after_whole_minutes(tmp_path: Path) -> None:
    """It lasts 3,600.401 s, so its second round begins after 61 minutes; without ``repeat`` there is none."""
    with traced_lab(tmp_path, SIX_ROWS, ", repeat: yes") as lab:
        second = START + 61 * MINUTE + HOUR
        assert pages(lab, second, second + 1) == 1
        assert pages(lab, START + HOUR + 401, second) == 0
        assert pages(lab, START, START + 100 * HOUR) == 19
        assert written(lab, START, second + 401) == 2 * 74_242
        assert written(lab, START, START + 61 * MINUTE * 1_000) == 1_000 * 74_242
    with traced_lab(tmp_path, SIX_ROWS) as lab:
        assert written(lab, START, START + 1_000 * HOUR) == 74_242


def test_a_trace_can_begin_later(tmp_path: Path) -> None:
    """With the first hour and 0.2 s passed over, what happened then is at the lab's start and the rest is gone."""
    with traced_lab(tmp_path, SIX_ROWS, ", skip: 3600200ms") as lab:
        assert written(lab, START, START + 1) == 512
        assert written(lab, START, START + HOUR) == 512 + 65_536 + 2


def test_of_two_writes_the_later_slot_stays(tmp_path: Path) -> None:
    """A block written in two slots has the stamp of the later one, whichever line stands first in the file."""
    lines = [row(0, 0, 4_096), row(90 * SECOND, 8_192, 4_096), row(45 * SECOND, 4_096, 4_096)]
    with traced_lab(tmp_path, "".join(lines)) as lab:
        slots = blocks(lab)
        lab.run("10min")
        assert blocks(lab)[0] == max(slots.values())
        phase = lab.read(lambda world: world.all(labkit.disks.streams.Run)[0].phase)  # type: ignore[attr-defined]
        assert slots[0] == (START + 90_001 - phase - 1) // 30_000


def test_the_file_is_not_needed_afterwards(tmp_path: Path) -> None:
    """The lab, and a copy of it, go on without the CSV; of the path only the name is left in it."""
    with traced_lab(tmp_path, SIX_ROWS) as lab:
        (tmp_path / "trace.csv").unlink()
        copy = lab.copy(tmp_path / "copy.lab")
    with labkit.open(copy) as lab:
        lab.run("2h")
        assert written(lab, START, START + HOUR + 401) == 74_242
        assert lab.verify() == []
    assert str(tmp_path).encode() not in copy.read_bytes()


def test_the_workload_goes_on_in_azure_where_the_clock_says(tmp_path: Path) -> None:
    """What the trace has while the guest is off is never written; what it has later is, by the guest in Azure."""
    text = "".join(row(minute * 60 * SECOND, minute * 65_536, 4_096) for minute in range(240))
    with traced_lab(tmp_path, text, size="32MB") as lab:
        lab.run("30min")
        lab.faults.lose_site()
        stopped = (facts(lab, "vm.stopped")[-1]["at"] - START) // MINUTE
        lab.run("20min")
        lab.wait(lab.vault.unplanned_failover("WEB"))
        lab.run("1h")
        azure = blocks(lab, "azure")
        started = facts(lab, "vm.started", "azure/WEB")[0]["at"]
        first = -(-(started - START) // MINUTE)
        assert all(block <= stopped or block >= first for block in azure)
        assert first > stopped + 15
        assert {first, first + 1, first + 59} <= azure.keys()


def test_other_forms_of_the_same_trace(tmp_path: Path) -> None:
    """With a header, compressed, with a mark, with other line ends and empty lines, and out of order: one digest."""
    lines = SIX_ROWS.splitlines(keepends=True)
    forms = [
        SIX_ROWS.encode(),
        (HEADER + SIX_ROWS).encode(),
        gzip.compress(SIX_ROWS.encode()),
        b"\xef\xbb\xbf" + SIX_ROWS.replace("\n", "\r\n").encode(),
        (HEADER.lower() + "\n" + SIX_ROWS.replace("Write", "write") + "\n\n").encode("utf-16"),
        "".join(reversed(lines)).encode(),
        "".join(f'"{line.strip()}"\n'.replace(",", '", "') for line in lines).encode(),
    ]
    digests = []
    for number, form in enumerate(forms):
        (tmp_path / "trace.csv").write_bytes(form)
        path = site_file(tmp_path, "{trace: trace.csv}")
        with labkit.create(tmp_path / f"{number}.lab", site=path) as lab:
            digests.append([fact["digest"] for fact in facts(lab, "trace.imported", "WEB/os")])
    assert digests == digests[:1] * len(forms)
    assert len(digests[0]) == 1


def test_one_of_several_disks_is_chosen(tmp_path: Path) -> None:
    """Without a word the file is refused and says what it holds; host and disk, alone or together, choose one."""
    text = row(0, 0, 4_096) + row(SECOND, 0, 8_192, disk="1") + row(SECOND, 0, 12_288, host="db", disk="1")
    (tmp_path / "trace.csv").write_text(text, "utf-8")
    with pytest.raises(LabError) as caught:
        look(tmp_path / "trace.csv", Choice())
    assert caught.value.code == 900363
    assert "db 1, web 0, web 1" in caught.value.message
    for choice, size in ((", disk: 0", 4_096), (", host: web, disk: 1", 8_192), (", host: DB", 12_288)):
        with traced_lab(tmp_path, text, choice) as lab:
            assert written(lab, START, START + HOUR) == size
    for choice, code in ((Choice("web"), 900363), (Choice("sql"), 900364), (Choice("web", "7"), 900364)):
        with pytest.raises(LabError) as caught:
            look(tmp_path / "trace.csv", choice)
        assert caught.value.code == code


def test_a_large_write_is_one_write(tmp_path: Path) -> None:
    """1 GiB in one line, the largest there may be, is 262,144 pages and 16,384 blocks; one byte more is refused."""
    with traced_lab(tmp_path, row(0, 4_096, 1 << 30), size="2GB") as lab:
        assert pages(lab, START, START + 1) == 262_144
        assert written(lab, START, START + HOUR) == 1 << 30
        assert len(blocks(lab)) == 16_385
    (tmp_path / "trace.csv").write_text(row(0, 0, 1 << 30) + row(0, 0, (1 << 30) + 1), "utf-8")
    with pytest.raises(LabError) as caught:
        look(tmp_path / "trace.csv", Choice())
    assert (caught.value.code, caught.value.details["line"]) == (900366, 2)


# --- the order of lines -----------------------------------------------------------------------------------------------


def _fed(ticks: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Iterator[Writes]:
    zeros, lines = np.zeros_like(ticks), np.arange(1, len(ticks) + 1)
    for at in range(0, len(ticks), 5_000):
        yield Writes(*(column[at : at + 5_000] for column in (ticks, zeros, zeros, lines)))


def _ordered(folder: Path, ticks: np.ndarray[tuple[int], np.dtype[np.int64]]) -> list[int]:
    (folder / "any.csv").write_text(SIX_ROWS, "utf-8")
    with opened(folder / "any.csv") as lines:
        return [tick for writes in in_order(_fed(ticks), lines) for tick in writes.ticks.tolist()]


@pytest.mark.parametrize("place", [WINDOW, 3 * WINDOW - 1, 5 * WINDOW + 17])
def test_a_line_may_come_late_as_documented(tmp_path: Path, place: int) -> None:
    """A write that stands 65,536 writes after its place is put right, wherever in the file it is."""
    ticks = np.arange(1, 6 * WINDOW, dtype=np.int64) * 10
    late = np.insert(ticks, place, ticks[place - WINDOW] - 5)
    assert _ordered(tmp_path, late) == sorted(late.tolist())


def test_a_line_that_comes_much_too_late_is_refused(tmp_path: Path) -> None:
    """Twice the window and a batch later it is refused, with the number of the line."""
    ticks = np.arange(6 * WINDOW, dtype=np.int64)
    ticks[-1] = 5
    with pytest.raises(LabError) as caught:
        _ordered(tmp_path, ticks)
    assert (caught.value.code, caught.value.details["line"]) == (900370, 6 * WINDOW)


# --- pages ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 1, 300, 400_000])
def test_distinct_pages_are_counted_right(count: int) -> None:
    """As ranges or as masks, in any batches: as many as a set of page numbers has."""
    chance = np.random.default_rng(count)
    first = chance.integers(0, 16 * 60_000, count)
    last = np.minimum(first + chance.integers(0, 40, count) * (chance.random(count) < 0.1), 16 * 60_000 - 1)
    found, seen = PageSet(60_000), np.zeros(16 * 60_000, bool)
    for at in range(0, count, 7_000):
        found.add(first[at : at + 7_000], last[at : at + 7_000])
    seen[spread(first, last)[1]] = True
    assert found.count() == int(seen.sum())


def test_many_scattered_pages_become_masks_and_stay_right() -> None:
    """200,000 single pages, no two of which touch, then ranges over all of them."""
    found, alone = PageSet(60_000), np.arange(0, 400_000, 2)
    found.add(alone, alone)
    assert found.count() == 200_000
    found.add(np.array([3, 100_000]), np.array([70, 399_999]))
    assert found.count() == 200_000 + 34 + 150_000


def test_united_ranges() -> None:
    """Ranges that overlap or touch become one; a gap of one number stays."""
    first, last = united(np.array([10, 0, 4, 20]), np.array([18, 3, 5, 30]))
    assert list(zip(first.tolist(), last.tolist(), strict=True)) == [(0, 5), (10, 18), (20, 30)]


# --- counters ---------------------------------------------------------------------------------------------------------

TWO_SPANS = ("09:00:00.000 ", "09:00:10.000 1048576.000", "09:00:30.000 196608.000000000")


def test_counters_by_hand(tmp_path: Path) -> None:
    """1 MiB a second for ten seconds and 192 KiB for twenty are 160 and 60 writes of 64 KiB, then nothing."""
    with traced_lab(tmp_path, counters(*TWO_SPANS)) as lab:
        assert written(lab, START, START + HOUR) == 220 * 65_536
        assert facts(lab, "trace.imported")[0]["bytes"] == 10 * 1_048_576 + 20 * 196_608
        assert pages(lab, START + 61_000, START + HOUR) == 0
        assert 0 < pages(lab, START, START + HOUR) <= 19 * 16  # 5 % of 24 MB are 19 units of 64 KiB
        lab.run("20min")
        assert lab.verify() == []


def test_repeated_counters(tmp_path: Path) -> None:
    """They last half a minute, so they begin anew each minute, and each round writes as much."""
    with traced_lab(tmp_path, counters(*TWO_SPANS), ", repeat: yes, hot: 50%") as lab:
        day = written(lab, START, START + 24 * HOUR)
        assert abs(day - 1_440 * 220 * 65_536) <= 220 * 65_536
        assert pages(lab, START + 10 * HOUR, START + 11 * HOUR) > 100


def test_counters_that_begin_later(tmp_path: Path) -> None:
    """With the first 15 seconds passed over, what is left is three quarters of the second span."""
    with traced_lab(tmp_path, counters(*TWO_SPANS), ", skip: 15s") as lab:
        assert facts(lab, "trace.imported")[0]["bytes"] == 15 * 196_608


def test_counters_in_all_the_ways_windows_writes_them(tmp_path: Path) -> None:
    """UTF-8, UTF-16 and code page 932, English and Japanese names, of guest and host: one digest."""
    japanese = r"\\HV01\PhysicalDisk(0 C:)\ディスク書き込みバイト/秒"
    hyper_v = r"\\HV01\Hyper-V Virtual Storage Device(C:-VMs-web (1).vhdx)\Write Bytes/sec"
    forms = [(name, code) for name in (WRITE_BYTES, japanese, hyper_v) for code in ("utf-8", "utf-16", "cp932")]
    digests = set()
    for number, (name, code) in enumerate(forms):
        text = counters(*TWO_SPANS, names=(name,)).replace("\n", "\r\n")
        (tmp_path / "trace.csv").write_bytes(text.encode(code))
        path = site_file(tmp_path, "{trace: trace.csv}")
        with labkit.create(tmp_path / f"{number}.lab", site=path) as lab:
            digests.update(fact["digest"] for fact in facts(lab, "trace.imported"))
    assert len(digests) == 1


def test_the_size_of_writes_comes_from_their_number(tmp_path: Path) -> None:
    """1 MB/s in 128 writes a second are writes of 8 KB; a size in the site file counts more; without both, 64 KB."""
    names = (WRITE_BYTES, r"\\HV01\PhysicalDisk(0 C:)\Disk Writes/sec")
    text = counters("09:00:00.000 0 0", "09:01:00.000 1048576.0 128.0", names=names)
    for options, write in (("", 8_192), (", write: 16KB", 16_384)):
        with traced_lab(tmp_path, text, options) as lab:
            assert sitefile.read(tmp_path / "site.yml").vms[0].disks[0].churn.write == write  # type: ignore[union-attr]
            assert written(lab, START, START + HOUR) == 60 << 20
    (tmp_path / "trace.csv").write_text(counters(*TWO_SPANS), "utf-8")
    assert look(tmp_path / "trace.csv", Choice()).write == 65_536


def test_a_blank_value_writes_nothing(tmp_path: Path) -> None:
    """A sample without a value tells of no write; the one after it counts for its own span only."""
    text = counters("09:00:00.000 ", "09:00:10.000 65536", "09:00:20.000 ", "09:00:30.000 65536")
    with traced_lab(tmp_path, text) as lab:
        assert written(lab, START, START + HOUR) == 20 * 65_536


def test_counters_of_several_disks(tmp_path: Path) -> None:
    """``_Total`` is not taken where there are others; a disk is chosen by its whole name or by a part of it."""
    names = tuple(rf"\\HV01\PhysicalDisk({disk})\Disk Write Bytes/sec" for disk in ("0 C:", "1 D:", "_Total"))
    text = counters("09:00:00.000 0 0 0", "09:00:10.000 65536 131072 196608", names=names)
    (tmp_path / "trace.csv").write_text(text, "utf-8")
    with pytest.raises(LabError) as caught:
        look(tmp_path / "trace.csv", Choice())
    assert caught.value.code == 900363
    assert "HV01 0 C:, HV01 1 D:, HV01 _Total" in caught.value.message
    for disk, rate in (("0", 65_536), ("'1 D:'", 131_072), ("'d:'", 131_072), ("_Total", 196_608)):
        with traced_lab(tmp_path, text, f", disk: {disk}, host: hv01") as lab:
            assert written(lab, START, START + HOUR) == 10 * rate
    with pytest.raises(LabError) as caught:
        look(tmp_path / "trace.csv", Choice(disk="2"))
    assert caught.value.code == 900364


@pytest.mark.parametrize(
    ("rate", "write", "taken"),
    [(1 << 32, 0, True), ((1 << 32) + 1, 0, False), (1 << 28, 4_096, True), ((1 << 28) + 1, 4_096, False)],
)
def test_the_largest_rate(tmp_path: Path, rate: int, write: int, taken: bool) -> None:
    """65,536 writes a second: 4 GB/s of 64 KB, 256 MB/s of 4 KB; one byte a second more is refused, with its line."""
    (tmp_path / "trace.csv").write_text(counters("09:00:00.000 0", f"09:00:10.000 {rate}.000"), "utf-8")
    if taken:
        assert look(tmp_path / "trace.csv", Choice(), write=write).length == 10_000
    else:
        with pytest.raises(LabError) as caught:
            look(tmp_path / "trace.csv", Choice(), write=write)
        assert (caught.value.code, caught.value.details["line"]) == (900372, 3)


# --- what is refused --------------------------------------------------------------------------------------------------

_GOOD = row(0, 0, 4_096)
_BAD_BLOCKS = {
    "too few columns": (_GOOD + f"{ZERO},web,0,Write,0,4096\n", 900365, 2),
    "too many columns": (_GOOD * 3 + _GOOD.strip() + ",1\n", 900365, 4),
    "negative offset": (_GOOD + row(0, -4_096, 4_096), 900366, 2),
    "negative size": (_GOOD + row(0, 0, -1), 900366, 2),
    "text for a size": (_GOOD + f"{ZERO},web,0,Write,0,large,7\n", 900366, 2),
    "a number of 19 digits": (_GOOD + f"{ZERO},web,0,Write,{10**18},1,7\n", 900366, 2),
    "no number at all": (HEADER + f"{ZERO},web,0,Write,,4096,7\n", 900366, 2),
    "wide digits": (_GOOD + f"{ZERO},web,0,Write,４,4096,7\n", 900366, 2),
    "a fraction": (_GOOD + f"{ZERO},web,0,Write,0.5,4096,7\n", 900366, 2),
    "another type": (_GOOD + row(0, 0, 4_096, "Flush"), 900366, 2),
    "an open quote": (_GOOD + f'{ZERO},"web,0,Write,0,4096,7\n', 900367, None),
    "text at its end": (_GOOD + "\nThe command completed successfully.\n", 900365, 3),
    "reads only": (HEADER + row(0, 0, 4_096, "Read"), 900369, None),
    "a header only": (HEADER, 900369, None),
    "nothing": ("", 900362, None),
    "empty lines": ("\n\n", 900362, None),
    "other text": ("Dear Sir,\n", 900362, None),
    "another CSV": ("time,offset,size\n1,2,3\n", 900362, None),
}
_NAMES_TWO = (WRITE_BYTES, r"\\HV01\PhysicalDisk(0 C:)\Disk Writes/sec")
_BAD_COUNTERS = {
    "no counter of writes": (
        counters("09:00:00.000 1", names=(r"\\HV01\Processor(0)\% Processor Time",)),
        900371,
        None,
    ),
    "no counter": (PDH + "\n", 900371, None),
    "too few values": (counters("09:00:00.000 1", "09:00:15.000"), 900365, 3),
    "negative": (counters("09:00:00.000 1", "09:00:15.000 -1"), 900366, 3),
    "text": (counters("09:00:00.000 1", "09:00:15.000 fast"), 900366, 3),
    "not finite": (counters("09:00:00.000 1", "09:00:15.000 inf"), 900366, 3),
    "no time": (counters("09:00:00.000 1", "9:15 1"), 900366, 3),
    "no such day": (counters("09:00:00.000 1").replace("10/01", "13/01"), 900366, 2),
    "a clock that stands": (counters("09:00:00.000 1", "09:00:00.000 1"), 900370, 3),
    "a clock that goes back": (counters("09:00:00.000 1", "08:59:59.999 1"), 900370, 3),
    "one sample": (counters("09:00:00.000 1"), 900369, None),
    "blanks only": (counters("09:00:00.000 ", "09:00:01.000 "), 900369, None),
    "bad number of writes": (counters("09:00:00.000 1 1", "09:00:15.000 1 x", names=_NAMES_TWO), 900366, 3),
}


@pytest.mark.parametrize("name", [*_BAD_BLOCKS, *_BAD_COUNTERS])
def test_bad_files_are_refused_with_the_line(tmp_path: Path, name: str) -> None:
    """Each mistake has its code, the line where there is one, and no traceback; in Japanese, too."""
    text, code, line = {**_BAD_BLOCKS, **_BAD_COUNTERS}[name]
    (tmp_path / "trace.csv").write_text(text, "utf-8")
    with pytest.raises(LabError) as caught:
        look(tmp_path / "trace.csv", Choice())
    assert caught.value.code == code
    assert line is None or caught.value.details["line"] == line
    assert "{" not in str(caught.value)
    texts.set_language("ja")
    try:
        assert "{" not in str(caught.value)
    finally:
        texts.set_language(None)


def test_files_that_are_no_text(tmp_path: Path) -> None:
    """A binary file, a compressed one that is cut short or damaged, an endless line, a folder, nothing at all."""
    path, packed = tmp_path / "trace.csv", gzip.compress(SIX_ROWS.encode() * 500)
    for content, codes in (
        (random.Random(1).randbytes(100_000), (900362,)),
        (bytes(5_000), (900362,)),
        (packed[:-20], (900361,)),
        (packed[:30] + bytes(40) + packed[70:], (900361, 900362, 900365, 900366, 900367)),
        (_GOOD.encode() + b"7" * (3 << 20), (900367,)),
        (b"7" * (3 << 20), (900362,)),
        (SIX_ROWS.encode() + random.Random(2).randbytes(10_000), (900362, 900365, 900366, 900367)),
    ):
        path.write_bytes(content)
        with pytest.raises(LabError) as caught:
            look(path, Choice())
        assert caught.value.code in codes
    for wrong in (tmp_path, tmp_path / "none.csv"):
        with pytest.raises(LabError) as caught:
            look(wrong, Choice())
        assert caught.value.code == 900360


@pytest.mark.parametrize("name", ["blocks", "counters", "compressed"])
def test_damage_of_any_kind_is_refused_in_words_or_does_no_harm(tmp_path: Path, effort: int, name: str) -> None:
    """Bytes changed, lost, doubled or put in by chance: an error of ours, or a trace that can be taken in."""
    whole = {
        "blocks": (HEADER + SIX_ROWS).encode(),
        "counters": counters(*TWO_SPANS).encode("cp932"),
        "compressed": gzip.compress(SIX_ROWS.encode(), mtime=0),
    }[name]
    path, codes = tmp_path / "trace.csv", []
    for seed in range(300 * effort):
        chance, content = random.Random(seed), bytearray(whole)
        for _ in range(chance.randrange(1, 4)):
            at, length = chance.randrange(len(content)), chance.choice((1, 1, 2, 8, 40))
            some = bytes(content[at : at + length])
            new = (chance.randbytes(length), b"", some * 2, b'"', b",", b"\n", b"-", b"9" * length)
            content[at : at + length] = chance.choice(new)
        path.write_bytes(content)
        try:
            found = look(path, Choice())
        except LabError as error:
            codes.append(error.code)
        else:
            with Store.filling(tmp_path / f"{seed}.lab") as store:
                kept = bring_in(store, 1, path, Choice(), found, lambda _: None)
            assert kept.writes >= 0
            (tmp_path / f"{seed}.lab").unlink()
    assert len(codes) > 100 * effort
    assert set(codes) <= set(range(900360, 900375))


def test_a_write_beyond_the_disk_names_line_and_what_is_needed(tmp_path: Path) -> None:
    """The last byte of a disk may be written; one more is refused: first such line, and the size all would fit in."""
    size = 24 << 20
    (tmp_path / "trace.csv").write_text(row(0, size - 4_096, 4_096), "utf-8")
    assert sitefile.read(site_file(tmp_path, "{trace: trace.csv}")).vms[0].disks[0].churn
    text = _GOOD + row(9, size - 4_096, 4_097) + row(5, size + 100_000, 512) + row(1, 2 * size, 512, "Read")
    (tmp_path / "trace.csv").write_text(text, "utf-8")
    with pytest.raises(LabError) as caught:
        sitefile.read(site_file(tmp_path, "{trace: trace.csv}"))
    told = str(caught.value)
    assert "site.yml:7: vms[0].disks[0].churn.trace" in told
    assert "900368" in told
    assert f"line 2: a write of 4097 bytes at {size - 4_096}" in told
    assert f"at least {size + 100_512} bytes" in told


def test_all_faults_of_a_site_file_in_one_go(tmp_path: Path) -> None:
    """A missing trace, a bad one, keys that do not go together and a fault elsewhere are told at once."""
    (tmp_path / "bad.csv").write_text(_GOOD + row(0, 0, -5), "utf-8")
    (tmp_path / "good.csv").write_text(_GOOD, "utf-8")
    (tmp_path / "rate.csv").write_text(counters(*TWO_SPANS), "utf-8")
    churns = [
        "{trace: none.csv}",
        "{trace: bad.csv}",
        "{trace: good.csv, rate: 1MB/s, shape: batch}",
        "{trace: good.csv, write: 4KB, hot: 1%, kind: database}",
        "{trace: good.csv, skip: 1s}",
        "{repeat: yes, host: web}",
        "{rate: 1MB/s, disk: 0}",
        "{rate: 1MB/s, kind: databse}",
        "{rate: 1MB/s, kind: database, shape: burst}",
        "{trace: rate.csv, shape: batch}",
        "{trace: rate.csv, write: 5KB}",
    ]
    more = "".join(f"      - {{name: d{n}, size: 24MB, churn: {churn}}}\n" for n, churn in enumerate(churns, 1))
    with pytest.raises(LabError) as caught:
        sitefile.read(site_file(tmp_path, "{trace: good.csv}", more=more))
    told = str(caught.value)
    for line, key, words in (
        (8, "disks[1].churn.trace", "no file there"),
        (9, "disks[2].churn.trace", "line 2: Size is '-5'"),
        (10, "disks[3].churn.rate", "rate beside a trace"),
        (10, "disks[3].churn.shape", "shape beside a trace"),
        (11, "disks[4].churn.write", "write beside a trace"),
        (11, "disks[4].churn.hot", "hot beside a trace"),
        (11, "disks[4].churn.kind", "kind beside a trace"),
        (12, "disks[5].churn.trace", "900374"),
        (13, "disks[6].churn.rate", "or a trace"),
        (13, "disks[6].churn.repeat", "repeat without a trace"),
        (13, "disks[6].churn.host", "host without a trace"),
        (14, "disks[7].churn.disk", "disk without a trace"),
        (15, "disks[8].churn.kind", "did you mean 'database'"),
        (16, "disks[9].churn.shape", "steady, diurnal, batch, night"),
        (17, "disks[10].churn.shape", "shape beside a trace"),
        (18, "disks[11].churn.write", "'5KB'"),
    ):
        assert any(f"site.yml:{line}: vms[0].{key}: " in one and words in one for one in told.splitlines()), (line, key)
    assert "16 fault(s)" in told


def test_a_trace_on_the_disk_of_the_application_is_refused(tmp_path: Path) -> None:
    """The application's disk carries no churn, recorded churn neither; a disk with a trace is passed over for it."""
    (tmp_path / "good.csv").write_text(_GOOD, "utf-8")
    second = "      - {name: data, size: 24MB, churn: {trace: good.csv}}\n"
    site = sitefile.read(site_file(tmp_path, "none", more=second))
    assert site.vms[0].orders_per_day is None
    with pytest.raises(LabError) as caught:
        sitefile.read(site_file(tmp_path, "none", more=second + "    orders: 6/min\n"))
    assert "churn beside an application" in str(caught.value)


def test_a_trace_that_changes_while_it_is_taken_in_leaves_no_lab(tmp_path: Path) -> None:
    """A file that was replaced after the site file had been read is refused, and no lab file is left."""
    path = tmp_path / "trace.csv"
    for before, behind in (
        (SIX_ROWS, row(0, 0, 512)),
        (counters(*TWO_SPANS), counters(*TWO_SPANS[:2])),
        (SIX_ROWS, PDH),
    ):
        path.write_text(before, "utf-8")
        site = sitefile.read(site_file(tmp_path, "{trace: trace.csv}"))
        path.write_text(behind, "utf-8")
        with pytest.raises(LabError) as caught:
            labkit.create(tmp_path / "a.lab", site=site)
        assert caught.value.code == 900373
        assert sorted(found.name for found in tmp_path.iterdir()) == ["site.yml", "trace.csv"]


# --- the lab file -----------------------------------------------------------------------------------------------------


def test_a_lab_without_a_trace_has_no_table_for_it(tmp_path: Path) -> None:
    """So labs made before there were traces are what they were, and open."""
    with labkit.create(tmp_path / "plain.lab", site=site_file(tmp_path, "1MB/s")) as lab:
        assert lab.verify() == []
    with closing(sqlite3.connect(tmp_path / "plain.lab")) as db:
        assert db.execute("SELECT count(*) FROM sqlite_master WHERE name = 'tapes'").fetchone() == (0,)


def test_verify_misses_a_part_of_a_trace(tmp_path: Path) -> None:
    """A lab file from which a part of a trace was taken away does not verify, and names the disk."""
    with traced_lab(tmp_path, SIX_ROWS) as lab:
        assert lab.verify() == []
        path = lab.path
    with closing(sqlite3.connect(path)) as db:
        db.execute("DELETE FROM tapes")
        db.commit()
    with labkit.open(path) as lab:
        assert any("WEB/os" in problem for problem in lab.verify())


def test_batches_of_any_size_give_one_run(tmp_path: Path) -> None:
    """Closed and opened again in the middle, a lab tells the same facts as one that runs through."""
    text = "".join(row(n * 3 * SECOND, (n * 7_919 % 380) * 65_536, 4_096 * (1 + n % 20)) for n in range(2_000))
    with traced_lab(tmp_path, text, ", repeat: yes", frequency="30s") as lab:
        other = lab.copy(tmp_path / "other.lab")
        lab.run("4h")
        digest = lab.events_digest
    for _ in range(4):
        with labkit.open(other) as lab:
            lab.run("1h")
    with labkit.open(other) as lab:
        assert lab.events_digest == digest
        assert lab.verify(full=True) == []


_GROWTH = """
import resource, sys
from pathlib import Path
import labkit
with labkit.create(Path(sys.argv[2]), site=sys.argv[1], stage="protected") as lab:
    lab.run("26h")
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read as Linux counts it, in KiB")
def test_memory_does_not_grow_with_the_trace(tmp_path: Path) -> None:
    """A day of 400,000 lines taken in and replayed needs at most 40 MiB more at its peak than one of 40,000.

    Kept in memory as rows they would be over 200 MiB.
    """
    peaks = []
    for count in (40_000, 400_000):
        chance, step = random.Random(count), 24 * 3_600 * SECOND // count
        with (tmp_path / "trace.csv").open("w", encoding="ascii") as file:
            for n in range(count):
                file.write(row(n * step, chance.randrange(3_000) * 8_192, 8_192))
        site = site_file(tmp_path, "{trace: trace.csv}")
        command = [sys.executable, "-c", _GROWTH, str(site), str(tmp_path / f"{count}.lab")]
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(labkit.__file__).parents[1])
        peaks.append(int(done.stdout.split()[-1]))
    assert peaks[1] - peaks[0] < 40 << 10, peaks


def test_lines_are_read_without_the_whole_file(tmp_path: Path) -> None:
    """A file that is still being opened has been read only as far as was asked for."""
    path = tmp_path / "trace.csv"
    path.write_text(SIX_ROWS * 20_000, "utf-8")
    with opened(path) as lines:
        assert isinstance(lines, Lines)
        next(lines.batches())
        assert lines.position < path.stat().st_size // 5


# --- what a review found ----------------------------------------------------------------------------------------------

HEAD_LINE = "Timestamp,Hostname,DiskNumber,Type,Offset,Size,ResponseTime"


def test_hosts_in_code_page_932(tmp_path: Path) -> None:
    """An English header, Japanese hosts in code page 932: they are two hosts, and one can be chosen by its name."""
    rows = [f"{n * 10_000_000},{('東京', '京東')[n % 2]},0,Write,{n * 65_536},4096,1" for n in range(1, 9)]
    path = tmp_path / "japan.csv"
    path.write_bytes("\r\n".join([HEAD_LINE, *rows]).encode("cp932"))
    with pytest.raises(LabError) as refused:
        look(path, Choice("", "", 0), 1 << 30)
    assert refused.value.code == 900363
    assert "東京" in str(refused.value)
    assert look(path, Choice("東京", "", 0), 1 << 30).needed == 8 * 65_536 + 4_096
    assert look(path, Choice("京東", "", 0), 1 << 30).needed == 7 * 65_536 + 4_096


def test_a_trace_that_grew_between_look_and_import(tmp_path: Path) -> None:
    """Rows added at its end after the site file was read, within the same bytes of the disk: 900373, and no lab."""
    rows = [f"{n * 10_000_000},web,0,Write,0,4096,1" for n in range(1, 9)]
    (tmp_path / "web.csv").write_text("\n".join([HEAD_LINE, *rows]) + "\n", encoding="utf-8")
    site = tmp_path / "site.yml"
    vm = "{name: WEB, os: Ubuntu Server, disks: [{name: os, size: 1GB, churn: {trace: web.csv, repeat: yes}}]}"
    site.write_text(f"site: grown\nvms:\n  - {vm}\n", encoding="utf-8")
    read = sitefile.read(site)
    with (tmp_path / "web.csv").open("a", encoding="utf-8") as more:
        more.write("900000000,web,0,Write,0,4096,1\n")
    with pytest.raises(LabError) as refused:
        labkit.create(tmp_path / "grown.lab", site=read)
    assert refused.value.code == 900373
    assert not (tmp_path / "grown.lab").exists()


def test_a_disk_made_smaller_by_hand(tmp_path: Path) -> None:
    """A site changed in Python so that the trace does not fit any more: 900375, not a lab that fails later."""
    (tmp_path / "web.csv").write_text(f"{HEAD_LINE}\n1,web,0,Write,536870912,4096,1\n", encoding="utf-8")
    site = tmp_path / "site.yml"
    site.write_text(
        "site: small\nvms:\n  - {name: WEB, os: Ubuntu Server,"
        " disks: [{name: os, size: 1GB, used: 0B, churn: {trace: web.csv}}]}\n",
        encoding="utf-8",
    )
    read = sitefile.read(site)
    vm = read.vms[0]
    disk = msgspec.structs.replace(vm.disks[0], size=64 << 20)
    smaller = msgspec.structs.replace(read, vms=(msgspec.structs.replace(vm, disks=(disk,)),))
    with pytest.raises(LabError) as refused:
        labkit.create(tmp_path / "small.lab", site=smaller)
    assert refused.value.code == 900375


def test_only_totals_and_zeros_in_front(tmp_path: Path) -> None:
    """A file that has nothing but _Total is taken when it has one, and asks which when it has two; "00" is disk 0."""
    lines = ['"(PDH-CSV 4.0) (UTC)(0)","\\\\H\\PhysicalDisk(_Total)\\Disk Write Bytes/sec"']
    lines += [f'"10/01/2014 09:00:{second:02}.000","4096.000"' for second in (0, 15, 30)]
    one = tmp_path / "one.csv"
    one.write_text("\n".join(lines), encoding="utf-8")
    assert look(one, Choice("", "", 0)).length == 30_000
    two = tmp_path / "two.csv"
    second = lines[0] + ',"\\\\H\\LogicalDisk(_Total)\\Disk Write Bytes/sec"'
    two.write_text("\n".join([second, *(f'{line},"1.000"' for line in lines[1:])]), encoding="utf-8")
    with pytest.raises(LabError) as refused:
        look(two, Choice("", "", 0))
    assert refused.value.code == 900363
    zeros = tmp_path / "zeros.csv"
    zeros.write_text(f"{HEAD_LINE}\n1,web,00,Write,0,4096,1\n2,web,1,Write,65536,4096,1\n", encoding="utf-8")
    for wanted in ("0", "00"):
        assert look(zeros, Choice("", wanted, 0)).needed == 4_096
