"""Inventories as PowerShell, spreadsheets and people leave them: what is read of them, and how they are refused."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labkit.engine.errors import LabError
from labkit.recovery import inventories, inventorytext
from labkit.recovery.inventorycells import number
from labkit.recovery.readiness import assess
from labkit.recovery.subjects import Subject, SubjectAdapter, SubjectDisk

GB, MB = 1 << 30, 1 << 20
DOCS = Path(__file__).parents[2] / "docs" / "readiness.md"
# One VM as the documented command for JSON writes it.
WHOLE: dict[str, Any] = {
    "VMName": "WEB01",
    "VMId": "7d6ed8f0-5f1c-4a3c-8df0-1d6a8f5c2c11",
    "ComputerName": "HV01",
    "HostOperatingSystem": "Microsoft Windows Server 2012 R2 Datacenter",
    "Generation": 1,
    "ProcessorCount": 2,
    "MemoryStartup": 4 * GB,
    "MemoryMaximum": 1024 * GB,
    "DynamicMemoryEnabled": False,
    "GuestOperatingSystem": "Windows Server 2012 R2 Standard",
    "ProcessorArchitecture": "9",
    "IntegrationServicesVersion": "6.3.9600.16384",
    "FibreChannel": False,
    "Disks": [
        {
            "Path": r"D:\vm\data.vhdx", "ControllerType": "SCSI", "ControllerNumber": 0, "ControllerLocation": 0,
            "DiskNumber": None, "SupportPersistentReservations": False, "Size": 100 * GB, "VhdFormat": "VHDX",
            "VhdType": "Fixed",
        },
        {
            "Path": r"D:\vm\os.vhdx", "ControllerType": "IDE", "ControllerNumber": 0, "ControllerLocation": 0,
            "DiskNumber": None, "SupportPersistentReservations": False, "Size": 40 * GB, "VhdFormat": "VHDX",
            "VhdType": "Dynamic",
        },
    ],
    "Adapters": [
        {
            "AdapterName": "Network Adapter", "SwitchName": "LAN", "DhcpEnabled": True,
            "IPAddresses": ["10.0.0.4", "fe80::1"],
        },
    ],
}  # fmt: skip
SUBJECT = Subject(
    name="WEB01",
    generation=1,
    system="Windows Server 2012 R2 Standard",
    bits=64,
    cpu=2,
    memory_max=4 * GB,
    disks=(
        SubjectDisk("os.vhdx", 40 * GB, "ide", "vhdx", "dynamic"),
        SubjectDisk("data.vhdx", 100 * GB, "scsi", "vhdx", "fixed"),
    ),
    adapters=(SubjectAdapter("Network Adapter", "dhcp", 1),),
    fibre_channel=False,
    integration="current",
    host_os="Microsoft Windows Server 2012 R2 Datacenter",
)


def flat(machine: dict[str, Any] = WHOLE) -> list[dict[str, Any]]:
    """The same as rows of CSV, one a disk."""
    own = {key: value for key, value in machine.items() if key not in ("Disks", "Adapters")}
    adapters = ";".join(adapter["AdapterName"] for adapter in machine["Adapters"])
    return [{**own, "Adapters": adapters, "DhcpEnabled": "True", **disk} for disk in machine["Disks"]]


def csv_text(rows: list[dict[str, Any]], separator: str = ",") -> str:
    """Rows as Export-Csv writes them: everything quoted, lines end with CR LF."""
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, list(rows[0]), delimiter=separator, quoting=csv.QUOTE_ALL)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def read(folder: Path, content: str | bytes, name: str = "a.csv") -> inventories.Inventory:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return inventories.read([path])


def only(found: inventories.Inventory) -> Subject:
    (entry,) = found.entries
    return entry.subject


def refused(folder: Path, content: str | bytes, name: str = "a.csv") -> LabError:
    with pytest.raises(LabError) as caught:
        read(folder, content, name)
    assert caught.value.exit_status == 3
    assert re.search(r"\{[a-z]+\}", str(caught.value)) is None
    return caught.value


@pytest.mark.rule("1.4-15")
def test_json_of_the_documented_command(tmp_path: Path) -> None:
    """Everything in it is understood, as a list and as the one object ConvertTo-Json makes of one VM."""
    for data in ([WHOLE], WHOLE, {"value": [WHOLE], "Count": 1}, {"VMs": [WHOLE]}):
        found = read(tmp_path, json.dumps(data), "a.json")
        assert only(found) == SUBJECT
        assert found.notes == ()


@pytest.mark.rule("1.4-15")
def test_csv_of_the_documented_command(tmp_path: Path) -> None:
    """One row a disk gives the same VM."""
    found = only(read(tmp_path, csv_text(flat())))
    assert found == Subject(**{**_plain(SUBJECT), "adapters": (SubjectAdapter("Network Adapter", "dhcp"),)})


def _plain(subject: Subject) -> dict[str, Any]:
    return {name: getattr(subject, name) for name in subject.__struct_fields__}


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp932"])
def test_encodings_and_separators(tmp_path: Path, encoding: str, separator: str) -> None:
    """UTF-8, UTF-16 and Shift-JIS, with and without mark, with commas, semicolons and tabs."""
    rows = [{**row, "VMName": "受注サーバー"} for row in flat()]
    text = "#TYPE Selected.System.Management.Automation.PSCustomObject\r\n" + csv_text(rows, separator)
    assert only(read(tmp_path, text.encode(encoding))).name == "受注サーバー"


def test_the_first_line_of_a_spreadsheet(tmp_path: Path) -> None:
    """ "sep=" tells the separator."""
    assert only(read(tmp_path, "sep=;\r\nVMName;Generation\r\nA,B;2\r\n")).generation == 2
    assert only(read(tmp_path, "sep=;\r\nVMName;Generation\r\nA,B;2\r\n")).name == "A,B"


def test_windows_1252(tmp_path: Path) -> None:
    """A name with an accent, which is neither UTF-8 nor Shift-JIS."""
    assert only(read(tmp_path, "VMName,Cloud\r\nCafé,\r\n".encode("cp1252"))).name == "Café"


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("136365211648", 127 * GB),
        ("127GB", 127 * GB),
        ("127 gb", 127 * GB),
        ("127,5 GB", 255 * GB // 2),
        ("127.5GiB", 255 * GB // 2),
        ("1,023 GB", 1023 * GB),
        ("1.023,0 GB", 1023 * GB),
        ("136,365,211,648", 127 * GB),
        ("136.365.211.648", 127 * GB),
        ("136 365 211 648", 127 * GB),
        ("136\u00a0365\u00a0211\u00a0648", 127 * GB),
        ("136'365'211'648", 127 * GB),
        ("1.099511627776E+12", 1024 * GB),
        ("", None),
        ("0", None),
    ],
)
def test_sizes(tmp_path: Path, text: str, size: int | None) -> None:
    """Bytes or units, with the separators of any country."""
    found = only(read(tmp_path, csv_text([{"VMName": "A", "ControllerType": "IDE", "Size": text}])))
    assert found.disks is not None
    assert found.disks[0].size == size


def test_units_in_the_name_of_a_column(tmp_path: Path) -> None:
    """VMM writes memory in MB; SizeGB is in GB."""
    found = only(read(tmp_path, "VMName,Memory,CPUCount,Size (GB)\nA,4096,2,\n"))
    assert (found.memory_max, found.cpu) == (4 * GB, 2)
    found = only(read(tmp_path, "VMName;MemoryMaximumMB;SizeGB\nA;2048;127,5\n"))
    assert found.memory_max == 2 * GB
    assert found.disks is not None
    assert found.disks[0].size == 255 * GB // 2


@pytest.mark.rule("2.8-4")
@pytest.mark.parametrize(("dynamic", "memory"), [("True", 8 * GB), ("False", 4 * GB), ("", 8 * GB)])
def test_the_maximum_counts_when_memory_is_dynamic(tmp_path: Path, dynamic: str, memory: int) -> None:
    """Hyper-V names a maximum for every VM."""
    row = {"VMName": "A", "MemoryStartup": 4 * GB, "MemoryMaximum": 8 * GB, "DynamicMemoryEnabled": dynamic}
    assert only(read(tmp_path, csv_text([row]))).memory_max == memory


def test_the_cmdlets_own_json(tmp_path: Path) -> None:
    """Enumerations are numbers there, versions are objects, a VM has a path, too."""
    machine = {
        "Name": "DB01", "VMName": "DB01", "Path": r"C:\ProgramData\Hyper-V", "Generation": 2,
        "IntegrationServicesVersion": {"Major": 6, "Minor": 2, "Build": 9200},
        "HardDrives": [{"Name": "Hard Drive", "Path": r"D:\os.vhdx", "ControllerType": 1, "DiskNumber": None},
                       {"Name": "Hard Drive", "Path": "Disk 2 10.00 GB Bus 0", "ControllerType": 1, "DiskNumber": 2}],
        "NetworkAdapters": [{"Name": "LAN", "IPAddresses": []}], "FibreChannelHostBusAdapters": [],
    }  # fmt: skip
    found = only(read(tmp_path, json.dumps(machine), "a.json"))
    assert (found.generation, found.integration, found.fibre_channel) == (2, "old", False)
    assert found.disks is not None
    assert [(disk.controller, disk.format, disk.type) for disk in found.disks] == [
        ("scsi", "vhdx", None),
        ("scsi", None, "pass-through"),
    ]
    assert found.adapters == (SubjectAdapter("LAN"),)


def test_what_powershell_cut_off_is_told(tmp_path: Path) -> None:
    """Nothing is made of "System.Object[]": it is not known, and the column is named."""
    machine = {
        "VMName": "A",
        "Disks": "System.Object[]",
        "Adapters": "@{Name=LAN; SwitchName=x}",
        "HardDrives": ["Microsoft.HyperV.PowerShell.HardDiskDrive"],
    }
    found = read(tmp_path, json.dumps(machine), "a.json")
    assert only(found).adapters is None
    assert only(found).disks == (SubjectDisk("1"),)
    assert [note.split(" ")[0] for note in found.notes] == ["Disks", "HardDrives", "Adapters"]


def test_separate_exports_are_joined(tmp_path: Path) -> None:
    """Get-VM, Get-VMHardDiskDrive, Get-VHD, Get-VMNetworkAdapter and VMM's tables in one folder give the whole VM."""
    tables = {
        "vm.csv": [{"Name": "WEB01", "ComputerName": "HV01", "Generation": 1, "ProcessorCount": 2,
                    "HardDrives": "System.Collections.Generic.List`1[Microsoft.HyperV.PowerShell.HardDiskDrive]"}],
        "disks.csv": [{"VMName": "WEB01", "Name": "Hard Drive", "ControllerType": "SCSI", "ControllerNumber": 0,
                       "ControllerLocation": 0, "Path": r"D:\data.vhdx", "DiskNumber": ""},
                      {"VMName": "web01", "Name": "Hard Drive", "ControllerType": "IDE", "ControllerNumber": 0,
                       "ControllerLocation": 0, "Path": r"D:\OS.vhdx", "DiskNumber": ""},
                      {"VMName": "GONE", "Name": "Hard Drive", "ControllerType": "IDE", "ControllerNumber": 0,
                       "ControllerLocation": 0, "Path": r"D:\x.vhdx", "DiskNumber": ""}],
        "vhd.csv": [{"ComputerName": "HV01", "Path": r"d:\os.vhdx", "VhdFormat": "VHDX", "VhdType": "Dynamic",
                     "FileSize": 1, "Size": 40 * GB, "DiskNumber": ""},
                    {"ComputerName": "HV01", "Path": r"D:\data.vhdx", "VhdFormat": "VHDX", "VhdType": "Fixed",
                     "FileSize": 1, "Size": 100 * GB, "DiskNumber": 3}],
        "net.csv": [{"VMName": "WEB01", "Name": "LAN", "SwitchName": "s", "IPAddresses": "{10.0.0.4, fe80::1}"}],
        "vmm.csv": [{"VMName": "WEB01", "OperatingSystem": "64-bit edition of Windows Server 2008 R2 Standard",
                     "Cloud": "Gold"}],
        "vmm-disks.csv": [{"VMName": "WEB01", "Path": r"D:\os.vhdx", "VolumeType": "BootAndSystem"},
                          {"VMName": "WEB01", "Path": r"D:\data.vhdx", "VolumeType": "None"}],
    }  # fmt: skip
    for name, rows in tables.items():
        (tmp_path / name).write_text(csv_text(rows), "utf-8")
    found = inventories.read([tmp_path])
    subject = only(found)
    assert (subject.cloud, subject.declared) == ("Gold", "64-bit edition of Windows Server 2008 R2 Standard")
    assert subject.disks == (
        SubjectDisk("OS.vhdx", 40 * GB, "ide", "vhdx", "dynamic", True),
        SubjectDisk("data.vhdx", 100 * GB, "scsi", "vhdx", "fixed", False),
    )
    assert subject.adapters == (SubjectAdapter("LAN", None, 1),)
    assert len(found.notes) == 1
    assert "GONE" in found.notes[0]
    assert len(found.sources) == 6


