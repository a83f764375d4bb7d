"""A tenant's log, from docs/spec alone, and what its keys sign: the words of the app's backend,
and the directory's heads.
"""

import base64
import json

import kdf
import sign
import tls
from chains import TENANT, Chain, check_possession, need, read_core, read_entry, read_key, whole
from envelope import Refused

# --- tenants


class Tenant(Chain):
    def __init__(self, entries):
        first = read_entry(entries[0])
        reader = tls.Reader(first.body)
        core, (directory_key, proof) = read_core(reader), self.read_proven(reader)
        reader.end()
        need(core.kind == TENANT, "not a tenant")
        super().__init__(core, first)
        first.verify(core.authority)
        check_possession(first, directory_key, directory_key.id, proof)
        self.keys, self.revoked = {core.authority.id: core.authority}, {}
        self.directory_key = directory_key
        for data in entries[1:]:
            self.apply(read_entry(data))

    @staticmethod
    def read_proven(reader):
        return read_key(reader), reader.vector()

    def apply(self, entry):
        self.follow(entry)
        need(entry.author_key in self.keys and entry.author_key not in self.revoked, "not an enrolment key")
        entry.verify(self.keys[entry.author_key])
        if entry.type in (2, 4):
            key, proof = whole(entry.body, self.read_proven)
            check_possession(entry, key, key.id, proof)
            if entry.type == 4:
                self.directory_key = key
                return
            need(key.id not in self.keys, "the key is there already")
            self.keys[key.id] = key
        elif entry.type == 5:
            self.user_key_days = whole(entry.body, lambda it: it.u32())
        else:
            need(entry.type == 3, "an unknown type of entry")
            gone = whole(entry.body, lambda it: it.opaque(32))
            need(gone in self.keys and gone not in self.revoked, "the key is not there")
            need(len(self.keys) - len(self.revoked) > 1, "the last key")
            self.revoked[gone] = entry.claimed_ms


# --- attestations


def _b64(text):
    need(text and all(c.isascii() and (c.isalnum() or c in "-_") for c in text), "not base64url without padding")
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        raise Refused("not base64url") from None
    need(base64.urlsafe_b64encode(data).rstrip(b"=").decode() == text, "unused bits that are not zero")
    return data


def _json(text):
    def once(pairs):
        members = dict(pairs)
        need(len(members) == len(pairs), "a member twice")
        return members

    try:
        value = json.loads(_b64(text), object_pairs_hook=once)
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise Refused("not JSON") from None
    need(isinstance(value, dict), "not a JSON object")
    return value


def verify_token(token, tenant):
    """The claims of an enrolment token."""
    parts = token.split(".")
    need(len(token) <= 4096 and len(parts) == 3, "not a compact JWT")
    header = _json(parts[0])
    need(header.get("alg") in ("EdDSA", "Ed25519"), "another algorithm")
    need(header.get("typ") == "plico-enrolment+jwt" and "crit" not in header, "another type")
    key_id = _b64(header.get("kid", ""))
    need(key_id in tenant.keys, "not an enrolment key")
    signed = ".".join(parts[:2]).encode()
    need(sign.verify_raw(tenant.keys[key_id].key, signed, _b64(parts[2])), "the token's signature")
    claims = _json(parts[1])
    issued, expires = claims.get("iat"), claims.get("exp")
    need(all(type(it) is int and it >= 0 for it in (issued, expires)), "iat and exp")
    need(0 < expires - issued <= 300, "valid for too long, or never")
    need(_b64(claims.get("aud", "")) == tenant.id, "another tenant")
    need(key_id not in tenant.revoked or issued * 1000 < tenant.revoked[key_id], "a revoked key")
    return claims


def verify_binding(tenant, identity_id, number, commitment, claimed_ms, opening):
    """The user id that an identity's binding is for."""
    need(kdf.ref_hash("user-id", opening) == commitment, "not the opening of this commitment")
    _, user_id, token = whole(opening, lambda it: (it.opaque(32), it.vector(), it.vector()))
    need(1 <= len(user_id) <= 256, "a user id has 1 to 256 bytes")
    claims = verify_token(token.decode("ascii", "replace"), tenant)
    need(claims.get("sub", "").encode() == user_id, "another user id")
    need(_b64(claims.get("plico_identity", "")) == identity_id, "another identity")
    need(claims.get("plico_number", 1) == number, "another number")
    need(claims["iat"] * 1000 - 300_000 <= claimed_ms <= claims["exp"] * 1000 + 300_000, "at another time")
    return user_id


# --- heads


def verify_head(tenant, data):
    """Chain id, number, hash and time of a signed head."""
    reader = tls.Reader(data)
    need(reader.u16() == 1 and reader.opaque(32) == tenant.id, "a head of another tenant or version")
    found = reader.opaque(32), reader.u64(), reader.opaque(32), reader.u64()
    content = reader.between(0, reader.position())
    need(reader.u8() == 1, "an unknown signature algorithm")
    signature = reader.vector()
    reader.end()
    tenant.directory_key.verify("head", content, signature)
    return found
