"""Backups (docs/spec/backup.md): an identity file's content under keys that depend on nothing of the directory's.

    head = "PLCB" || version u16 || kind u8 || memory_kib, passes, lanes u32 || salt 32
    head || commitment 32 || opaque sealed<V>
"""

import hmac

from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

import identity_file
import kdf
import tls
from envelope import Refused

COST = (65_536, 3, 4)
HEAD = 4 + 2 + 1 + 3 * 4 + 32
PASSPHRASE, HOST = 1, 2


class Root:
    def __init__(self, tenant_id, user_id, passphrase, secret):
        owner = tenant_id + tls.vector_length(len(user_id.encode())) + user_id.encode()
        salt = kdf.ref_hash("backup-salt", owner)
        if secret is not None:
            self.kind, self.cost = HOST, (0, 0, 0)
            self.root = kdf.expand_with_label(secret, "backup host", salt, 32)
        else:
            self.kind, self.cost = PASSPHRASE, COST
            memory_kib, passes, lanes = COST
            argon2 = Argon2id(salt=salt, length=32, iterations=passes, lanes=lanes, memory_cost=memory_kib)
            self.root = argon2.derive(passphrase.encode())

    def access(self):
        return kdf.expand_with_label(self.root, "backup access", b"", 32)

    def open(self, data):
        reader = tls.Reader(data)
        if reader.opaque(4) != b"PLCB" or reader.u16() != 1:
            raise Refused("not a backup of this version")
        if reader.u8() != self.kind or (reader.u32(), reader.u32(), reader.u32()) != self.cost:
            raise Refused("of another kind or cost")
        reader.opaque(32)
        commitment, sealed = reader.opaque(32), reader.vector()
        reader.end()
        head = data[:HEAD]
        if not hmac.compare_digest(kdf.expand_with_label(self.root, "backup commitment", head, 32), commitment):
            raise Refused("another passphrase or secret")
        return identity_file.open_content(kdf.expand_with_label(self.root, "backup key", head, 32), head, sealed)
