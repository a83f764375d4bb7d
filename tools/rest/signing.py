"""Signs a request for the directory: RFC 9421 with Ed25519, and RFC 9530's
Content-Digest. Run as a program it tests itself.

The components and their order are fixed: "@method" "@target-uri"
"content-digest" "content-type"; the parameters are created, expires (at most
60 s later), nonce, keyid (identity id "." key id) and tag "plico"; the
signature's label is `plico`. A request without a body has a digest too, over
nothing.
"""

import base64
import hashlib
import json
import os
import time
import unittest
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urldefrag

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

COMPONENTS = ("@method", "@target-uri", "content-digest", "content-type")
CONTENT_TYPE = "application/json"
LIFETIME = 60
TAG = "plico"
LABEL = "plico"


@dataclass(frozen=True)
class Key:
    """Whose request it is: identity id and key id, 32 bytes each, and the private key."""

    identity: bytes
    key_id: bytes
    private: Ed25519PrivateKey

    @classmethod
    def load(cls, file):
        """From a JSON file: {"identity": hex, "key_id": hex, "seed": hex}."""
        content = json.loads(Path(file).read_text())
        identity, key_id, seed = (bytes.fromhex(content[part]) for part in ("identity", "key_id", "seed"))
        return cls(identity, key_id, Ed25519PrivateKey.from_private_bytes(seed))

    def name(self):
        return f"{base64url(self.identity)}.{base64url(self.key_id)}"


def base64url(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def byte_sequence(data):
    """A byte sequence of RFC 8941."""
    return f":{base64.b64encode(data).decode()}:"


def signature_params(components, parameters):
    """The inner list with its parameters; a string is quoted, a number is not."""
    listed = " ".join(f'"{name}"' for name in components)
    rest = "".join(f';{name}="{value}"' if isinstance(value, str) else f";{name}={value}" for name, value in parameters)
    return f"({listed}){rest}"


def signature_base(values, params):
    """RFC 9421 section 2.5: `values` are (component, value) in order."""
    lines = [f'"{name}": {value}' for name, value in values]
    return "\n".join([*lines, f'"@signature-params": {params}']).encode("latin-1")


def sign(method, url, body, key, *, content_type=CONTENT_TYPE, created=None, nonce=None):
    """The headers that make this request `key`'s.

    `url` is the whole target URI, `body` is bytes. `created` (seconds since
    1970) and `nonce` (16 bytes) are for tests.
    """
    created = int(time.time()) if created is None else created
    digest = f"sha-256={byte_sequence(hashlib.sha256(body).digest())}"
    values = zip(COMPONENTS, (method, urldefrag(url).url, digest, content_type))
    params = signature_params(
        COMPONENTS,
        [
            ("created", created),
            ("expires", created + LIFETIME),
            ("nonce", base64url(os.urandom(16) if nonce is None else nonce)),
            ("keyid", key.name()),
            ("tag", TAG),
        ],
    )
    signature = key.private.sign(signature_base(values, params))
    return {
        "Content-Type": content_type,
        "Content-Digest": digest,
        "Signature-Input": f"{LABEL}={params}",
        "Signature": f"{LABEL}={byte_sequence(signature)}",
    }


class Tests(unittest.TestCase):
    def test_rfc_9421_b_2_6(self):
        """The base and the signature that the RFC prints."""
        private = Ed25519PrivateKey.from_private_bytes(
            base64.b64decode("n4Ni+HpISpVObnQMW0wOhCKROaIKqKtW/2ZYb2p9KcU=")
        )
        values = [
            ("date", "Tue, 20 Apr 2021 02:07:55 GMT"),
            ("@method", "POST"),
            ("@path", "/foo"),
            ("@authority", "example.com"),
            ("content-type", "application/json"),
            ("content-length", "18"),
        ]
        params = signature_params(
            [name for name, _ in values], [("created", 1618884473), ("keyid", "test-key-ed25519")]
        )
        self.assertEqual(
            base64.b64encode(private.sign(signature_base(values, params))).decode(),
            "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==",
        )

    def test_a_request(self):
        key = Key(bytes(32), b"\xff" * 32, Ed25519PrivateKey.from_private_bytes(bytes(32)))
        headers = sign("GET", "http://h/v1/x?a=b#c", b"", key, created=1000, nonce=bytes(16))
        params = (
            '("@method" "@target-uri" "content-digest" "content-type")'
            f';created=1000;expires=1060;nonce="{"A" * 22}";keyid="{"A" * 43}.{"_" * 42}8";tag="plico"'
        )
        empty = "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"
        self.assertEqual(headers["Signature-Input"], f"plico={params}")
        self.assertEqual(headers["Content-Digest"], empty)
        base = (
            f'"@method": GET\n"@target-uri": http://h/v1/x?a=b\n"content-digest": {empty}\n'
            f'"content-type": application/json\n"@signature-params": {params}'
        )
        signature = base64.b64decode(headers["Signature"].removeprefix("plico=:").removesuffix(":"))
        key.private.public_key().verify(signature, base.encode())


if __name__ == "__main__":
    unittest.main()
