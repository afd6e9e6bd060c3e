"""Encryption of a cloud's replicas: the certificate, and Azure's part of the keys (rules 2.6-4, 2.7-3, 3.3-1, F-4).

The provider's setup makes a certificate; its private key is in the ``.pfx`` that the administrator keeps, and nowhere
in the lab. Azure has the data key of a cloud wrapped by that certificate, so a failover has to be given the ``.pfx``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from labkit.disks import sealing
from labkit.disks.sealing import Key
from labkit.engine.errors import LabError
from labkit.engine.jobs import JobRecord
from labkit.engine.world import Entity, World, entity
from labkit.recovery.item import ProtectedItem
from labkit.replication.keys import DataKey

FILE_NAME = "DataEncryptionCertificate.pfx"  # rule 2.6-4

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey


@entity("certificate")
class Certificate(Entity):
    """The certificate made at a VMM server, without its private key (DER); ``id`` is the server's name."""

    der: bytes


@entity("wrapped-key")
class WrappedKey(Entity):
    """Azure's part: the data key of a cloud, readable only with the private key of the certificate."""

    wrapped: bytes


@entity("unlocked")
class Unlocked(Entity):
    """The data key a job was given with its ``.pfx``, until it has made the VM; ``id`` is the job's."""

    secret: bytes

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id}>"


# --- an encrypted cloud -----------------------------------------------------------------------------------------------


def keep_certificate(world: World, server: str, der: bytes) -> None:
    """The server has this certificate from now on; clouds configured before keep theirs."""
    found = world.find(Certificate, server)
    if found is not None:
        world.remove(found)
    world.add(Certificate(server, der))
    world.fact("certificate.made", server)


def require_certificate(world: World, server: str) -> None:
    """Refuse the switch while there is no certificate (900567, rule 2.7-3)."""
    if world.find(Certificate, server) is None:
        raise LabError(900567, server=server)


def begin(world: World, cloud: str, server: str) -> None:
    """A cloud is encrypted from now on: a new data key for the site, wrapped by the certificate for Azure."""
    from labkit.recovery import certificates

    secret = sealing.new_secret()
    world.add(DataKey(cloud, secret))
    world.add(WrappedKey(cloud, certificates.wrap(world.get(Certificate, server).der, secret)))


def end(world: World, cloud: str) -> None:
    """The cloud was released: its keys are gone on both sides."""
    for kind in (DataKey, WrappedKey):
        found: Entity | None = world.find(kind, cloud)
        if found is not None:
            world.remove(found)


# --- opening on Azure's side ------------------------------------------------------------------------------------------


def needs_certificate(world: World, item: ProtectedItem) -> bool:
    """Whether an item's replica is opened with the certificate of its cloud only."""
    return world.find(WrappedKey, item.cloud) is not None


def unlock(world: World, item: ProtectedItem, private: RSAPrivateKey | None) -> bytes | None:
    """The data key for an item's replica; None when it is not sealed. 900563 without certificate, 900566: another."""
    wrapped = world.find(WrappedKey, item.cloud)
    if wrapped is None:
        return None
    if private is None:
        raise LabError(900563, vm=item.id, cloud=item.cloud)
    from labkit.recovery import certificates

    secret = certificates.unwrap(private, wrapped.wrapped)
    if secret is None:
        raise LabError(900566, vm=item.id, cloud=item.cloud)
    return secret


def lend(world: World, job: JobRecord, secret: bytes | None) -> None:
    """Let a job have the key until it has made the VM."""
    if secret is not None:
        world.add(Unlocked(job.id, secret))


def lend_for_later(world: World, job: JobRecord, secret: bytes | None) -> None:
    """Keep the key for the job that follows a job by itself."""
    if secret is not None:
        world.add(Unlocked(f"{job.id}/then", secret))


def pass_on(world: World, job: JobRecord, to: JobRecord | None) -> None:
    """What was kept for the job that follows goes to it; to none when there is none."""
    found = world.find(Unlocked, f"{job.id}/then")
    if found is not None:
        world.remove(found)
        if to is not None:
            lend(world, to, found.secret)


def take(world: World, job: JobRecord) -> Key | None:
    """The key a job was lent, once; None when it was lent none."""
    found = world.find(Unlocked, job.id)
    forget(world, job)
    return None if found is None else Key(found.secret)


def lent(world: World, job: JobRecord) -> Key | None:
    """The key a job was lent and still has."""
    found = world.find(Unlocked, job.id)
    return None if found is None else Key(found.secret)


def forget(world: World, job: JobRecord) -> None:
    """The job needs the key no more."""
    found = world.find(Unlocked, job.id)
    if found is not None:
        world.remove(found)
