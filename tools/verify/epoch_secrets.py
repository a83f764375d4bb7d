"""Epochs, from docs/spec alone: what an entry says of a new one, the root over its wraps, and what
its secret opens.
"""

from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

import hpke
import kdf
import merkle
import tls
from chains import DEVICE, GROUP, IDENTITY, PURPOSES, ascending, need, whole
from envelope import Refused

# --- epochs and wraps


@dataclass(frozen=True)
class EpochStart:
    epoch: int
    commitment: bytes
    back_links: list
    wraps: tuple


def read_wraps_ref(reader):
    return reader.u32(), reader.opaque(32)


def read_epoch(reader):
    epoch, commitment = reader.u32(), reader.opaque(32)
    links = reader.items(lambda it: (it.u32(), it.opaque(32)))
    need(len(links) <= 8 and all(target < epoch for target, _ in links), "back-links")
    ascending((target for target, _ in links), "back-links")
    return EpochStart(epoch, commitment, links, read_wraps_ref(reader))


def wrap_info(purpose, tenant_id, chain_id, epoch, commitment, author, author_key, kind, recipient, generation, key_id):
    return b"".join(
        (
            b"\x00\x01",
            purpose.to_bytes(1, "big"),
            tenant_id,
            chain_id,
            epoch.to_bytes(4, "big"),
            commitment,
            author,
            author_key,
            kind.to_bytes(1, "big"),
            recipient,
            generation.to_bytes(4, "big"),
            key_id,
        )
    )


def check_wraps(upload, reference, chain, entry, commitments):
    """That `upload` holds exactly the wraps that the entry commits to;
    `commitments` are those of the epochs that may be wrapped."""
    wraps = upload["wraps"]
    if reference is None:
        need(not wraps, "wraps that nothing commits to")
        return
    count, root = reference
    leaves, order = [], []
    for wrap in wraps:
        recipient, key_id, sealed = (bytes.fromhex(wrap[name]) for name in ("recipient_id", "key_id", "sealed"))
        need(len(sealed) == 1168 and wrap["epoch"] in commitments, "a wrap of another length or epoch")
        info = wrap_info(
            PURPOSES.get(wrap["recipient_kind"], 1),
            chain.tenant_id,
            chain.id,
            wrap["epoch"],
            commitments[wrap["epoch"]],
            entry.author,
            entry.author_key,
            wrap["recipient_kind"],
            recipient,
            wrap["generation"],
            key_id,
        )
        leaves.append(merkle.leaf_hash(info + sealed))
        order.append((wrap["recipient_kind"], recipient, wrap["epoch"]))
    ascending(order, "wraps")
    need(len(leaves) == count and leaves and merkle.root(leaves) == root, "the wraps are not those of the entry")


def check_back_links(upload, epoch):
    links = [bytes.fromhex(link) for link in upload["back_links"]]
    named = epoch.back_links if epoch else []
    need(len(links) == len(named), "a back-link is missing, or is one too many")
    for link, (target, digest) in zip(links, named):
        read = whole(link, lambda it: (it.u16(), it.u32(), it.u32(), it.opaque(48)))
        need(read[:3] == (1, epoch.epoch, target), "a back-link of another epoch")
        need(kdf.ref_hash("back-link", link) == digest, "a back-link is not the one named")


# --- what epochs' secrets open


def context(tenant_id, chain_id, epoch):
    return tenant_id + chain_id + epoch.to_bytes(4, "big")


def derive(secret, name, place):
    return kdf.expand_with_label(secret, name, place, 32)


def checked(secret, place, commitment):
    need(derive(secret, "commitment", place) == commitment, "the secret is not the one committed to")
    return secret


def open_wrap(seed, info, sealed):
    """The secret in a wrap, checked against the commitment in its info."""
    reader = tls.Reader(info)
    need(reader.u16() == 1 and reader.u8() in (1, 2), "an unknown wrap")
    place, commitment = reader.opaque(68), reader.opaque(32)
    reader.opaque(64)
    need(reader.u8() in (IDENTITY, GROUP, DEVICE), "an unknown recipient")
    reader.opaque(68)
    reader.end()
    need(len(sealed) == 1168, "a wrap has 1,168 bytes")
    return checked(hpke.open_base(seed, info, sealed), place, commitment)


def open_sealed(key, nonce, sealed, associated):
    try:
        return ChaCha20Poly1305(key).decrypt(nonce, sealed, associated)
    except (InvalidTag, ValueError):
        raise Refused("does not open") from None


def open_back_link(secret, tenant_id, chain_id, epoch, commitment, link, target_commitment):
    version, holder, target, sealed = whole(link, lambda it: (it.u16(), it.u32(), it.u32(), it.opaque(48)))
    need((version, holder) == (1, epoch), "a back-link of another epoch")
    place = context(tenant_id, chain_id, epoch)
    number = target.to_bytes(4, "big")
    info = b"\x00\x01" + place + commitment + number + target_commitment
    opened = open_sealed(derive(secret, "back-link", place), bytes(8) + number, sealed, info)
    return checked(opened, context(tenant_id, chain_id, target), target_commitment)


def open_metadata(secret, place, blob):
    need(len(blob) >= 40, "too short for metadata")
    key = kdf.expand_with_label(derive(secret, "metadata", place), "item", blob[:24], 32)
    return open_sealed(key, bytes(12), blob[24:], place)
