#!/usr/bin/env python3
"""A second implementation of Plico's formats, written from the specification,
checks the vectors that the first one has published.

First its own tests, then every `*.json` below `--testdata`. A file is one case
or a list of them: `kind` says what it is, `expect` is `ok` or `refused`, bytes
are hex. A good case may list in `altered` what must be refused: each a name and
changes, a change being a path into the case and what stands there instead
(without it, the item is taken out of its list). A kind that is unknown here, a case without a verdict, and a folder
without cases are failures, so that nothing goes unchecked unseen.
"""

import argparse
import base64
import copy
import hashlib
import json
import re
import sys
import unittest
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import backup
import chains
import envelope
import epoch_secrets
import hpke
import identity_file
import identity_log
import kdf
import merkle
import offline
import pairing
import sealed
import session_log
import sign
import snapshot
import tenant_log
import tls

# The words of BIP-39's list that are known for certain, by number.
WORDS = {0: "abandon", 3: "about", 2047: "zoo"}

HERE = Path(__file__).resolve().parent


class Differs(Exception):
    """The case was not refused, and came out differently."""


def same(got, expected):
    if got != expected:
        raise Differs(f"got {got.hex()}, the case says {expected.hex()}")


def must(true):
    if not true:
        raise envelope.Refused("does not verify")


def hexed(case, name):
    return bytes.fromhex(case[name])


def check_envelope(case):
    """payload_key, tenant_id, chain_id, envelope, app_context (encoded, or null) -> plaintext"""
    app_context = case.get("app_context")
    plain = envelope.open_envelope(
        hexed(case, "envelope"),
        hexed(case, "payload_key"),
        hexed(case, "tenant_id"),
        hexed(case, "chain_id"),
        None if app_context is None else bytes.fromhex(app_context),
    )
    if case["expect"] == "ok":
        same(plain, hexed(case, "plaintext"))


def check_snapshot(case):
    """key, snapshot, envelope, app_context -> plaintext"""
    tenant_id, sessions = snapshot.open_snapshot(hexed(case, "snapshot"), hexed(case, "key"))
    header = envelope.read_header(hexed(case, "envelope"))
    for chain_id, keys in sessions.items():
        if chain_id[:16] == header.handle and header.epoch in keys:
            found = {"payload_key": keys[header.epoch].hex(), "chain_id": chain_id.hex()}
            return check_envelope({**case, **found, "tenant_id": tenant_id.hex()})
    raise envelope.Refused("the snapshot does not have the key")


def check_identity_file(case):
    """file, passphrase or secret -> its content"""
    secret = bytes.fromhex(case["secret"]) if "secret" in case else None
    found = identity_file.open_file(hexed(case, "file"), case.get("passphrase"), secret)
    for name, value in found.items():
        if isinstance(value, bytes):
            same(value, hexed(case, name))
        else:
            must(value == case[name])


def check_expand_with_label(case):
    """secret, label, context, output"""
    output = hexed(case, "output")
    same(kdf.expand_with_label(hexed(case, "secret"), case["label"], hexed(case, "context"), len(output)), output)


def check_ref_hash(case):
    """label, value, output"""
    same(kdf.ref_hash(case["label"], hexed(case, "value")), hexed(case, "output"))


def check_signature(case):
    """public_key, what, content, signature"""
    must(sign.verify(hexed(case, "public_key"), case["what"], hexed(case, "content"), hexed(case, "signature")))


def check_merkle_root(case):
    """leaves (their data, not their hashes), root"""
    same(merkle.root([merkle.leaf_hash(bytes.fromhex(leaf)) for leaf in case["leaves"]]), hexed(case, "root"))


def check_merkle_inclusion(case):
    """leaf (its data), index, size, proof, root"""
    leaf, proof = merkle.leaf_hash(hexed(case, "leaf")), [bytes.fromhex(node) for node in case["proof"]]
    must(merkle.verify_inclusion(leaf, case["index"], case["size"], proof, hexed(case, "root")))


def unhex(items):
    return [bytes.fromhex(item) for item in items]


def check_kem_key(case):
    """seed, public_key (X-Wing)"""
    same(hpke.keys(hexed(case, "seed"))[2], hexed(case, "public_key"))


