"""The chunked layer against C2SP's vectors by Wycheproof, and the envelope
around it against envelopes sealed here, whole and damaged."""

import hashlib
import os
import unittest
import zlib

import envelope
import kdf
import tls
import vectors

WYCHEPROOF = "wycheproof_c2sp_chunked_encryption_aes_256_gcm_test.json"
TENANT, CHAIN, KEY = b"t" * 32, bytes(range(32)), b"k" * 32


def seal_chunked(suite, key, salt, context, plain):
    chunk_key, base, commitment = envelope.chunk_keys(suite, key, salt, context)
    out = [salt, commitment]
    for number in range(len(plain) // envelope.CHUNK + 1):
        nonce = (int.from_bytes(base, "big") ^ number).to_bytes(12, "big")
        chunk = plain[number * envelope.CHUNK : (number + 1) * envelope.CHUNK]
        out.append(suite.cipher(chunk_key).encrypt(nonce, chunk, None))
    return b"".join(out)


def pad(data):
    framed = len(data).to_bytes(8, "big") + data
    return framed.ljust(envelope.padded_length(len(data)), b"\0")


def seal(plain, suite=1, padded=False, app_context=None):
    flags = (envelope.PADDED if padded else 0) | (envelope.APP_CONTEXT if app_context is not None else 0)
    header = b"PLC1" + bytes([suite, flags]) + CHAIN[:16] + (7).to_bytes(4, "big")
    salt = os.urandom(envelope.SALT)
    context = envelope.payload_context(TENANT, CHAIN, header, app_context)
    plain = pad(plain) if padded else plain
    return header + seal_chunked(envelope.SUITES[suite], envelope.item_key(KEY, salt), salt, context, plain)


def open_it(sealed, app_context=None):
    return envelope.open_envelope(sealed, KEY, TENANT, CHAIN, app_context)


class Chunked(unittest.TestCase):
    def test_wycheproof(self):
        suite, count = envelope.SUITES[2], 0
        for group, test in vectors.tests_of(WYCHEPROOF):
            self.assertEqual(group["aead"], suite.name)
            key, context = bytes.fromhex(test["key"]), bytes.fromhex(test["ctx"])
            message = zlib.decompress(bytes.fromhex(test["ct"]))
            with self.subTest(test["tcId"], comment=test["comment"]):
                if "aeadKey" in test:
                    keys = envelope.chunk_keys(suite, key, message[:24], context)
                    self.assertEqual(keys[0].hex(), test["aeadKey"])
                    self.assertEqual(keys[1].hex(), test["baseNonce"])
                if test["result"] == "valid":
                    plain = envelope.open_chunked(suite, key, context, message)
                    self.assertEqual(len(plain), test["msgLength"])
                    self.assertEqual(hashlib.sha512(plain).hexdigest(), test["msgSha512"])
                else:
                    with self.assertRaises(envelope.Refused):
                        envelope.open_chunked(suite, key, context, message)
            count += 1
        self.assertEqual(count, 35)


class Envelope(unittest.TestCase):
    def test_round_trips(self):
        for suite in envelope.SUITES:
            for length in (0, 1, 23, 24, 25, 16383, 16384, 16385, 40000):
                for padded in (False, True):
                    for context in (None, b"", b"notes/42"):
                        plain = os.urandom(length)
                        sealed = seal(plain, suite, padded, context)
                        self.assertEqual(open_it(sealed, context), plain)

    def test_any_changed_byte_is_refused(self):
        sealed = seal(b"a patient's note", padded=True)
        for at in range(len(sealed)):
            damaged = bytearray(sealed)
            damaged[at] ^= 1
            with self.subTest(at), self.assertRaises((envelope.Refused, tls.Malformed)):
                open_it(bytes(damaged))

    def test_any_cut_is_refused(self):
        sealed = seal(b"note", padded=True)
        for end in range(len(sealed)):
            with self.subTest(end), self.assertRaises((envelope.Refused, tls.Malformed)):
                open_it(sealed[:end])
        with self.assertRaises(envelope.Refused):
            open_it(sealed + b"\0")

    def test_the_app_context_is_needed(self):
        for given, wanted in ((b"a", None), (None, b"a"), (None, b""), (b"", None), (b"a", b"b")):
            with self.assertRaises(envelope.Refused):
                open_it(seal(b"x", app_context=given), wanted)

    def test_padding_that_is_not_zeros_or_too_long(self):
        header = b"PLC1" + bytes([1, envelope.PADDED]) + CHAIN[:16] + bytes(4)
        context = envelope.payload_context(TENANT, CHAIN, header, None)
        salt = bytes(24)
        for plain in (pad(b"x")[:-1] + b"\1", pad(b"x") + b"\0", b"\xff" * 32, b"\0" * 31, b"", bytes(7)):
            message = seal_chunked(envelope.SUITES[1], envelope.item_key(KEY, salt), salt, context, plain)
            with self.assertRaises((envelope.Refused, tls.Malformed)):
                open_it(header + message)

    def test_padded_lengths(self):
        for length, total in ((0, 32), (24, 32), (25, 36), (28, 36), (29, 40), (55, 64), (92, 104), (1000, 1024), (1017, 1088)):
            self.assertEqual(envelope.padded_length(length), total, length)


class Derivations(unittest.TestCase):
    def test_label_and_info(self):
        self.assertEqual(kdf.label("item"), b"\x0dplico/v1/item")
        long = bytes(70)
        self.assertEqual(kdf.ref_hash("x", long), hashlib.sha256(b"\x0aplico/v1/x\x40\x46" + long).digest())

    def test_another_label_context_or_length_gives_another_key(self):
        keys = {
            kdf.expand_with_label(KEY, *rest)[:16]
            for rest in (("a", b"", 32), ("b", b"", 32), ("a", b"c", 32), ("a", b"", 33))
        }
        self.assertEqual(len(keys), 4)
