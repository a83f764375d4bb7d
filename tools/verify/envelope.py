"""Opens a Plico envelope.

    header, 26 bytes: "PLC1" || suite u8 || flags u8 || session handle 16 || epoch u32
    then one C2SP chunked-encryption message: salt 24 || commitment 32 || chunks
"""

import hashlib
import hmac
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305

import kdf
import tls

MAGIC = b"PLC1"
HEADER = 26
SALT = 24
COMMITMENT = 32
TAG = 16
CHUNK = 16 * 1024
PADDED = 0x01
APP_CONTEXT = 0x02
OFFLINE = 0x04
PADDING_FLOOR = 32


class Refused(ValueError):
    """The envelope does not open."""


@dataclass(frozen=True)
class Suite:
    """An AEAD with SHA-512: its name at IANA, and the cipher."""

    name: str
    cipher: type


SUITES = {
    0x01: Suite("AEAD_CHACHA20_POLY1305", ChaCha20Poly1305),
    0x02: Suite("AEAD_AES_256_GCM", AESGCM),
}


@dataclass(frozen=True)
class Header:
    raw: bytes
    suite: Suite
    padded: bool
    has_app_context: bool
    offline: bool
    handle: bytes
    epoch: int


def read_header(envelope):
    reader = tls.Reader(envelope)
    if reader.opaque(4) != MAGIC:
        raise Refused("not a Plico envelope")
    suite, flags = reader.u8(), reader.u8()
    handle, epoch = reader.opaque(16), reader.u32()
    if suite not in SUITES:
        raise Refused(f"unknown suite {suite:#04x}")
    if flags & ~(PADDED | APP_CONTEXT | OFFLINE):
        raise Refused(f"unknown flags {flags:#04x}")
    return Header(
        raw=envelope[:HEADER],
        suite=SUITES[suite],
        padded=bool(flags & PADDED),
        has_app_context=bool(flags & APP_CONTEXT),
        offline=bool(flags & OFFLINE),
        handle=handle,
        epoch=epoch,
    )


def chunk_keys(suite, key, salt, context):
    """The key, the base nonce and the commitment of one chunked message."""
    if len(key) != 32:
        raise Refused("the input key must be 32 bytes")
    info = b"c2sp.org/chunked-encryption@v1+" + suite.name.encode() + b"\x00" + salt + context
    out = kdf.expand_sha512(key, info, 32 + 12 + COMMITMENT)
    return out[:32], out[32:44], out[44:]


def open_chunked(suite, key, context, message):
    """The plaintext of one C2SP chunked-encryption message."""
    if len(message) < SALT + COMMITMENT + TAG:
        raise Refused("the message is too short")
    salt, claimed = message[:SALT], message[SALT : SALT + COMMITMENT]
    chunk_key, base_nonce, commitment = chunk_keys(suite, key, salt, context)
    if not hmac.compare_digest(claimed, commitment):
        raise Refused("the commitment does not match")
    cipher, base = suite.cipher(chunk_key), int.from_bytes(base_nonce, "big")
    body, plain, number = message[SALT + COMMITMENT :], [], 0
    while True:
        sealed = body[: CHUNK + TAG]
        body = body[CHUNK + TAG :]
        if len(sealed) < TAG:
            raise Refused("the last chunk is missing: it is always short")
        try:
            plain.append(cipher.decrypt((base ^ number).to_bytes(12, "big"), sealed, None))
        except InvalidTag:
            raise Refused(f"chunk {number} does not authenticate") from None
        number += 1
        if len(sealed) < CHUNK + TAG:  # a short chunk is the last one, and nothing can follow it
            return b"".join(plain)


def padme(length):
    """Padmé (https://arxiv.org/abs/1806.03160, algorithm 1)."""
    if length < 2:
        return length
    exponent = length.bit_length() - 1
    mask = (1 << (exponent - exponent.bit_length())) - 1
    return (length + mask) & ~mask


def padded_length(length):
    """What a message of `length` bytes is padded to, its length field included."""
    return max(PADDING_FLOOR, padme(8 + length))


def unpad(padded):
    reader = tls.Reader(padded)
    length = reader.u64()
    if 8 + length > len(padded) or len(padded) != padded_length(length):
        raise Refused("the padding has the wrong length")
    data = reader.opaque(length)
    if any(padded[8 + length :]):
        raise Refused("the padding is not zeros")
    return data


def payload_context(tenant_id, chain_id, header, app_context):
    """struct { opaque label<V>; opaque tenant_id[32]; opaque chain_id[32];
    opaque header[26]; opaque app_context_hash[32]; }

    `app_context` is the encoded context, or None.
    """
    digest = hashlib.sha256(app_context or b"").digest()
    return kdf.label("payload") + tenant_id + chain_id + header + digest


def item_key(payload_key, salt):
    """The input key of one envelope: enough to disclose it alone."""
    return kdf.expand_with_label(payload_key, "item", salt, 32)


def open_envelope(envelope, payload_key, tenant_id, chain_id, app_context=None):
    """The plaintext of an envelope, or `Refused` (or `tls.Malformed`)."""
    header = read_header(envelope)
    if len(tenant_id) != 32 or len(chain_id) != 32:
        raise Refused("ids are 32 bytes")
    if header.handle != chain_id[:16]:
        raise Refused("the envelope belongs to another session")
    if header.has_app_context != (app_context is not None):
        raise Refused("an app context is missing, or is one too many")
    message = envelope[HEADER:]
    key = item_key(payload_key, message[:SALT])
    context = payload_context(tenant_id, chain_id, header.raw, app_context)
    plain = open_chunked(header.suite, key, context, message)
    return unpad(plain) if header.padded else plain