def check_entry(case):
    """entry (signed), hash, public_key of its author"""
    entry = chains.read_entry(hexed(case, "entry"))
    must(sign.verify(hexed(case, "public_key"), "entry", entry.raw, entry.signature))
    same(entry.hash, hexed(case, "hash"))


def check_tenant_log(case):
    """tenant_id, entries, directory_key at the end"""
    tenant = tenant_log.Tenant(unhex(case["entries"]))
    must(tenant.id == hexed(case, "tenant_id"))
    must(tenant.directory_key.key == hexed(case, "directory_key"))


def check_identity_log(case):
    """tenant_id, identity_id, entries, uploads (wraps and back-links of each),
    generation and user_key_id at the end"""
    identity = identity_log.Identity(unhex(case["entries"]), case["uploads"])
    must((identity.tenant_id, identity.id) == (hexed(case, "tenant_id"), hexed(case, "identity_id")))
    must(identity.user_key_at(len(case["entries"])) == (case["generation"], hexed(case, "user_key_id")))


def check_backup(case):
    """tenant_id, user_id, passphrase or secret, backup -> its content, access,
    access_hash; user_key_secret, identity_id, generation, device -> mark"""
    secret = hexed(case, "secret") if "secret" in case else None
    root = backup.Root(hexed(case, "tenant_id"), case["user_id"], case.get("passphrase"), secret)
    must(root.access() == hexed(case, "access"))
    must(kdf.ref_hash("backup-access", root.access()) == hexed(case, "access_hash"))
    for name, value in root.open(hexed(case, "backup")).items():
        must(value == (hexed(case, name) if isinstance(value, bytes) else case[name]))
    place = epoch_secrets.context(hexed(case, "tenant_id"), hexed(case, "identity_id"), case["generation"])
    metadata_key = epoch_secrets.derive(hexed(case, "user_key_secret"), "metadata", place)
    must(kdf.expand_with_label(metadata_key, "backup device", hexed(case, "device"), 32) == hexed(case, "mark"))


def check_sealed_item(case):
    """tenant_id, recipient_kind, recipient_id, recipient_secret (of the generation that the wrap
    names), sealed, app_context -> item_id, hash, secret, plaintext; besides, an altered byte
    anywhere must make it fail, even with the right secret at hand"""
    item = sealed.Item(hexed(case, "sealed"))
    must(item.tenant_id == hexed(case, "tenant_id"))
    recipient = bytes([case["recipient_kind"]]) + hexed(case, "recipient_id")
    generation = next((key[:4] for whose, key, _ in item.wraps if whose == recipient), bytes(4))
    place = item.tenant_id + recipient[1:] + generation
    secret = item.secret(recipient, epoch_secrets.derive(hexed(case, "recipient_secret"), "kem", place))
    context = case["app_context"]
    plain = item.open(secret, None if context is None else bytes.fromhex(context))
    if case["expect"] == "ok":
        for at in range(0, len(hexed(case, "sealed")), 97):
            altered = bytearray(hexed(case, "sealed"))
            altered[at] ^= 1
            try:
                other = sealed.Item(bytes(altered))
                other.open(secret, None if context is None else bytes.fromhex(context))
            except (envelope.Refused, tls.Malformed):
                continue
            raise Differs(f"byte {at} may be altered")
        for got, name in ((item.item_id, "item_id"), (item.hash, "hash"), (secret, "secret"), (plain, "plaintext")):
            same(got, hexed(case, name))


def check_offline_file(case):
    """file, tenant_id, identity_id, device (key id), kem_seed, app_context -> plaintext, as_of_ms;
    besides, a bit changed at any of `flips` must make it fail"""
    context = None if case["app_context"] is None else hexed(case, "app_context")
    ids = (hexed(case, name) for name in ("tenant_id", "identity_id", "device", "kem_seed"))
    ids = tuple(ids)

    def opened(data):
        found = offline.Opened(offline.File(data), *ids)
        return found.open(context), max(found.times)

    plain, as_of = opened(hexed(case, "file"))
    if case["expect"] == "ok":
        same(plain, hexed(case, "plaintext"))
        must(as_of == case["as_of_ms"])
        for at in case["flips"]:
            altered = bytearray(hexed(case, "file"))
            altered[at] ^= 1
            try:
                opened(bytes(altered))
            except (envelope.Refused, tls.Malformed):
                continue
            raise Differs(f"byte {at} may be altered")


