"""Sealed items (docs/spec/sealed.md): a payload for recipients, by somebody without an identity.

    "PLR1" || SealedHead || an envelope (docs/spec/envelope.md) to the end
"""

import chains
import envelope
import epoch_secrets
import hpke
import kdf
import tls
from envelope import Refused

MAGIC = b"PLR1"
PURPOSE = 5
MAX_RECIPIENTS = 256
EPOCH = 0


class Item:
    def __init__(self, data):
        if data[:4] != MAGIC:
            raise Refused("not a sealed item of this version")
        reader = tls.Reader(data[4:])
        if reader.u16() != 1:
            raise Refused("a newer version")
        self.suite = reader.u8()
        self.tenant_id, self.item_id, self.commitment = (reader.opaque(32) for _ in range(3))
        self.wraps = reader.items(self._wrap)
        self.head = data[4 : 4 + reader.position()]
        self.envelope = data[4 + reader.position() :]
        if self.suite not in envelope.SUITES:
            raise Refused("an unknown suite")
        recipients = [recipient for recipient, _, _ in self.wraps]
        if not 1 <= len(recipients) <= MAX_RECIPIENTS:
            raise Refused("too few or too many recipients")
        if any(one >= two for one, two in zip(recipients, recipients[1:])):
            raise Refused("recipients that do not ascend strictly")
        if any(recipient[0] not in (chains.IDENTITY, chains.GROUP) for recipient in recipients):
            raise Refused("a recipient that is neither an identity nor a group")
        self.hash = kdf.ref_hash("sealed", self.head)

    @staticmethod
    def _wrap(reader):
        """recipient, then generation and key id, then the wrap; the place of the chain in between is for people."""
        recipient, key = reader.opaque(33), reader.opaque(36)
        reader.opaque(40)
        return recipient, key, reader.opaque(1168)

    def secret(self, recipient, seed):
        """The item's secret, by the X-Wing seed of the key that the wrap names."""
        for whose, key, wrap in self.wraps:
            if whose == recipient:
                place = epoch_secrets.context(self.tenant_id, self.item_id, EPOCH)
                info = b"\x00\x01" + bytes([PURPOSE]) + place + self.commitment + bytes(64) + whose + key
                return epoch_secrets.checked(hpke.open_base(seed, info, wrap), place, self.commitment)
        raise Refused("not a recipient")

    def open(self, secret, app_context):
        header = envelope.read_header(self.envelope)
        if header.epoch != EPOCH or header.suite != envelope.SUITES[self.suite]:
            raise Refused("the payload is not this item's")
        payload_key = epoch_secrets.derive(secret, "payload", epoch_secrets.context(self.tenant_id, self.item_id, EPOCH))
        return envelope.open_envelope(self.envelope, payload_key, self.tenant_id, self.hash, app_context)
