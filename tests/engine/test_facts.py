"""Facts: their chain and canonical form, computed again with nothing of labkit but the lines it prints."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import labkit
from labkit.engine.facts import canonical

VALUES = st.one_of(st.integers(-(2**62), 2**62), st.text(max_size=20))


@pytest.mark.promise(4)
def test_anybody_can_compute_the_digest_again(tmp_path: Path) -> None:
    """d(0) = 32 zero bytes, d(n) = SHA-256(d(n-1) + canonical JSON of fact n), by hashlib and json alone."""
    with labkit.create(tmp_path / "a.lab", stage="protected") as lab:
        lab.vault.test_failover("MYWSV01")
        lab.run("2h")
        digest, count, before = bytes(32), 0, 0
        for line in lab.fact_lines():
            fact = json.loads(line)
            again = json.dumps(fact, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
            assert again == line
            assert all(isinstance(value, (int, str)) for value in fact.values()), fact
            assert fact["at"] >= before
            digest = hashlib.sha256(digest + again.encode("utf-8")).digest()
            count, before = count + 1, fact["at"]
        assert digest.hex() == lab.events_digest
        assert count == lab.status()["events"] > 100
        assert list(lab.fact_lines(after=count - 3)) == list(lab.fact_lines())[-3:]


@given(st.dictionaries(st.text(min_size=1, max_size=8), VALUES, max_size=6))
def test_canonical_form_is_what_json_makes_of_it(fact: dict[str, int | str]) -> None:
    """Sorted keys, no spaces, UTF-8: the form that Python's own json gives, for any letters and control characters."""
    expected = json.dumps(fact, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
    found = canonical(fact)
    assert json.loads(found) == fact
    assert b'": ' not in found or b'": ' in expected
    if all(ord(letter) >= 32 and ord(letter) != 127 for text in [*fact, *fact.values()] for letter in str(text)):
        assert found == expected