def check_pairing_code(case):
    """keys (DeviceKeys), salt -> code; code, tenant_id -> mailbox"""
    must(pairing.code_of(hexed(case, "keys"), hexed(case, "salt")) == case["code"])
    must(pairing.mailbox(case["code"], hexed(case, "tenant_id")) == hexed(case, "mailbox"))


def check_pairing_message(case):
    """code, tenant_id, label, round, message -> content, of which the beginning is given"""
    content = pairing.open_message(
        case["code"], hexed(case, "tenant_id"), case["label"], case["round"], hexed(case, "message")
    )
    begins = hexed(case, "content_begins")
    same(content[: len(begins)], begins)


def check_fingerprint(case):
    """tenant_id, own, other -> digits, to_scan"""
    made = pairing.fingerprint(*(hexed(case, name) for name in ("tenant_id", "own", "other")))
    must(made == (case["digits"], case["to_scan"]))


def check_recovery_words(case):
    """entropy, words, tenant_id -> signing_key_id, kem_key_id. Which word has
    which number is BIP-39's list; that they are 24 and the checksum are checked
    on the numbers that the good cases teach."""
    entropy, words = hexed(case, "entropy"), case["words"].split(" ")
    must(len(words) == 24 and len(entropy) == 32)
    bits = int.from_bytes(entropy + hashlib.sha256(entropy).digest()[:1], "big")
    for at, word in enumerate(words):
        number = bits >> (11 * (23 - at)) & 0x7FF
        must(WORDS.setdefault(number, word) == word)
    must(len(set(WORDS.values())) == len(WORDS))
    seeds = (
        kdf.expand_with_label(entropy, f"recovery {name}", hexed(case, "tenant_id"), 32) for name in ("sign", "kem")
    )
    signing, kem = next(seeds), next(seeds)
    public = Ed25519PrivateKey.from_private_bytes(signing).public_key().public_bytes_raw()
    must(kdf.ref_hash("key", b"\x00\x01\x20" + public) == hexed(case, "signing_key_id"))
    must(kdf.ref_hash("key", b"\x64\x7a\x44\xc0" + hpke.keys(kem)[2]) == hexed(case, "kem_key_id"))


def check_session_log(case):
    """tenant_id, session_id, identities (id -> entries), entries, uploads"""
    identities = {bytes.fromhex(name): identity_log.Identity(unhex(entries)) for name, entries in case["identities"].items()}
    must(all(name == identity.id for name, identity in identities.items()))
    session = session_log.Session(unhex(case["entries"]), identities, case["uploads"])
    must((session.tenant_id, session.id) == (hexed(case, "tenant_id"), hexed(case, "session_id")))


def check_group_session_log(case):
    """tenant_id, session_id, identities, groups (id -> entries, uploads), entries, uploads"""
    identities = {bytes.fromhex(name): identity_log.Identity(unhex(entries)) for name, entries in case["identities"].items()}
    groups, waiting = {}, dict(case["groups"])
    while waiting:
        # One that names another comes after it.
        for name, it in list(waiting.items()):
            try:
                group = session_log.Group(unhex(it["entries"]), identities, it["uploads"], groups)
            except envelope.Refused:
                continue
            must(group.id == bytes.fromhex(name))
            groups[group.id] = group
            del waiting[name]
            break
        else:
            raise envelope.Refused("a group's log")
    session = session_log.Session(unhex(case["entries"]), identities, case["uploads"], groups)
    must((session.tenant_id, session.id) == (hexed(case, "tenant_id"), hexed(case, "session_id")))


def check_group_key(case):
    """secret, tenant_id, chain_id, epoch, commitment, key_id"""
    secret, place = placed(case)
    public = hpke.keys(epoch_secrets.derive(secret, "kem", place))[2]
    must(kdf.ref_hash("key", b"\x64\x7a\x44\xc0" + public) == hexed(case, "key_id"))


def check_wrap(case):
    """info, sealed, leaf, index, count, proof, root, recipient_seed, secret"""
    info, sealed = hexed(case, "info"), hexed(case, "sealed")
    leaf = merkle.leaf_hash(info + sealed)
    must(leaf == hexed(case, "leaf"))
    must(merkle.verify_inclusion(leaf, case["index"], case["count"], unhex(case["proof"]), hexed(case, "root")))
    same(epoch_secrets.open_wrap(hexed(case, "recipient_seed"), info, sealed), hexed(case, "secret"))


