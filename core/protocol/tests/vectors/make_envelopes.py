#!/usr/bin/env python3
"""Makes envelopes.json from docs/spec/envelope.md alone, independently of the
Rust code. Needs the Python package `cryptography`. Published vectors are never
changed: a new format gets a new file."""

import base64
import hashlib
import hmac
import json
import struct

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

AEADS = {1: ("AEAD_CHACHA20_POLY1305", ChaCha20Poly1305), 2: ("AEAD_AES_256_GCM", AESGCM)}


def expand(hash_name, prk, info, length):
    out, block, i = b"", b"", 1
    while len(out) < length:
        block = hmac.new(prk, block + info + bytes([i]), hash_name).digest()
        out, i = out + block, i + 1
    return out[:length]


def vector(data):
    if len(data) < 1 << 6:
        return bytes([len(data)]) + data
    if len(data) < 1 << 14:
        return struct.pack(">H", 0x4000 | len(data)) + data
    return struct.pack(">I", 0x80000000 | len(data)) + data


def expand_with_label(secret, label, context, length):
    info = struct.pack(">H", length) + vector(b"plico/v1/" + label) + vector(context)
    return expand("sha256", secret, info, length)


def field(name, value):
    if isinstance(value, bool):
        kind, value = 4, bytes([value])
    elif isinstance(value, int):
        kind, value = 2, struct.pack(">q", value)
    elif isinstance(value, str):
        kind, value = 1, value.encode()
    else:
        kind = 3
    return vector(name.encode()) + bytes([kind]) + vector(value)


def fields(values):
    return b"\x01" + vector(b"".join(field(n, values[n]) for n in sorted(values, key=str.encode)))


def padme(n):
    e = n.bit_length() - 1
    s = e.bit_length()
    mask = (1 << (e - s)) - 1
    return (n + mask) & ~mask


def pad(data):
    total = max(32, padme(8 + len(data)))
    return (struct.pack(">Q", len(data)) + data).ljust(total, b"\0")


def seal(case, plaintext, context):
    suite, padded = case["suite"], case["padded"]
    tenant, chain = bytes.fromhex(case["tenant_id"]), bytes.fromhex(case["chain_id"])
    salt = bytes.fromhex(case["salt"])
    flags = (1 if padded else 0) | (2 if context is not None else 0)
    header = b"PLC1" + bytes([suite, flags]) + chain[:16] + struct.pack(">I", case["epoch"])
    context_hash = hashlib.sha256(context or b"").digest()
    bound = vector(b"plico/v1/payload") + tenant + chain + header + context_hash
    item = expand_with_label(bytes.fromhex(case["payload_key"]), b"item", salt, 32)
    name, cipher = AEADS[suite]
    info = b"c2sp.org/chunked-encryption@v1+" + name.encode() + b"\0" + salt + bound
    okm = expand("sha512", item, info, 76)
    key, nonce, commitment = okm[:32], int.from_bytes(okm[32:44], "big"), okm[44:]
    message = pad(plaintext) if padded else plaintext
    out, i = header + salt + commitment, 0
    while True:
        chunk = message[i * 16384 : (i + 1) * 16384]
        out += cipher(key).encrypt((nonce ^ i).to_bytes(12, "big"), chunk, b"")
        i += 1
        if len(chunk) < 16384:
            return out, context_hash


def sign(case, envelope, context_hash):
    tenant, chain = bytes.fromhex(case["tenant_id"]), bytes.fromhex(case["chain_id"])
    seed = hashlib.sha256(b"seed").digest()
    author = b"\x0a" * 32 + b"\x0b" * 32 + struct.pack(">Q", 7) + b"\x0c" * 32
    claimed = struct.pack(">Q", 1700000000000)
    content = struct.pack(">H", 1) + tenant + chain + author + claimed
    content += hashlib.sha512(envelope).digest() + context_hash
    private = Ed25519PrivateKey.from_private_bytes(seed)
    signature = private.sign(vector(b"plico/v1/envelope") + vector(content))
    public = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return public, b"PLS1" + author + claimed + b"\x01" + vector(signature)


def plaintext(length):
    return bytes((i * 7 + i // 256) % 256 for i in range(length))


def main():
    cases = []
    contexts = [None, fields({"table": "notes", "row": 42}), b"\x00raw bytes",
                fields({"z": True, "a": b"\x00\xff", "ä": -1})]
    for suite in (1, 2):
        for n, (length, padded) in enumerate(
            [(0, True), (5, True), (24, True), (25, True), (300, True), (16376, True), (20000, True),
             (0, False), (5, False), (16383, False), (16384, False), (40000, False)]):
            tag = f"{suite}/{n}".encode()
            case = {
                "suite": suite,
                "padded": padded,
                "payload_key": hashlib.sha256(b"payload" + tag).hexdigest(),
                "tenant_id": hashlib.sha256(b"tenant" + tag).hexdigest(),
                "chain_id": hashlib.sha256(b"chain" + tag).hexdigest(),
                "epoch": n * 0x01020304,
                "salt": hashlib.sha256(b"salt" + tag).digest()[:24].hex(),
                "plaintext_len": length,
            }
            context = contexts[n % len(contexts)]
            envelope, context_hash = seal(case, plaintext(length), context)
            case["context"] = None if context is None else context.hex()
            case["envelope_len"] = len(envelope)
            case["envelope_sha512"] = hashlib.sha512(envelope).hexdigest()
            if len(envelope) < 1000:
                text = base64.urlsafe_b64encode(envelope).decode().rstrip("=")
                case["envelope_text"] = "plc1." + text
            public, signature = sign(case, envelope, context_hash)
            case["signer"] = public.hex()
            case["signature"] = signature.hex()
            cases.append(case)
    with open("envelopes.json", "w", encoding="ascii") as out:
        json.dump(cases, out, indent=1)
        out.write("\n")


if __name__ == "__main__":
    main()
