"""Plico's chains, from docs/spec alone: entries, tenants, identities, sessions,
wraps, back-links, metadata and attestations.

What is checked of a session is everything but the rules of who may do what:
hashes, links, numbers, authors and their devices at the places they name, that
no place goes backwards, recipients' keys at theirs, epochs, the roots over the
wraps given, back-links and metadata.
"""

import base64
import hashlib
import json
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

import hpke
import kdf
import merkle
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


# --- tenants


class Tenant(Chain):
    def __init__(self, entries):
        first = read_entry(entries[0])
        reader = tls.Reader(first.body)
        core, (directory_key, proof) = read_core(reader), self.read_proven(reader)
        reader.end()
        need(core.kind == TENANT, "not a tenant")
        super().__init__(core, first)
        first.verify(core.authority)
        check_possession(first, directory_key, directory_key.id, proof)
        self.keys, self.revoked = {core.authority.id: core.authority}, {}
        self.directory_key = directory_key
        for data in entries[1:]:
            self.apply(read_entry(data))

    @staticmethod
    def read_proven(reader):
        return read_key(reader), reader.vector()

    def apply(self, entry):
        self.follow(entry)
        need(entry.author_key in self.keys and entry.author_key not in self.revoked, "not an enrolment key")
        entry.verify(self.keys[entry.author_key])
        if entry.type in (2, 4):
            key, proof = whole(entry.body, self.read_proven)
            check_possession(entry, key, key.id, proof)
            if entry.type == 4:
                self.directory_key = key
                return
            need(key.id not in self.keys, "the key is there already")
            self.keys[key.id] = key
        elif entry.type == 5:
            self.user_key_days = whole(entry.body, lambda it: it.u32())
        else:
            need(entry.type == 3, "an unknown type of entry")
            gone = whole(entry.body, lambda it: it.opaque(32))
            need(gone in self.keys and gone not in self.revoked, "the key is not there")
            need(len(self.keys) - len(self.revoked) > 1, "the last key")
            self.revoked[gone] = entry.claimed_ms


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


# --- identities


@dataclass
class Device:
    keys: DeviceKeys
    added: int
    revoked: int | None = None

    def at(self, seq):
        return self.added <= seq and (self.revoked is None or seq < self.revoked)


