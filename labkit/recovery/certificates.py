"""The encryption certificate as bytes: making a ``.pfx``, reading one, wrapping a data key (rule 2.6-4).

Imported where it is used: ``cryptography``'s certificates take a tenth of a second to import.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, pkcs12
from cryptography.x509.oid import NameOID

from labkit.engine.errors import LabError

_BITS, _DAYS, _FRIENDLY = 2048, 3 * 365, b"DataEncryptionCertificate"


def new_certificate(server: str, now: int, password: str) -> tuple[bytes, bytes]:
    """A certificate for a server (FQDN), valid from ``now`` (ms) on: the ``.pfx`` and the public part in DER.

    900568 for an empty password.
    """
    try:
        secret = password.encode()
    except UnicodeEncodeError:
        secret = b""
    if not secret:
        raise LabError(900568)
    private = rsa.generate_private_key(public_exponent=65_537, key_size=_BITS)
    begin = datetime.fromtimestamp(now // 1000, UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, server[:64])])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin - timedelta(minutes=5))
        .not_valid_after(begin + timedelta(days=_DAYS))
        .sign(private, hashes.SHA256())
    )
    sealed = BestAvailableEncryption(secret)
    pfx = pkcs12.serialize_key_and_certificates(_FRIENDLY, private, certificate, None, sealed)
    return pfx, certificate.public_bytes(Encoding.DER)


def write_pfx(out: Path, pfx: bytes) -> None:
    """Keep a ``.pfx`` in a new file; 900570 for one that exists or cannot be written."""
    try:
        with out.open("xb") as file:
            file.write(pfx)
    except (OSError, ValueError) as error:
        raise LabError(900570, path=out, found=getattr(error, "strerror", None) or str(error)) from None


def read_pfx(path: Path, password: str | None) -> RSAPrivateKey:
    """The private key in a ``.pfx``; 900564: the file cannot be read, 900565: wrong password, or no ``.pfx``."""
    try:
        body = path.read_bytes()
    except (OSError, ValueError) as error:
        raise LabError(900564, path=path, found=getattr(error, "strerror", None) or str(error)) from None
    try:
        found = pkcs12.load_pkcs12(body, str(password or "").encode() or None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise LabError(900565, path=path) from None
    if not isinstance(found.key, RSAPrivateKey):
        raise LabError(900565, path=path)
    return found.key


def wrap(der: bytes, secret: bytes) -> bytes:
    """A data key that only the private key of this certificate (DER) opens."""
    public = x509.load_der_x509_certificate(der).public_key()
    assert isinstance(public, RSAPublicKey)
    return public.encrypt(secret, _padding())


def unwrap(private: RSAPrivateKey, wrapped: bytes) -> bytes | None:
    """The data key that :func:`wrap` was given; None when it was wrapped for another certificate."""
    try:
        return private.decrypt(wrapped, _padding())
    except ValueError:
        return None


def _padding() -> padding.OAEP:
    return padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
