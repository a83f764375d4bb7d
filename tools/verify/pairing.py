"""Pairing (docs/spec/pairing.md) and fingerprints (docs/spec/fingerprint.md)."""

import base64

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

import kdf
from envelope import Refused

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def code_of(keys, salt):
    number = int.from_bytes(kdf.ref_hash("pairing", keys + salt)[:16], "big")
    text = "".join(ALPHABET[number >> (5 * at) & 31] for at in reversed(range(26)))
    return "-".join(text[at : at + 5] for at in range(0, 26, 5))


def root_of(code):
    number = 0
    for letter in code.replace("-", ""):
        number = number << 5 | ALPHABET.index(letter)
    if number >> 128:
        raise Refused("a code of more than 128 bits")
    return number.to_bytes(16, "big") + bytes(16)


def mailbox(code, tenant_id):
    return kdf.expand_with_label(root_of(code), "pairing mailbox", tenant_id, 32)


def open_message(code, tenant_id, label, number, message):
    salt, sealed = message[:32], message[32:]
    place = tenant_id + number.to_bytes(1, "big") + salt
    key = kdf.expand_with_label(root_of(code), label, place, 32)
    try:
        return ChaCha20Poly1305(key).decrypt(bytes(12), sealed, place)
    except InvalidTag:
        raise Refused("a message that does not open") from None


def fingerprint(tenant_id, own, other):
    digest = kdf.ref_hash("fingerprint", tenant_id + min(own, other) + max(own, other))
    groups = (int.from_bytes(digest[at : at + 4], "big") % 100_000 for at in range(0, 32, 4))
    scan = base64.urlsafe_b64encode(tenant_id + own + other).decode().rstrip("=")
    return " ".join(f"{group:05}" for group in groups), f"plico-fp1.{scan}"