class Identity(Chain):
    def __init__(self, entries, uploads=None):
        self.uploads = uploads
        first = read_entry(entries[0])
        reader = tls.Reader(first.body)
        core = read_core(reader)
        need(core.kind == IDENTITY, "not an identity")
        super().__init__(core, first)
        device = core.authority
        first.verify(device.signing)
        self.devices, self.user_keys, self.binding = {device.signing.id: Device(device, 0)}, [], None
        self.recoveries = []
        self.new_user_key(first, reader)
        for data in entries[1:]:
            self.apply(read_entry(data))

    def active(self):
        return [device for device in self.devices.values() if device.revoked is None]

    def user_key_at(self, seq):
        generation = max(at for at, (since, _, _) in enumerate(self.user_keys) if since <= seq)
        return generation, self.user_keys[generation][1].id

    def upload(self, entry, reference, epoch):
        if self.uploads is not None:
            upload, newest = self.uploads[entry.seq], self.user_keys[-1][2]
            check_wraps(upload, reference, self, entry, {newest.epoch: newest.commitment})
            check_back_links(upload, epoch)

    def new_user_key(self, entry, reader):
        epoch, key = read_epoch(reader), kem_key(read_key(reader))
        reader.end()
        need(epoch.epoch == len(self.user_keys), "not the next generation")
        recipients = len(self.active()) + bool(self.recoveries)
        need(epoch.wraps[0] == recipients, "not wrapped to every device and the recovery key")
        need(bool(epoch.back_links) == bool(self.user_keys), "a back-link is missing, or is one too many")
        need(all(key.id != old.id for _, old, _ in self.user_keys), "a user key comes back")
        self.user_keys.append((entry.seq, key, epoch))
        self.upload(entry, epoch.wraps, epoch)

    def author(self, entry):
        if entry.type == 6:
            need(self.recoveries and self.recoveries[-1].signing.id == entry.author_key, "not the recovery key")
            return self.recoveries[-1].signing
        device = self.devices.get(entry.author_key)
        need(device is not None and device.revoked is None, "not a device of this identity")
        return device.keys.signing

    def new_key(self, keys):
        used = [*self.devices, *(recovery.signing.id for recovery in self.recoveries)]
        need(keys.signing.id not in used, "the key was registered before")

    def add_device(self, entry, keys, proof, reference):
        self.new_key(keys)
        need(len(self.active()) < 32, "too many devices")
        need(reference[0] == 1, "a new device has one wrap")
        check_possession(entry, keys.signing, kdf.ref_hash("device", keys.raw), proof)
        self.devices[keys.signing.id] = Device(keys, entry.seq)
        self.upload(entry, reference, None)

    def set_recovery(self, entry, keys, proof, consent, reference):
        self.new_key(keys)
        need(reference[0] == 1, "a recovery key has one wrap")
        name = kdf.ref_hash("recovery", keys.raw)
        check_possession(entry, keys.signing, name, proof)
        if self.recoveries:
            content = entry.chain_id + entry.seq.to_bytes(8, "big") + entry.prev + name
            self.recoveries[-1].signing.verify("recovery", content, consent)
        else:
            need(consent == b"", "a consent where nobody was asked")
        self.recoveries.append(keys)
        self.upload(entry, reference, None)

    def apply(self, entry):
        author = self.author(entry)
        self.follow(entry)
        entry.verify(author)
        reader = tls.Reader(entry.body)
        if entry.type == 2:
            keys, proof, reference = read_device(reader), reader.vector(), read_wraps_ref(reader)
            reader.end()
            self.add_device(entry, keys, proof, reference)
        elif entry.type == 5:
            keys, proof, consent, reference = (
                read_device(reader),
                reader.vector(),
                reader.vector(),
                read_wraps_ref(reader),
            )
            reader.end()
            self.set_recovery(entry, keys, proof, consent, reference)
        elif entry.type == 6:
            keys, proof, revokes, reference = (
                read_device(reader),
                reader.vector(),
                reader.u8(),
                read_wraps_ref(reader),
            )
            reader.end()
            need(revokes in (0, 1), "neither 0 nor 1")
            for device in self.active() if revokes else ():
                device.revoked = entry.seq
            self.add_device(entry, keys, proof, reference)
        elif entry.type == 3:
            gone = self.devices.get(reader.opaque(32))
            reader.end()
            need(gone is not None and gone.revoked is None and len(self.active()) > 1, "not a device, or the last")
            gone.revoked = entry.seq
            self.upload(entry, None, None)
        elif entry.type == 4:
            self.new_user_key(entry, reader)
        else:
            need(entry.type == 7, "an unknown type of entry")
            number, commitment = reader.u64(), reader.opaque(32)
            reader.end()
            need(self.binding is None or number > self.binding[0], "the binding's number does not rise")
            self.binding = number, commitment, entry.claimed_ms
            self.upload(entry, None, None)


# --- sessions


@dataclass(frozen=True)
class RecipientKey:
    kind: int
    id: bytes
    generation: int
    key_id: bytes
    position: tuple


def read_recipient_key(reader):
    return RecipientKey(reader.u8(), reader.opaque(32), reader.u32(), reader.opaque(32), read_position(reader))


def read_grant(reader):
    key, rights, expires_ms = read_recipient_key(reader), reader.u8(), reader.u64()
    need(rights & 0x78 == 0 and rights & 1 and (rights & 0x80 == 0 or rights == 0x87), "rights")
    return key, rights, expires_ms


def read_grants(reader):
    grants = reader.items(read_grant)
    need(grants, "no grants")
    ascending(((key.kind, key.id) for key, _, _ in grants), "grants")
    return [key for key, _, _ in grants], [rights for _, rights, _ in grants]


def read_tag_opening(data):
    reader = tls.Reader(data)
    reader.opaque(32)
    tag = reader.vector()
    reader.end()
    need(1 <= len(tag) <= 128, "a tag of another length")
    return tag.decode()


