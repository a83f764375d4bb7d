"""Derivations and labelled hashes: HKDF-Expand (RFC 5869 section 2.3),
ExpandWithLabel (RFC 9420 section 8) and RefHash (RFC 9420 section 5.2), with
Plico's prefix."""

import hashlib

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

import tls

PREFIX = b"plico/v1/"


def label(name):
    """`opaque label<V> = "plico/v1/" + name`."""
    return tls.vector(PREFIX + name.encode("ascii"))


def expand_sha512(prk, info, length):
    """HKDF-Expand-SHA-512."""
    return HKDFExpand(hashes.SHA512(), length, info).derive(prk)


def expand_with_label(secret, name, context, length):
    """HKDF-Expand-SHA-256(secret, KDFLabel, length), where

    struct { uint16 length; opaque label<V>; opaque context<V>; } KDFLabel;
    """
    if len(secret) != 32:
        raise ValueError("the secret must be 32 bytes")
    info = length.to_bytes(2, "big") + label(name) + tls.vector(context)
    return HKDFExpand(hashes.SHA256(), length, info).derive(secret)


def ref_hash(name, value):
    """SHA-256(opaque label<V> || opaque value<V>)."""
    return hashlib.sha256(label(name) + tls.vector(value)).digest()
