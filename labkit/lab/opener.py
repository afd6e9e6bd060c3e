"""The certificate that opens an encrypted cloud, as a call gives it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey


class Opener(NamedTuple):
    """The ``.pfx`` of an encrypted cloud: a file, and its password."""

    certificate: str | Path | None
    password: str | None

    def private(self) -> RSAPrivateKey | None:
        """The private key in it; None when no file is given. Errors: :func:`labkit.recovery.certificates.read_pfx`."""
        if self.certificate is None:
            return None
        from labkit.recovery import certificates

        return certificates.read_pfx(Path(self.certificate), self.password)

    @property
    def name(self) -> str | None:
        """The file's name, for the journal."""
        return None if self.certificate is None else Path(self.certificate).name