def placed(case):
    """secret, tenant_id, chain_id, epoch, commitment: an epoch's secret and its place."""
    place = epoch_secrets.context(hexed(case, "tenant_id"), hexed(case, "chain_id"), case["epoch"])
    return epoch_secrets.checked(hexed(case, "secret"), place, hexed(case, "commitment")), place


def check_back_link(case):
    """as in `placed`, and target_commitment, link, hash -> opened"""
    secret, _ = placed(case)
    must(kdf.ref_hash("back-link", hexed(case, "link")) == hexed(case, "hash"))
    ids = hexed(case, "tenant_id"), hexed(case, "chain_id"), case["epoch"], hexed(case, "commitment")
    opened = epoch_secrets.open_back_link(secret, *ids, hexed(case, "link"), hexed(case, "target_commitment"))
    same(opened, hexed(case, "opened"))


def check_metadata(case):
    """as in `placed`, and blob, hash -> plaintext"""
    secret, place = placed(case)
    must(kdf.ref_hash("metadata", hexed(case, "blob")) == hexed(case, "hash"))
    same(epoch_secrets.open_metadata(secret, place, hexed(case, "blob")), hexed(case, "plaintext"))


def check_session_envelope(case):
    """as in `placed`, and envelope, app_context -> plaintext"""
    secret, place = placed(case)
    check_envelope({**case, "payload_key": epoch_secrets.derive(secret, "payload", place).hex()})


def check_envelope_signature(case):
    """tenant_id, chain_id, envelope, app_context, public_key (raw), key_id, signature (183 bytes);
    besides, an altered byte anywhere must make it fail"""
    key = b"\x00\x01" + tls.vector(hexed(case, "public_key"))
    must(kdf.ref_hash("key", key) == hexed(case, "key_id"))

    def verifies(envelope_bytes, detached):
        if len(detached) != 183 or detached[:4] != b"PLS1" or detached[116:119] != b"\x01\x40\x40":
            return False
        author, claimed, signature = detached[4:108], detached[108:116], detached[119:]
        if author[32:64] != hexed(case, "key_id"):
            return False
        context = case.get("app_context")
        statement = b"\x00\x01" + hexed(case, "tenant_id") + hexed(case, "chain_id") + author + claimed
        statement += hashlib.sha512(envelope_bytes).digest()
        statement += hashlib.sha256(bytes.fromhex(context) if context else b"").digest()
        return sign.verify(hexed(case, "public_key"), "envelope", statement, signature)

    sealed, detached = hexed(case, "envelope"), hexed(case, "signature")
    must(verifies(sealed, detached))
    for at in range(0, 183, 13):
        must(not verifies(sealed, detached[:at] + bytes([detached[at] ^ 1]) + detached[at + 1 :]))
    must(not verifies(sealed[:-1] + bytes([sealed[-1] ^ 1]), detached))


def check_binding(case):
    """tenant_id, tenant_entries, identity_id, number, commitment, claimed_ms, opening -> user_id"""
    tenant = tenant_log.Tenant(unhex(case["tenant_entries"]))
    must(tenant.id == hexed(case, "tenant_id"))
    ids = hexed(case, "identity_id"), case["number"], hexed(case, "commitment"), case["claimed_ms"]
    same(tenant_log.verify_binding(tenant, *ids, hexed(case, "opening")), case["user_id"].encode())


def check_head(case):
    """tenant_id, tenant_entries, head -> chain_id, seq, hash, time_ms"""
    tenant = tenant_log.Tenant(unhex(case["tenant_entries"]))
    must(tenant.id == hexed(case, "tenant_id"))
    found = tenant_log.verify_head(tenant, hexed(case, "head"))
    must(found == (hexed(case, "chain_id"), case["seq"], hexed(case, "hash"), case["time_ms"]))


REQUEST = re.compile(
    r'plico=(\("@method" "@target-uri" "content-digest" "content-type"\)'
    r';created=(\d+);expires=(\d+);nonce="([\w-]{22})";keyid="([\w-]{43})\.([\w-]{43})";tag="plico")'
)