def test_names_that_stand_twice(tmp_path: Path) -> None:
    """Two in one file, or on two hosts, are two machines, and it is told; rows of disks are of one."""
    found = read(tmp_path, "VMName,Generation\nA,1\nB,1\na,2\n")
    assert [(entry.label, entry.subject.generation) for entry in found.entries] == [("A", 1), ("B", 1), ("a (2)", 2)]
    assert "A stands 2 times" in found.notes[0]
    (tmp_path / "1.json").write_text(json.dumps({"VMName": "A", "ComputerName": "HV01", "Generation": 1}))
    (tmp_path / "2.json").write_text(json.dumps({"VMName": "A", "ComputerName": "HV02", "Generation": 1}))
    found = inventories.read([tmp_path / "1.json", tmp_path / "2.json"])
    assert [entry.label for entry in found.entries] == ["A", "A (2)"]
    assert len(read(tmp_path, csv_text(flat())).entries) == 1


@pytest.mark.rule("1.2-7")
@pytest.mark.parametrize(
    ("column", "text", "platform"),
    [
        ("VirtualizationPlatform", "VMWareESX", "vmware"),
        ("Type", "Physical server", "physical"),
        ("Platform", "Hyper-V", "hyper-v"),
        ("Type", "Production", "hyper-v"),
        ("Platform", "", "hyper-v"),
    ],
)
def test_kinds_of_machines(tmp_path: Path, column: str, text: str, platform: str) -> None:
    """VMware and physical machines are known by their column."""
    assert only(read(tmp_path, csv_text([{"Name": "A", column: text}]))).platform == platform


