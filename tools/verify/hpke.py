"""Opens HPKE base mode (RFC 9180) with X-Wing (KEM 0x647a), HKDF-SHA256 and
ChaCha20-Poly1305. A private key is the 32-byte X-Wing seed
(draft-connolly-cfrg-xwing-kem); the KEM's shared secret goes straight into the
key schedule (draft-ietf-hpke-pq)."""

import hashlib
import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from envelope import Refused

SUITE = b"HPKE" + bytes.fromhex("647a00010003")
ENCAPSULATED = 1120


def keys(seed):
    """The two private keys of an X-Wing seed, and the public key's bytes."""
    if len(seed) != 32:
        raise Refused("an X-Wing seed has 32 bytes")
    expanded = hashlib.shake_256(seed).digest(96)
    post, classic = MLKEM768PrivateKey.from_seed_bytes(expanded[:64]), X25519PrivateKey.from_private_bytes(expanded[64:])
    public = post.public_key().public_bytes_raw() + classic.public_key().public_bytes_raw()
    return post, classic, public


def decapsulate(seed, encapsulated):
    post, classic, public = keys(seed)
    post_text, classic_text = encapsulated[:1088], encapsulated[1088:]
    post_secret = post.decapsulate(post_text)
    try:
        classic_secret = classic.exchange(X25519PublicKey.from_public_bytes(classic_text))
    except ValueError:  # all zeros
        raise Refused("the encapsulated key is of small order") from None
    label = bytes.fromhex("5c2e2f2f5e5c")
    return hashlib.sha3_256(post_secret + classic_secret + classic_text + public[1184:] + label).digest()


def _extract(salt, label, value):
    return hmac.new(salt or bytes(32), b"HPKE-v1" + SUITE + label + value, hashlib.sha256).digest()


def _expand(secret, label, info, length):
    labelled = length.to_bytes(2, "big") + b"HPKE-v1" + SUITE + label + info
    return HKDFExpand(hashes.SHA256(), length, labelled).derive(secret)


def open_base(seed, info, sealed):
    """OpenBase(enc, skR, info, aad = "", ct) of `enc || ct`."""
    if len(sealed) < ENCAPSULATED + 16:
        raise Refused("too short for a sealed secret")
    shared = decapsulate(seed, sealed[:ENCAPSULATED])
    context = b"\x00" + _extract(b"", b"psk_id_hash", b"") + _extract(b"", b"info_hash", info)
    secret = _extract(shared, b"secret", b"")
    key, nonce = _expand(secret, b"key", context, 32), _expand(secret, b"base_nonce", context, 12)
    try:
        return ChaCha20Poly1305(key).decrypt(nonce, sealed[ENCAPSULATED:], b"")
    except InvalidTag:
        raise Refused("the sealed secret does not open") from None
