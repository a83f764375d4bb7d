"""Offline files (docs/spec/offline-file.md): one envelope, and all that opens and proves it.

    "PLCO" || OfflineFile; in version 2 followed by StatedGroup groups<V>
"""

import chains
import envelope
import epoch_secrets
import identity_log
import kdf
import merkle
import session_log
import tenant_log
import tls
from chains import DEVICE, GROUP, IDENTITY, need

MAX_PATH = 4


def read_chain(reader):
    """id, entries, head, opening"""
    return reader.opaque(32), reader.items(tls.Reader.vector), reader.vector(), reader.vector()


def read_wrap(reader):
    """(kind, id), epoch, generation, key id, seq, index, proof, sealed"""
    recipient, epoch, generation = (reader.u8(), reader.opaque(32)), reader.u32(), reader.u32()
    key_id, seq, index = reader.opaque(32), reader.u64(), reader.u32()
    return recipient, epoch, generation, key_id, seq, index, reader.items(lambda it: it.opaque(32)), reader.vector()


def read_device_wrap(reader):
    return reader.opaque(32), reader.opaque(32), reader.vector()


def read_group(reader):
    return read_chain(reader), reader.items(read_wrap), reader.items(tls.Reader.vector)


class File:
    def __init__(self, data):
        need(data[:4] == b"PLCO", "not an offline file")
        reader = tls.Reader(data[4:])
        version = reader.u16()
        need(version in (1, 2), "a newer version")
        self.tenant = read_chain(reader)
        self.identities = reader.items(read_chain)
        self.reader, self.generation = reader.opaque(32), reader.u32()
        self.device_wraps = reader.items(read_device_wrap)
        self.reader_links = reader.items(tls.Reader.vector)
        self.session, self.wraps = read_chain(reader), reader.items(read_wrap)
        self.links, self.envelope = reader.items(tls.Reader.vector), reader.vector()
        self.groups = reader.items(read_group) if version == 2 else []
        reader.end()
        need(version == 1 or self.groups, "version 2 without groups")
        chains.ascending((group[0][0] for group in self.groups), "groups")