def test_only_disks_are_told(tmp_path: Path) -> None:
    """A table of disks names its machines."""
    found = read(tmp_path, "VMName,ControllerType,Size\nA,IDE,1GB\nA,SCSI,2GB\nB,IDE,1GB\n")
    assert [(entry.label, len(entry.subject.disks or ())) for entry in found.entries] == [("A", 2), ("B", 1)]


def test_a_table_made_by_hand(tmp_path: Path) -> None:
    """One row a disk, with the machine's name under "Name"."""
    found = read(tmp_path, "Name;SizeGB;Controller Type\nA;40;IDE\nA;100;SCSI\n")
    assert [(disk.size, disk.controller) for disk in only(found).disks or ()] == [(40 * GB, "ide"), (100 * GB, "scsi")]


def test_entries_without_a_name(tmp_path: Path) -> None:
    """They are left out, and counted."""
    found = read(tmp_path, "VMName,Generation\nA,1\n,2\n ,1\n")
    assert len(found.entries) == 1
    assert found.notes == ("2 entries without a name are left out.",)


def test_values_that_cannot_be_understood(tmp_path: Path) -> None:
    """All of them are told at once, with file, line, column, and what is allowed."""
    error = refused(
        tmp_path,
        "VMName;Generation;ProcessorCount;ControllerType;Size;DynamicMemoryEnabled\n"
        "A;first;2.5;FDC;12;perhaps\nB;1;1;IDE;much;False\n",
    )
    assert error.code == 900883
    assert error.details["faults"].splitlines() == [
        "a.csv:2: ControllerType: found 'FDC', allowed: ide, scsi",
        "a.csv:2: Size: found '12', allowed: a size in bytes, or with its unit such as 40GB",
        "a.csv:2: DynamicMemoryEnabled: found 'perhaps', allowed: True, False",
        "a.csv:2: Generation: found 'first', allowed: a whole number from 0 to 9",
        "a.csv:2: ProcessorCount: found '2.5', allowed: a whole number from 0 to 4096",
        "a.csv:3: Size: found 'much', allowed: a size in bytes, or with its unit such as 40GB",
    ]


