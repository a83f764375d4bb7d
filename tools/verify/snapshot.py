"""Snapshots (docs/spec/snapshot.md): payload keys of chosen sessions under a host's key.

    "PLX1" || salt 32 || commitment 32 || ChaCha20-Poly1305(body key, zero nonce, aad = the first 68, body)
"""

import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

import kdf
import tls
from envelope import Refused

PREFIX = 4 + 32 + 32


def open_snapshot(data, key):
    """The tenant's id, and for each session's id its payload keys by epoch."""
    if data[:4] != b"PLX1" or len(data) < PREFIX + 16:
        raise Refused("not a snapshot")
    prefix, sealed = data[:PREFIX], data[PREFIX:]
    salt, commitment = prefix[4:36], prefix[36:]
    if not hmac.compare_digest(kdf.expand_with_label(key, "snapshot commitment", salt, 32), commitment):
        raise Refused("another key")
    try:
        body_key = kdf.expand_with_label(key, "snapshot body", salt, 32)
        body = ChaCha20Poly1305(body_key).decrypt(bytes(12), sealed, prefix)
    except InvalidTag:
        raise Refused("damaged") from None
    reader = tls.Reader(body)
    if reader.u16() != 1:
        raise Refused("a newer version")
    tenant_id, _taken, _expires = reader.opaque(32), reader.u64(), reader.u64()
    sessions, rest = {}, len(body) - 50
    while rest:
        chain_id, _suite, _refreshed, _ends = reader.opaque(32), reader.u8(), reader.u64(), reader.u64()
        count = reader.u32()
        keys = {}
        for _ in range(count):
            epoch = reader.u32()
            if keys and epoch <= max(keys):
                raise Refused("epochs out of order")
            keys[epoch] = reader.opaque(32)
        if sessions and chain_id <= max(sessions):
            raise Refused("sessions out of order")
        sessions[chain_id] = keys
        rest -= 53 + 36 * count
    return tenant_id, sessions