def read_step(reader):
    return reader.opaque(32), read_position(reader)


@dataclass
class Body:
    kind: int = 0
    author: tuple | None = None
    gone: list = field(default_factory=list)
    keys: list = field(default_factory=list)
    epoch: EpochStart | None = None
    epochs: list = field(default_factory=list)
    wraps: tuple | None = None
    metadata: tuple | None = None
    tag: bytes | None = None
    expiry: tuple | None = None
    rights: list | None = None
    suspended: list = field(default_factory=list)


class Session(Chain):
    """A session's log. `groups` has the logs of the groups that it names. Without
    uploads, what entries commit to is not compared."""

    kind = SESSION
    # What a group's log has in place of types 1 and 4.
    own_types = {1: 1, 4: 4}

    def __init__(self, entries, identities, uploads, groups=None):
        self.identities, self.positions, self.epochs, self.segments = identities, {}, [], []
        self.groups, self.recorded = groups or {}, {}
        need(uploads is None or len(entries) == len(uploads), "an upload for each entry")
        self.ended, self.rights, self.suspended = False, {}, set()
        self.expiry, self.active_ms = (0, 0), 0
        # What each entry commits to, and who has written it: for wraps that come one by one.
        self.references = {}
        need(entries, "a log without entries")
        for data, upload in zip(entries, uploads or [None] * len(entries)):
            entry = read_entry(data)
            reader = tls.Reader(entry.body)
            if entry.seq == 0:
                core = read_core(reader)
                need(core.kind == self.kind and core.authority == entry.author, "not the creator's session")
                super().__init__(core, entry)
            else:
                need(hasattr(self, "hashes"), "entry 0 is missing")
                self.follow(entry)
            self.apply(entry, reader, upload)

    def at(self, identity, position):
        chain = self.identities.get(identity)
        need(chain is not None and chain.tenant_id == self.tenant_id, "an identity that is not known here")
        seq, digest = position
        need(seq < len(chain.hashes) and chain.hashes[seq] == digest, "a place that is not in the chain")
        need(self.positions.get(identity, 0) <= seq, "a place before an earlier one")
        self.positions[identity] = seq
        return chain

    def group_at(self, group, position):
        """A group's state at the place that an entry names."""
        need(group in self.groups, "a group that is not known here")
        state = self.groups[group]
        need(state.tenant_id == self.tenant_id, "a group of another tenant")
        seq, digest = position
        need(seq < len(state.hashes) and state.hashes[seq] == digest, "a place that is not in the group's log")
        need(self.positions.get(group, 0) <= seq, "a place before an earlier one")
        self.positions[group] = seq
        return state

    def through(self, entry, reader):
        """Who acts, and the entry that they write."""
        path, number, inner = reader.items(read_step), reader.u16(), reader.vector()
        reader.end()
        need(1 <= len(path) <= 4 and number not in (1, 9, 17), "not a path, or not to be done by one")
        ends = [(GROUP, group) for group, _ in path[1:]] + [(IDENTITY, entry.author)]
        for (group, position), who in zip(path, ends):
            need(who in self.group_at(group, position).members_at(position[0]), "not a member at that place")
        return (GROUP, path[0][0]), number, tls.Reader(inner)

    def read_body(self, entry, reader):
        acting, number = (IDENTITY, entry.author), entry.type
        if number == 9:
            acting, number, reader = self.through(entry, reader)
        body = self.read_deed(number, reader)
        reader.end()
        body.author = acting
        return body

    def read_deed(self, number, reader):
        if number in self.own_types:
            number = self.own_types[number]
        else:
            need(number not in (1, 4, 17, 20), "an entry of another kind of log")
        body = self.read_known(number, reader)
        body.kind = number
        return body

    def read_known(self, number, reader):
        if number == 1:
            (keys, rights), epoch = read_grants(reader), read_epoch(reader)
            need(epoch.wraps[0] == len(keys), "not wrapped to everybody")
            return Body(keys=keys, rights=rights, epoch=epoch, epochs=[epoch.epoch], wraps=epoch.wraps)
        if number == 2:
            (keys, rights), epochs, wraps = read_grants(reader), reader.items(tls.Reader.u32), read_wraps_ref(reader)
            need(wraps[0] == len(keys) * len(epochs), "not a wrap for each")
            return Body(keys=keys, rights=rights, epochs=epochs, wraps=wraps)
        if number == 3:
            gone = reader.items(lambda it: (it.u8(), it.opaque(32)))
            need(gone and reader.u8() <= 1, "a revocation")
            ascending(gone, "revocations")
            return Body(gone=gone)
        if number == 4:
            epoch, updates = read_epoch(reader), reader.items(read_recipient_key)
            removals = reader.items(lambda it: (it.u8(), it.opaque(32), it.u8()))
            ascending(((key.kind, key.id) for key in updates), "updates")
            ascending((removal[:2] for removal in removals), "removals")
            need(all(reason in (1, 2) for _, _, reason in removals), "a reason for removal")
            gone = [removal[:2] for removal in removals if removal[2] == 1]
            suspended = [removal[:2] for removal in removals if removal[2] == 2]
            start = {"epoch": epoch, "epochs": [epoch.epoch], "wraps": epoch.wraps}
            return Body(gone=gone, suspended=suspended, keys=updates, **start)
        if number == 5:
            key, rights, expires_ms = read_grant(reader)
            need((rights, expires_ms) == (0x87, 0), "the new owner is none")
            self.remaining = reader.u8()
            epochs, wraps = reader.items(tls.Reader.u32), read_wraps_ref(reader)
            need(wraps[0] == len(epochs), "not a wrap for each")
            gone = [] if self.remaining else [None]
            return Body(keys=[key], rights=[rights], epochs=epochs, wraps=wraps, gone=gone)
        if number == 6:
            return Body(metadata=(reader.u32(), reader.opaque(32)))
        if number == 10:
            ends_ms, idle_ms = reader.u64(), reader.u64()
            need(idle_ms == 0 or idle_ms >= 60_000, "too short a time without use")
            return Body(expiry=(ends_ms, idle_ms))
        if number == 11:
            return Body()
        if number == 12:
            return Body(tag=reader.opaque(32))
        need(number == 7, "an unknown type of entry")
        self.ended = True
        return Body()

    def over_at(self, ms):
        ends_ms, idle_ms = self.expiry
        return (ends_ms and ms >= ends_ms) or (idle_ms and ms >= self.active_ms + idle_ms)

    def check_deed(self, body):
        """What types 10 to 12 demand; of the others, only that the author may act."""
        rights = self.rights[body.author]
        need(body.author not in self.suspended, "the author is suspended")
        need(body.kind not in (10, 11) or self.kind == SESSION, "a group has no end")
        need(body.kind != 10 or rights == 0x87, "only owners set an end")
        need(body.kind != 11 or self.expiry[1], "nobody asks for use")
        need(body.kind != 12 or rights & 6 == 6, "not the rights to set a tag")

    def apply(self, entry, reader, upload):
        need(not self.ended and not self.over_at(entry.claimed_ms), "the session has ended")
        author = self.at(entry.author, entry.author_position)
        device = author.devices.get(entry.author_key)
        need(device is not None and device.at(entry.author_position[0]), "not a device of the author at that place")
        entry.verify(device.keys.signing)
        body = self.read_body(entry, reader)
        need(entry.seq == 0 or body.author in self.recorded, "not a recipient, nor in one")
        if entry.seq:
            self.check_deed(body)
        self.active_ms = max(self.active_ms, entry.claimed_ms)
        self.expiry = body.expiry or self.expiry
        crosses = False
        for key in body.keys:
            if key.kind == GROUP:
                group = self.group_at(key.id, key.position)
                newest = group.key_at(key.position[0])
                old = self.recorded.get((GROUP, key.id))
                if old is not None:
                    crosses |= group.segments[old.generation] != group.segments[key.generation]
                if body.kind != 4:
                    self.check_nesting(group, key.position[0])
            else:
                need(key.kind == IDENTITY, "a recipient that is none")
                newest = self.at(key.id, key.position).user_key_at(key.position[0])
            need(newest == (key.generation, key.key_id), "not the recipient's newest key")
        if crosses:
            need(body.epoch is not None and not body.epoch.back_links, "opens what a group's newest must not see")
        self.record(entry, body)
        if body.epoch:
            self.new_epoch(body.epoch)
        elif body.epochs:
            ascending(body.epochs, "epochs")
            need(body.epochs[-1] == len(self.epochs) - 1, "not the current epoch")
            for epoch in body.epochs[:-1]:
                need(self.segments[epoch] != self.segments[epoch + 1], "not the newest of its segment")
        if body.wraps:
            self.references[entry.seq] = body.wraps, (entry.author, entry.author_key)
        if upload is None:
            return
        commitments = {epoch: self.epochs[epoch].commitment for epoch in body.epochs}
        check_wraps(upload, body.wraps, self, entry, commitments)
        check_back_links(upload, body.epoch)
        if body.metadata:
            need(body.metadata[0] == len(self.epochs) - 1 and upload["metadata"], "metadata")
            need(kdf.ref_hash("metadata", bytes.fromhex(upload["metadata"])) == body.metadata[1], "other metadata")
        else:
            need(upload["metadata"] is None, "metadata that nothing commits to")
        opening = upload.get("tag")
        if body.tag and any(body.tag):
            need(opening and read_tag_opening(bytes.fromhex(opening)), "a tag that is not there")
            need(kdf.ref_hash("tag", bytes.fromhex(opening)) == body.tag, "another tag")
        else:
            need(opening is None, "a tag that nothing commits to")

    def check_nesting(self, group, seq):
        pass

    def record(self, entry, body):
        for who in body.gone:
            who = body.author if who is None else who
            need(who in self.recorded, "not a recipient")
            del self.recorded[who]
            self.suspended.discard(who)
        if body.kind == 5 and self.remaining:
            self.rights[body.author] = self.remaining
        for who in body.suspended:
            need(who in self.recorded and who not in self.suspended, "not a recipient, or suspended already")
            need(who != body.author, "the author suspends itself")
            self.suspended.add(who)
        for at, key in enumerate(body.keys):
            who = (key.kind, key.id)
            self.recorded[who] = key
            self.suspended.discard(who)
            if body.rights:
                self.rights[who] = body.rights[at]

    def new_epoch(self, epoch):
        need(epoch.wraps[0] == len(self.recorded) - len(self.suspended), "not wrapped to everybody")
        need(epoch.epoch == len(self.epochs), "not the next epoch")
        current = self.segments[-1] if self.segments else -1
        need(all(self.segments[target] == current for target, _ in epoch.back_links), "a back-link to another segment")
        self.epochs.append(epoch)
        self.segments.append(current if epoch.back_links else current + 1)