@pytest.mark.parametrize(
    ("content", "name", "code"),
    [
        ("", "a.csv", 900878),
        ("\ufeff", "a.csv", 900878),
        ("VMName,Generation\r\n", "a.csv", 900878),
        ("[]", "a.json", 900878),
        ("[null, 3, \"x\"]", "a.json", 900878),
        ('{"VMName": "A", "Disks": [', "a.json", 900879),
        ("[" * 100_000, "a.json", 900879),
        ('[{"VMName": ' + "9" * 5_000 + "}]", "a.json", 900879),
        ("Host,Owner\r\nA,B\r\n", "a.csv", 900880),
        ('[{"Host": "A"}]', "a.json", 900880),
        (bytes(range(256)), "a.csv", 900882),
        ('VMName,Size\n"A,1GB\nB,2GB\n', "a.csv", 900884),
        ("\nName State\n---- -----\nA    Running\n", "a.csv", 900880),
        ("Name,Generation\n" + "Server,1\n" * 51, "a.csv", 900887),
        ("VMName\r\n" + "x" * 200_000 + "\r\n", "a.csv", 900884),
    ],
)  # fmt: skip
def test_files_that_are_no_inventory(tmp_path: Path, content: str | bytes, name: str, code: int) -> None:
    """Each is refused with its own code, what was found and what to do; there is no traceback."""
    error = refused(tmp_path, content, name)
    assert error.code == code
    assert name in str(error)
    assert error.action


