"""Signed chains, from docs/spec alone: keys, the core that all entries share, entries, and what
holds in every chain: hashes, links, numbers, authors.
"""

import hashlib
from dataclasses import dataclass

import kdf
import sign
import tls
from envelope import Refused

TENANT, IDENTITY, GROUP, SESSION, LINK, DEVICE, RECOVERY = 1, 2, 3, 4, 5, 6, 7
ED25519, XWING = 0x0001, 0x647A
ZERO = bytes(32)
NO_POSITION = (0, ZERO)
# What is wrapped to a recipient of this kind; 1 to any other.
PURPOSES = {DEVICE: 2, RECOVERY: 3, LINK: 4}


def need(true, why):
    if not true:
        raise Refused(why)


def sha256(data):
    return hashlib.sha256(data).digest()


def whole(data, read):
    """What `read` makes of all of `data`."""
    reader = tls.Reader(data)
    value = read(reader)
    reader.end()
    return value


def ascending(keys, what):
    keys = list(keys)
    need(all(a < b for a, b in zip(keys, keys[1:])), f"{what} are not in strictly ascending order")


# --- keys and cores


@dataclass(frozen=True)
class Key:
    raw: bytes
    algorithm: int
    key: bytes

    @property
    def id(self):
        return kdf.ref_hash("key", self.raw)

    def verify(self, what, content, signature):
        need(self.algorithm == ED25519, "not a signing key")
        need(sign.verify(self.key, what, content, signature), "a signature does not verify")


def read_key(reader):
    start = reader.position()
    algorithm, key = reader.u16(), reader.vector()
    need(algorithm in (ED25519, XWING), "an unknown key algorithm")
    return Key(reader.between(start, reader.position()), algorithm, key)


def kem_key(key):
    need(key.algorithm == XWING and len(key.key) == 1216, "not an X-Wing key")
    return key


@dataclass(frozen=True)
class DeviceKeys:
    raw: bytes
    signing: Key
    kem: Key


def read_device(reader):
    start = reader.position()
    signing, kem = read_key(reader), kem_key(read_key(reader))
    return DeviceKeys(reader.between(start, reader.position()), signing, kem)


@dataclass(frozen=True)
class Core:
    id: bytes
    tenant_id: bytes
    kind: int
    authority: object
    suite: int


def read_core(reader):
    start = reader.position()
    need(reader.u16() == 1, "a core of another version")
    tenant_id, kind, tag = reader.opaque(32), reader.u8(), reader.u8()
    creator = 3, lambda it: it.opaque(32)
    expected = {TENANT: (1, read_key), IDENTITY: (2, read_device), SESSION: creator, GROUP: creator}
    need(kind in expected and expected[kind][0] == tag, "a core of another kind")
    authority, suite = expected[kind][1](reader), reader.u8()
    reader.opaque(32)
    need((tenant_id == ZERO) == (kind == TENANT), "a core of another tenant")
    need(suite in (1, 2) if kind == SESSION else suite == 0, "an unknown suite")
    core_id = sha256(reader.between(start, reader.position()))
    return Core(core_id, core_id if kind == TENANT else tenant_id, kind, authority, suite)


# --- entries


@dataclass(frozen=True)
class Entry:
    raw: bytes
    kind: int
    type: int
    chain_id: bytes
    seq: int
    prev: bytes
    author: bytes
    author_key: bytes
    author_position: tuple
    claimed_ms: int
    body: bytes
    signature: bytes

    @property
    def hash(self):
        return sha256(self.raw)

    def verify(self, key):
        need(key.id == self.author_key, "another key than the entry names")
        key.verify("entry", self.raw, self.signature)


def read_position(reader):
    return reader.u64(), reader.opaque(32)


def read_entry(data):
    reader = tls.Reader(data)
    need(reader.u16() == 1, "an entry of another version")
    kind, number, chain_id = reader.u8(), reader.u16(), reader.opaque(32)
    seq, prev, author, key = reader.u64(), reader.opaque(32), reader.opaque(32), reader.opaque(32)
    position, claimed_ms, body = read_position(reader), reader.u64(), reader.vector()
    raw = reader.between(0, reader.position())
    need(reader.u8() == 1, "an unknown signature algorithm")
    signature = reader.vector()
    reader.end()
    return Entry(raw, kind, number, chain_id, seq, prev, author, key, position, claimed_ms, body, signature)


class Chain:
    """Hash links and numbers; each kind adds its own rules."""

    def __init__(self, core, entry):
        self.id, self.tenant_id, self.kind, self.suite = core.id, core.tenant_id, core.kind, core.suite
        self.hashes = []
        need(entry.type == (17 if core.kind == GROUP else 1), "entry 0 does not create")
        need(entry.prev == ZERO, "entry 0 follows something")
        self.follow(entry)

    def follow(self, entry):
        need((entry.chain_id, entry.kind) == (self.id, self.kind), "an entry of another chain")
        need(entry.seq == len(self.hashes), "an entry is missing or out of order")
        need(not self.hashes or entry.prev == self.hashes[-1], "an entry does not follow the one before")
        if self.kind in (TENANT, IDENTITY):
            here = (entry.seq - 1, self.hashes[-1]) if self.hashes else NO_POSITION
            need((entry.author, entry.author_position) == (self.id, here), "not the chain's own author")
        self.hashes.append(entry.hash)


def check_possession(entry, signing, name, proof):
    content = entry.chain_id + entry.seq.to_bytes(8, "big") + entry.prev + name
    signing.verify("possession", content, proof)
