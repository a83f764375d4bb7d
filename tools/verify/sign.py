"""Ed25519 over labelled content (RFC 9420 section 5.1.2), verified strictly."""

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

import kdf
import tls

P = 2**255 - 19
# The compressed points of small order, canonical encodings only: whatever is
# not canonical is refused before.
SMALL_ORDER = {
    bytes.fromhex(point)
    for point in (
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000080",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    )
}
ZERO_X = {(1).to_bytes(32, "little"), (P - 1).to_bytes(32, "little")}


def strict_point(encoded):
    """Whether 32 bytes are a canonical encoding and not of small order."""
    if len(encoded) != 32 or encoded in SMALL_ORDER:
        return False
    y = int.from_bytes(encoded, "little") & (2**255 - 1)
    # With x = 0 the sign bit must be 0; those two y are of small order anyway.
    return y < P and y.to_bytes(32, "little") not in ZERO_X


def sign_content(what, content):
    """struct { opaque label<V> = "plico/v1/" + what; opaque content<V>; } SignContent;"""
    return kdf.label(what) + tls.vector(content)


def verify_raw(public_key, message, signature):
    """Whether `signature` is `public_key`'s over `message`.

    Strict: neither the key nor R may be of small order or not canonical, and
    S must be below the group's order (which the library checks).
    """
    if len(signature) != 64:
        return False
    if not strict_point(public_key) or not strict_point(signature[:32]):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def verify(public_key, what, content, signature):
    """Whether `signature` is `public_key`'s over SignContent(what, content)."""
    return verify_raw(public_key, sign_content(what, content), signature)