def test_files_that_are_not_there(tmp_path: Path) -> None:
    """Missing files, empty folders, names no system allows, and a site file among others."""
    for path, code in ((tmp_path / "x.csv", 900877), (tmp_path, 900878), ("a\0b.csv", 900877)):
        with pytest.raises(LabError) as caught:
            inventories.read([path])
        assert caught.value.code == code
    with pytest.raises(LabError) as caught:
        inventories.read(["contoso", tmp_path / "a.csv"])
    assert caught.value.code == 900886


def test_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There are limits to files and rows."""
    monkeypatch.setattr(inventorytext, "MOST_ROWS", 2)
    assert refused(tmp_path, "VMName\nA\nB\nC\n").code == 900881
    monkeypatch.setattr(inventorytext, "LARGEST_FILE", 10)
    assert refused(tmp_path, "VMName\nABCDEF\n").code == 900881


def test_control_characters_do_not_reach_the_terminal(tmp_path: Path) -> None:
    """Names are of one line and can be shown."""
    found = only(read(tmp_path, json.dumps({"VMName": "A\x1b[31m\nB\ud800", "Generation": 1}), "a.json"))
    assert found.name == "A [31m B"


@pytest.mark.parametrize("text", ["", ",", ".", "1,,2", "e5", "1e999", "١٢", "-5", "0x10", "1" * 50])
def test_what_is_no_number(text: str) -> None:
    """Nothing is guessed."""
    found = number(text)
    assert found is None or found >= 0


def test_every_column_is_documented() -> None:
    """docs/readiness.md names each column that is read."""
    page = DOCS.read_text("utf-8")
    for things in inventorytext.columns().values():
        for names in things.values():
            assert [name for name in names if f"`{name}`" not in page] == []


_ODD = st.sampled_from([
    "", "0", "1", "2", "-1", "127,5 GB", "1e9", "True", "はい", "System.Object[]", "@{a=b}", "{}", "Disk 2 10 GB",
    "IDE", "SCSI",
    r"C:\a\b.vhdx", "FreeBSD", "Windows Server 2012 R2", "\ud800", "\0", '"', "=cmd()", "\u202e", "NaN",
])  # fmt: skip
_VALUES: Any = st.recursive(
    _ODD | st.text(max_size=8) | st.none() | st.booleans() | st.integers() | st.floats(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["Name", "Path", "Size", "Major", "value", "Count", "x"]), inner, max_size=4)
    ),
    max_leaves=6,
)
_COLUMNS = sorted({name for things in inventorytext.columns().values() for names in things.values() for name in names})
_ENTRIES = st.lists(st.dictionaries(st.sampled_from(_COLUMNS), _VALUES, max_size=12), max_size=3)


def _survives(folder: Path, raw: bytes, name: str) -> None:
    path = folder / name
    path.write_bytes(raw)
    refusal = ""
    try:
        report = assess(path)
        json.dumps(report.as_dict())
        report.html().encode("utf-8")
    except LabError as error:
        refusal = str(error)
        status = error.exit_status
    if refusal:
        assert status == 3
        refusal.encode("utf-8")


@given(_ENTRIES)
def test_any_json_is_read_or_refused(tmp_path: Path, entries: list[dict[str, Any]]) -> None:
    """Whatever stands in the columns, there is a report or a refusal."""
    _survives(tmp_path, json.dumps(entries).encode(), "a.json")


@given(
    st.lists(st.sampled_from(_COLUMNS), min_size=1, max_size=12, unique=True),
    st.lists(st.lists(_ODD, max_size=12), max_size=4),
)
def test_any_csv_is_read_or_refused(tmp_path: Path, head: list[str], rows: list[list[str]]) -> None:
    """The same for rows of CSV, which may be too short or too long."""
    out = io.StringIO(newline="")
    csv.writer(out).writerows([["VMName", *head], *(["A", *row] for row in rows)])
    _survives(tmp_path, out.getvalue().encode("utf-8", "replace"), "a.csv")


@given(
    st.binary(max_size=200),
    st.sampled_from([b"", b"VMName,Size\r\n", b"[{", b"\xff\xfe", b"\xef\xbb\xbf", b'{"VMName":']),
)
def test_any_bytes_are_read_or_refused(tmp_path: Path, raw: bytes, begin: bytes) -> None:
    """Bytes that are no text, or only half of one."""
    _survives(tmp_path, begin + raw, "a.csv")
