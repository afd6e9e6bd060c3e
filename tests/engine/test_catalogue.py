"""The catalogue of errors: each code once, complete, and used."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import yaml

from labkit.engine.errors import catalogue

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "data" / "errors").glob("*.yml"))


def test_each_code_stands_once() -> None:
    """No code is defined twice, in one file (where YAML would keep the last) or in two."""
    codes: Counter[str] = Counter()
    for path in FILES:
        node = yaml.compose(path.read_text("utf-8"))
        codes.update(key.value for key, _ in node.value)
    assert [code for code, count in codes.items() if count > 1] == []
    assert len(codes) == len(catalogue()) > 50


def test_each_error_says_what_to_do() -> None:
    """Every entry has a message and an action, and a known exit status."""
    for code, entry in catalogue().items():
        assert entry["message"], code
        assert entry["action"], code
        assert entry.get("exit", 3) in (2, 3, 4), code


def test_each_code_is_raised_somewhere_and_each_raise_is_known() -> None:
    """The codes in the catalogue and those in the source are the same ones."""
    source = "\n".join(path.read_text("utf-8") for path in (ROOT / "labkit").rglob("*.py"))
    raised = {
        int(code)
        for code in re.findall(
            r"\b(9\d{5}|532|539|10003|12700|20011|20013|25018|25080|28020|28031|31218|40000|40004|67508|161018|170010|700\d\d)\b",
            re.sub(r'""".*?"""', "", source, flags=re.S),
        )
    }
    assert sorted(raised - catalogue().keys()) == []
    assert sorted(catalogue().keys() - raised) == []