# --- groups


class Group(Session):
    """A group's log (group.md): a session's, with a key for each epoch."""

    kind = GROUP
    own_types = {17: 1, 20: 4}

    def __init__(self, entries, identities, uploads, groups=None):
        self.keys, self.history, self.height, self.members, self.heights = [], None, 1, [], []
        self.fresh, self.out = True, []
        super().__init__(entries, identities, uploads, groups)

    def read_known(self, number, reader):
        body = super().read_known(number, reader)
        if number in (1, 4):
            key = read_key(reader)
            need(key.algorithm == 0x647A, "not a KEM key")
            self.keys.append((None, key.id))
        if number == 1:
            self.history = reader.u8()
            need(self.history <= 1, "history")
        return body

    def check_nesting(self, group, seq):
        need(group.id != self.id and not group.contains(self.id, seq), "a group in itself")
        self.height = max(self.height, group.heights[seq] + 1)
        need(self.height <= 4, "too deep")

    def contains(self, wanted, seq):
        groups = [key for kind_id, key in self.members[seq].items() if kind_id[0] == GROUP]
        return any(
            key.id == wanted or (key.id in self.groups and self.groups[key.id].contains(wanted, key.position[0]))
            for key in groups
        )

    def members_at(self, seq):
        return self.members[seq].keys() - self.out[seq]

    def key_at(self, seq):
        begun = [(epoch, key) for epoch, (start, key) in enumerate(self.keys) if start <= seq]
        return begun[-1]

    def record(self, entry, body):
        came = {(key.kind, key.id) for key in body.keys} - set(self.recorded)
        if self.history == 0 and body.kind == 2 and came:
            need(self.fresh and len(body.epochs) == 1, "from now on, and yet with what was before")
        if body.kind == 4:
            self.fresh = not body.epoch.back_links
        elif body.kind != 2:
            self.fresh = entry.seq == 0
        super().record(entry, body)
        self.members.append(dict(self.recorded))
        self.heights.append(self.height)
        self.out.append(set(self.suspended))
        self.keys = [(entry.seq if start is None else start, key) for start, key in self.keys]


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