class Opened:
    """Everything verified; then the envelope's secret."""

    def __init__(self, file, tenant_id, identity, device, kem_seed):
        self.file = file
        self.tenant = tenant_log.Tenant(file.tenant[1])
        need(self.tenant.id == tenant_id == file.tenant[0], "another tenant")
        self.times = [self.head(self.tenant, file.tenant)]
        self.identities = {}
        for stated in file.identities:
            chain = identity_log.Identity(stated[1])
            self.times.append(self.head(chain, stated))
            self.identities[chain.id] = chain
            if stated[3]:
                need(chain.binding is not None, "a name that nothing commits to")
                tenant_log.verify_binding(self.tenant, chain.id, *chain.binding, stated[3])
        self.logs = self.replayed()
        self.session = session_log.Session(file.session[1], self.identities, None, self.logs)
        self.times.append(self.head(self.session, file.session))
        need(file.reader == identity and identity in self.identities, "made for another person")
        self.user_secrets = self.own(self.identities[identity], device, kem_seed)

    def head(self, chain, stated):
        found = tenant_log.verify_head(self.tenant, stated[2])
        here = (chain.id, len(chain.hashes) - 1, chain.hashes[-1])
        need(stated[0] == chain.id and chain.tenant_id == self.tenant.id, "another chain, or of another tenant")
        need(found[:3] == here, "not the head of what is shown")
        return found[3]

    def replayed(self):
        """The groups; one that names another comes after it."""
        groups, waiting = {}, list(self.file.groups)
        while waiting:
            for stated in waiting:
                try:
                    group = session_log.Group(stated[0][1], self.identities, None, groups)
                except envelope.Refused:
                    continue
                self.times.append(self.head(group, stated[0]))
                groups[group.id] = group
                waiting.remove(stated)
                break
            else:
                raise envelope.Refused("a group's log")
        return groups

    def own(self, me, device, kem_seed):
        """The secrets of the reader's user key, by generation."""
        keys = me.devices.get(device)
        need(keys is not None and keys.revoked is None, "not a device of the reader, or one that was revoked")
        mine = [wrap for wrap in self.file.device_wraps if wrap[0] == device]
        need(mine and self.file.generation < len(me.user_keys), "no wrap for this device")
        epoch = me.user_keys[self.file.generation][2]
        info = epoch_secrets.wrap_info(
            2, me.tenant_id, me.id, epoch.epoch, epoch.commitment, me.id, mine[0][1], DEVICE, device, 0, keys.keys.kem.id
        )
        secrets = {epoch.epoch: epoch_secrets.open_wrap(kem_seed, info, mine[0][2])}
        return self.back(me, [it[2] for it in me.user_keys], secrets, self.file.reader_links)

    @staticmethod
    def back(chain, epochs, secrets, links):
        """What back-links open besides, from the newest on."""
        read = [(chains.whole(link, lambda it: (it.u16(), it.u32(), it.u32(), it.opaque(48))), link) for link in links]
        for (_, holder, target, _), link in sorted(read, reverse=True, key=lambda it: it[0][1:3]):
            need(holder < len(epochs), "a back-link of an epoch that is not there")
            named = dict(epochs[holder].back_links)
            need(named.get(target) == kdf.ref_hash("back-link", link), "a back-link is not the one named")
            if holder in secrets and target not in secrets:
                place = chain.tenant_id, chain.id, holder, epochs[holder].commitment
                secrets[target] = epoch_secrets.open_back_link(secrets[holder], *place, link, epochs[target].commitment)
        return secrets

    def secrets(self, chain, wraps, links, via=()):
        """What the reader opens of a session's or a group's epochs."""
        found = {}
        for recipient, number, generation, key_id, seq, index, proof, sealed in wraps:
            need(seq in chain.references and number < len(chain.epochs), "a wrap that nothing commits to")
            (count, root), author = chain.references[seq]
            place = chain.tenant_id, chain.id, number, chain.epochs[number].commitment, *author
            info = epoch_secrets.wrap_info(1, *place, *recipient, generation, key_id)
            leaf = merkle.leaf_hash(info + sealed)
            need(merkle.verify_inclusion(leaf, index, count, proof, root), "a wrap without its proof")
            key = self.key_of(recipient, generation, (*via, chain.id))
            if key is not None:
                found[number] = epoch_secrets.open_wrap(key, info, sealed)
        return self.back(chain, chain.epochs, found, links)

    def key_of(self, recipient, generation, via):
        """The X-Wing seed of one of the reader's keys, or of a group that the reader is in."""
        kind, name = recipient
        if recipient == (IDENTITY, self.file.reader):
            chain, held = self.identities[name], self.user_secrets
        elif kind == GROUP and name in self.logs and name not in via and len(via) <= MAX_PATH:
            chain = self.logs[name]
            stated = next(group for group in self.file.groups if group[0][0] == name)
            held = self.secrets(chain, stated[1], stated[2], via)
        else:
            need(kind == GROUP, "a wrap for somebody else")
            return None
        if generation not in held:
            return None
        return epoch_secrets.derive(held[generation], "kem", epoch_secrets.context(chain.tenant_id, chain.id, generation))

    def open(self, app_context):
        header = envelope.read_header(self.file.envelope)
        need(header.suite == envelope.SUITES.get(self.session.suite), "another suite than the session's")
        secrets = self.secrets(self.session, self.file.wraps, self.file.links)
        need(header.epoch in secrets, "an epoch that the reader was not given")
        place = epoch_secrets.context(self.session.tenant_id, self.session.id, header.epoch)
        payload_key = epoch_secrets.derive(secrets[header.epoch], "payload", place)
        ids = self.session.tenant_id, self.session.id
        return envelope.open_envelope(self.file.envelope, payload_key, *ids, app_context)