def check_request(case):
    """method, target_uri, content_type, content_digest, body, signature_input,
    signature, public_key, now_s, and the base, identity_id and key_id that come out"""
    found = REQUEST.fullmatch(case["signature_input"])
    must(found)
    params, created, expires = found[1], int(found[2]), int(found[3])
    digest = "sha-256=:" + base64.b64encode(hashlib.sha256(hexed(case, "body")).digest()).decode() + ":"
    must(case["content_digest"] == digest)
    parts = zip(("@method", "@target-uri", "content-digest", "content-type"), (case["method"], case["target_uri"], digest, case["content_type"]))
    base = "".join(f'"{name}": {value}\n' for name, value in parts) + f'"@signature-params": {params}'
    signature = re.fullmatch(r"plico=:([A-Za-z0-9+/]{86}==):", case["signature"])
    must(signature and sign.verify_raw(hexed(case, "public_key"), base.encode(), base64.b64decode(signature[1])))
    must(0 < expires - created <= 60 and created - 30 <= case["now_s"] <= expires)
    same(base.encode(), case["base"].encode())
    for text, name in ((found[5], "identity_id"), (found[6], "key_id")):
        same(base64.urlsafe_b64decode(text + "="), hexed(case, name))


KINDS = {
    "kem_key": check_kem_key,
    "entry": check_entry,
    "tenant_log": check_tenant_log,
    "identity_log": check_identity_log,
    "session_log": check_session_log,
    "group_session_log": check_group_session_log,
    "group_key": check_group_key,
    "wrap": check_wrap,
    "back_link": check_back_link,
    "metadata": check_metadata,
    "session_envelope": check_session_envelope,
    "snapshot": check_snapshot,
    "identity_file": check_identity_file,
    "backup": check_backup,
    "sealed_item": check_sealed_item,
    "offline_file": check_offline_file,
    "pairing_code": check_pairing_code,
    "pairing_message": check_pairing_message,
    "fingerprint": check_fingerprint,
    "recovery_words": check_recovery_words,
    "envelope_signature": check_envelope_signature,
    "binding": check_binding,
    "head": check_head,
    "request": check_request,
    "envelope": check_envelope,
    "expand_with_label": check_expand_with_label,
    "ref_hash": check_ref_hash,
    "signature": check_signature,
    "merkle_root": check_merkle_root,
    "merkle_inclusion": check_merkle_inclusion,
}


def verdict(case):
    """None if the case is as it says, or what is wrong."""
    if case.get("expect") not in ("ok", "refused"):
        return "`expect` is neither `ok` nor `refused`"
    if case.get("kind") not in KINDS:
        return f"unknown kind {case.get('kind')!r}"
    try:
        KINDS[case["kind"]](case)
    except (envelope.Refused, tls.Malformed) as refusal:
        return None if case["expect"] == "refused" else f"refused: {refusal}"
    except Differs as difference:
        return str(difference)
    except (KeyError, ValueError, TypeError) as broken:
        return f"the case itself is broken: {broken!r}"
    return None if case["expect"] == "ok" else "opened, but must be refused"


def altered(case):
    """The cases that `case` lists as altered, and that must be refused."""
    for alteration in case.get("altered", ()):
        changed = copy.deepcopy({name: value for name, value in case.items() if name != "altered"})
        for change in alteration["changes"]:
            *path, last = change["at"]
            inner = changed
            for step in path:
                inner = inner[step]
            if "to" in change:
                inner[last] = change["to"]
            else:
                del inner[last]
        yield {**changed, "expect": "refused", "name": alteration["name"]}


def check_testdata(folder):
    """How many cases there are in `folder`, and how many fail."""
    count, failed = 0, 0
    for file in sorted(folder.rglob("*.json")):
        content = json.loads(file.read_text())
        for number, good in enumerate(content if isinstance(content, list) else [content]):
            for case in (good, *altered(good)):
                count += 1
                problem = verdict(case)
                if problem:
                    failed += 1
                    print(f"{file}, case {number} ({case.get('name', 'unnamed')}): {problem}")
    return count, failed


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--testdata", type=Path, help="the folder of the project's own vectors")
    arguments = parser.parse_args()

    tests = unittest.defaultTestLoader.discover(str(HERE))
    result = unittest.TextTestRunner(stream=sys.stdout).run(tests)
    if not result.wasSuccessful() or result.testsRun == 0:
        return 1
    if arguments.testdata:
        count, failed = check_testdata(arguments.testdata)
        print(f"{count} cases in {arguments.testdata}, {failed} failed")
        return 1 if failed or not count else 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