# --- attestations


def _b64(text):
    need(text and all(c.isascii() and (c.isalnum() or c in "-_") for c in text), "not base64url without padding")
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        raise Refused("not base64url") from None
    need(base64.urlsafe_b64encode(data).rstrip(b"=").decode() == text, "unused bits that are not zero")
    return data


def _json(text):
    def once(pairs):
        members = dict(pairs)
        need(len(members) == len(pairs), "a member twice")
        return members

    try:
        value = json.loads(_b64(text), object_pairs_hook=once)
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise Refused("not JSON") from None
    need(isinstance(value, dict), "not a JSON object")
    return value


def verify_token(token, tenant):
    """The claims of an enrolment token."""
    parts = token.split(".")
    need(len(token) <= 4096 and len(parts) == 3, "not a compact JWT")
    header = _json(parts[0])
    need(header.get("alg") in ("EdDSA", "Ed25519"), "another algorithm")
    need(header.get("typ") == "plico-enrolment+jwt" and "crit" not in header, "another type")
    key_id = _b64(header.get("kid", ""))
    need(key_id in tenant.keys, "not an enrolment key")
    signed = ".".join(parts[:2]).encode()
    need(sign.verify_raw(tenant.keys[key_id].key, signed, _b64(parts[2])), "the token's signature")
    claims = _json(parts[1])
    issued, expires = claims.get("iat"), claims.get("exp")
    need(all(type(it) is int and it >= 0 for it in (issued, expires)), "iat and exp")
    need(0 < expires - issued <= 300, "valid for too long, or never")
    need(_b64(claims.get("aud", "")) == tenant.id, "another tenant")
    need(key_id not in tenant.revoked or issued * 1000 < tenant.revoked[key_id], "a revoked key")
    return claims


