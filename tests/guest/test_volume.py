from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labkit.disks.blocks import BLOCK, PAGE
from labkit.engine.errors import LabError
from labkit.guest.volume import DIRECTORY_BYTES, Directory, NoSpaceError, Volume

MB = 2**20


def blank(size: int = 20 * MB) -> Volume:
    return Volume(size, lambda _block: None)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4 * BLOCK - 1), st.binary(min_size=1, max_size=2 * BLOCK)), max_size=6))
def test_a_volume_is_a_row_of_bytes_and_says_which_pages_were_written(writes: list[tuple[int, bytes]]) -> None:
    """Against a plain bytearray: same bytes everywhere, masks name exactly the 4 KiB pages touched, below unchanged."""
    below = {1: bytes([7]) * BLOCK}
    plain, pages = bytearray(4 * BLOCK), set()
    plain[BLOCK : 2 * BLOCK] = below[1]
    volume = Volume(4 * BLOCK, below.get)
    for at, data in writes:
        data = data[: 4 * BLOCK - at]
        volume.write(at, data)
        plain[at : at + len(data)] = data
        pages |= set(range(at // PAGE, (at + len(data) - 1) // PAGE + 1))
    changed = volume.changed()
    assert volume.read(0, 4 * BLOCK) == plain
    assert {
        block * 16 + page for block, (_c, mask) in changed.items() for page in range(16) if mask >> page & 1
    } == pages
    assert all(content == plain[block * BLOCK : (block + 1) * BLOCK] for block, (content, _mask) in changed.items())
    assert below == {1: bytes([7]) * BLOCK}


def test_writing_on_an_overlay_leaves_the_volume_alone() -> None:
    """A look may recover on a further copy without touching the disk it looks at."""
    volume = blank()
    volume.write(5, b"below")
    upper = volume.overlay()
    upper.write(5, b"above")
    assert (volume.read(5, 5), upper.read(5, 5)) == (b"below", b"above")
    assert volume.changed()[0][1] == 1


def test_a_write_off_the_disk_and_a_short_block_below_are_refused() -> None:
    """Faults of the caller are told, not written somewhere."""
    with pytest.raises(ValueError, match="not on a disk"):
        blank().write(20 * MB - 1, b"ab")
    with pytest.raises(ValueError, match="not 65536"):
        Volume(MB, lambda _block: b"short").read(0, 1)


def test_sizes_of_files_are_on_the_disk() -> None:
    """A directory read back from the blocks alone knows every size; one from before a write knows the old size."""
    volume = blank()
    directory = Directory.lay_out(volume, "a.db", b"x" * 5000)
    before = {block: content for block, (content, _mask) in volume.changed().items()}
    directory.write("a.db-wal", 100, b"frames")
    directory.truncate("a.db", 10)
    after = {block: content for block, (content, _mask) in volume.changed().items()}
    old, new = (Directory.load(Volume(20 * MB, blocks.get)) for blocks in (before, after))
    assert old is not None
    assert new is not None
    assert {name: file.size for name, file in old.files.items()} == {"a.db": 5000, "a.db-wal": 0}
    assert {name: file.size for name, file in new.files.items()} == {"a.db": 10, "a.db-wal": 106}
    assert new.read("a.db-wal", 0, 500) == bytes(100) + b"frames"


def test_what_was_cut_off_does_not_come_back() -> None:
    """A file cut short and grown again reads zeros in between, not its former bytes."""
    directory = Directory.lay_out(blank(), "a.db", b"old" * 1000)
    directory.truncate("a.db", 3)
    directory.truncate("a.db", 3000)
    assert directory.read("a.db", 0, 3000) == b"old" + bytes(2997)
    directory.truncate("a.db", 3)
    directory.write("a.db", 10, b"new")
    assert directory.read("a.db", 0, 100) == b"old" + bytes(7) + b"new"


def test_a_file_cannot_grow_into_the_next_one() -> None:
    """Database and log have their own halves; the last byte of each fits, one more is refused."""
    volume = blank()
    directory = Directory.lay_out(volume, "a.db", b"")
    for file in directory.files.values():
        directory.write(file.name, file.room - 1, b"!")
        with pytest.raises(NoSpaceError):
            directory.write(file.name, file.room - 1, b"!!")
    data, log = directory.files.values()
    assert data.first + data.blocks == log.first
    assert log.first + log.blocks == volume.size // BLOCK


def test_a_blank_disk_has_no_directory_and_a_tiny_one_is_refused() -> None:
    """Zeros are no damage; a disk too small for a database is refused with the least size."""
    assert Directory.load(blank()) is None
    with pytest.raises(LabError) as caught:
        Directory.lay_out(blank(MB), "a.db", b"")
    assert (caught.value.code, caught.value.details["least"]) == (900400, 4 * MB)
    with pytest.raises(LabError) as caught:
        Directory.lay_out(blank(4 * MB), "a.db", bytes(2 * MB))
    assert caught.value.code == 900402


@pytest.mark.parametrize("at", [0, 8, 12, 16, 24, 32, 70, 80, 88, 96, DIRECTORY_BYTES - 1])
def test_a_damaged_directory_is_told(at: int) -> None:
    """One flipped bit anywhere in the directory gives error 900401 that names the disk and has every text filled."""
    volume = blank()
    Directory.lay_out(volume, "a.db", b"content")
    volume.write(at, bytes([volume.read(at, 1)[0] ^ 16]))
    with pytest.raises(LabError) as caught:
        Directory.load(volume)
    assert caught.value.code == 900401
    assert "'data'" in str(caught.value)
    assert "{" not in str(caught.value)


@pytest.mark.parametrize(
    ("field", "value"), [(8, 9), (24, 999), (32 + 32, 1 << 40), (32 + 40, 1 << 50), (32 + 48, 1 << 40)]
)
def test_a_directory_with_a_right_checksum_is_still_checked(field: int, value: int) -> None:
    """Versions of the future and extents off the disk are damage too, not a crash."""
    volume = blank()
    Directory.lay_out(volume, "a.db", b"content")
    raw = bytearray(volume.read(0, DIRECTORY_BYTES))
    struct.pack_into("<I" if field < 32 else "<Q", raw, field, value)
    struct.pack_into("<I", raw, DIRECTORY_BYTES - 4, zlib.crc32(raw[:-4]))
    volume.write(0, raw)
    with pytest.raises(LabError) as caught:
        Directory.load(volume)
    assert caught.value.code == 900401
