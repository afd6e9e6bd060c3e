"""Sealing what a set of disks stores: AES-256-GCM, a fresh nonce for each body, bound to its place (rule 2.7-3)."""

from __future__ import annotations

import os

from labkit.engine.errors import LabError

NONCE, TAG, SECRET = 12, 16, 32  # bytes


class Key:
    """A data key; neither its text nor its pickled form shows it."""

    __slots__ = ("_cipher",)

    def __init__(self, secret: bytes) -> None:
        if len(secret) != SECRET:
            raise ValueError(f"a data key has {SECRET} bytes")
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        self._cipher = AESGCM(secret)

    def seal(self, place: str, body: bytes) -> bytes:
        """``body`` as nonce, ciphertext and tag; it opens at that place only.

        The nonce is drawn by the system, never counted: copies of a lab go on apart from each other with one key.
        """
        nonce = os.urandom(NONCE)
        return nonce + self._cipher.encrypt(nonce, body, place.encode())

    def unseal(self, place: str, sealed: bytes) -> bytes:
        """What was sealed there; 900381 when it was changed, lies elsewhere, or was sealed with another key."""
        from cryptography.exceptions import InvalidTag

        try:
            return self._cipher.decrypt(sealed[:NONCE], sealed[NONCE:], place.encode())
        except (InvalidTag, ValueError):  # the second for what is shorter than a nonce
            raise LabError(900381, place=place) from None

    def __reduce__(self) -> str:
        raise TypeError("a key is not pickled")


def new_secret() -> bytes:
    """A data key from the system's random source."""
    return os.urandom(SECRET)
