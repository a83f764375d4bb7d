"""Logs of sessions and of groups, from docs/spec alone.

What is checked of them is everything but the rules of who may do what: hashes, links, numbers,
authors and their devices at the places they name, that no place goes backwards, recipients' keys
at theirs, epochs, the roots over the wraps given, back-links and metadata.
"""

from dataclasses import dataclass, field

import kdf
import tls
from chains import (
    GROUP,
    IDENTITY,
    SESSION,
    Chain,
    ascending,
    need,
    read_core,
    read_entry,
    read_key,
    read_position,
)
from epoch_secrets import EpochStart, check_back_links, check_wraps, read_epoch, read_wraps_ref

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
        self.see(identity, chain, position)
        return chain

    def group_at(self, group, position):
        """A group's state at the place that an entry names."""
        need(group in self.groups, "a group that is not known here")
        state = self.groups[group]
        need(state.tenant_id == self.tenant_id, "a group of another tenant")
        self.see(group, state, position)
        return state

    def see(self, name, chain, position):
        """The place in the chain or log of this name that an entry names: never before an earlier one."""
        seq, digest = position
        need(seq < len(chain.hashes) and chain.hashes[seq] == digest, "a place that is not in the chain")
        need(self.positions.get(name, 0) <= seq, "a place before an earlier one")
        self.positions[name] = seq

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
