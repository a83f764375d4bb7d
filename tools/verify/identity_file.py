"""Identity files (docs/spec/identity-file.md): one device's keys under a passphrase or a host's secret.

    head = "PLCI" || version u16 || memory_kib, passes, lanes u32 || salt 32
    head || commitment 32 || opaque sealed<V>
"""

import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

import kdf
import tls
from envelope import Refused

HEAD = 4 + 2 + 3 * 4 + 32
LEAST = (65_536, 3, 4)
MOST = (1_048_576, 16, 16)


def root_of(cost, salt, passphrase, secret):
    if cost == (0, 0, 0):
        if secret is None:
            raise Refused("it needs a secret of the host")
        return kdf.expand_with_label(secret, "identity file host", salt, 32)
    if passphrase is None:
        raise Refused("it needs a passphrase")
    if not all(low <= value <= high for low, value, high in zip(LEAST, cost, MOST)):
        raise Refused("a cost that is too low or too high")
    memory_kib, passes, lanes = cost
    argon2 = Argon2id(salt=salt, length=32, iterations=passes, lanes=lanes, memory_cost=memory_kib)
    return argon2.derive(passphrase.encode())


def open_file(data, passphrase=None, secret=None):
    """What is in it, by name."""
    reader = tls.Reader(data)
    if reader.opaque(4) != b"PLCI" or reader.u16() != 1:
        raise Refused("not an identity file of this version")
    cost = reader.u32(), reader.u32(), reader.u32()
    salt, commitment = reader.opaque(32), reader.opaque(32)
    sealed = reader.vector()
    reader.end()
    if len(sealed) > 4096:
        raise Refused("too long")
    head = data[:HEAD]
    root = root_of(cost, salt, passphrase, secret)
    if not hmac.compare_digest(kdf.expand_with_label(root, "identity file commitment", head, 32), commitment):
        raise Refused("another passphrase or secret")
    return open_content(kdf.expand_with_label(root, "identity file key", head, 32), head, sealed)


def open_content(key, head, sealed):
    """The content of a file, or of a backup."""
    try:
        content = tls.Reader(ChaCha20Poly1305(key).decrypt(bytes(12), sealed, head))
    except InvalidTag:
        raise Refused("damaged") from None
    found = {name: content.opaque(32) for name in ("tenant_id", "identity_id", "signing_seed", "kem_seed")}
    found["seq"] = content.u64()
    found["hash"] = content.opaque(32)
    found["user_id"] = content.vector().decode()
    content.end()
    return found