def verify_binding(tenant, identity_id, number, commitment, claimed_ms, opening):
    """The user id that an identity's binding is for."""
    need(kdf.ref_hash("user-id", opening) == commitment, "not the opening of this commitment")
    _, user_id, token = whole(opening, lambda it: (it.opaque(32), it.vector(), it.vector()))
    need(1 <= len(user_id) <= 256, "a user id has 1 to 256 bytes")
    claims = verify_token(token.decode("ascii", "replace"), tenant)
    need(claims.get("sub", "").encode() == user_id, "another user id")
    need(_b64(claims.get("plico_identity", "")) == identity_id, "another identity")
    need(claims.get("plico_number", 1) == number, "another number")
    need(claims["iat"] * 1000 - 300_000 <= claimed_ms <= claims["exp"] * 1000 + 300_000, "at another time")
    return user_id


# --- heads


def verify_head(tenant, data):
    """Chain id, number, hash and time of a signed head."""
    reader = tls.Reader(data)
    need(reader.u16() == 1 and reader.opaque(32) == tenant.id, "a head of another tenant or version")
    found = reader.opaque(32), reader.u64(), reader.opaque(32), reader.u64()
    content = reader.between(0, reader.position())
    need(reader.u8() == 1, "an unknown signature algorithm")
    signature = reader.vector()
    reader.end()
    tenant.directory_key.verify("head", content, signature)
    return found
