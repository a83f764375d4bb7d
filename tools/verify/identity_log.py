"""An identity's chain, from docs/spec alone: its devices, its recovery key, its user key's
generations.
"""

from dataclasses import dataclass

import kdf
import tls
from chains import (
    IDENTITY,
    Chain,
    DeviceKeys,
    check_possession,
    kem_key,
    need,
    read_core,
    read_device,
    read_entry,
    read_key,
)
from epoch_secrets import check_back_links, check_wraps, read_epoch, read_wraps_ref

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
