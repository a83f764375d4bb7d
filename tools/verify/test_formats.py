"""The strict reader, labelled signatures and the Merkle tree."""

import hashlib
import unittest

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

import merkle
import sign
import tls
import vectors


class Reader(unittest.TestCase):
    def test_lengths(self):
        # RFC 9000 appendix A.1 has the same examples; 8-byte lengths are not allowed here.
        for length, prefix in ((37, "25"), (15293, "7bbd"), (494878333, "9d7f3e7d"), (63, "3f"), (64, "4040")):
            self.assertEqual(tls.vector_length(length).hex(), prefix)
        for length in (0, 63, 64, 16383, 16384):
            reader = tls.Reader(tls.vector(bytes(length)))
            self.assertEqual(reader.vector(), bytes(length))
            reader.end()

    def test_refusals(self):
        for bad in ("", "01", "4001ff", "40", "80000001ff", "8000", "c0" + "00" * 8, "bfffffff"):
            with self.subTest(bad), self.assertRaises(tls.Malformed):
                tls.Reader(bytes.fromhex(bad)).vector()
        with self.assertRaises(tls.Malformed):
            tls.Reader(b"\x03abc").vector(limit=2)
        with self.assertRaises(tls.Malformed):
            tls.Reader(b"\x02").optional(tls.Reader.u8)
        reader = tls.Reader(b"\0\1\2")
        self.assertEqual(reader.u16(), 1)
        with self.assertRaises(tls.Malformed):
            reader.end()

    def test_items(self):
        self.assertEqual(tls.Reader(b"\x04\0\1\0\2").items(tls.Reader.u16), [1, 2])
        with self.assertRaises(tls.Malformed):
            tls.Reader(b"\x03\0\1\0").items(tls.Reader.u16)


class Signatures(unittest.TestCase):
    def test_wycheproof(self):
        count = 0
        for group, test in vectors.tests_of("wycheproof_ed25519_test.json"):
            key = bytes.fromhex(group["publicKey"]["pk"])
            valid = sign.verify_raw(key, bytes.fromhex(test["msg"]), bytes.fromhex(test["sig"]))
            with self.subTest(test["tcId"], comment=test["comment"]):
                self.assertEqual(valid, test["result"] == "valid")
            count += 1
        self.assertGreater(count, 100)

    def test_speccheck(self):
        """Strict verification accepts number 3 only."""
        cases = vectors.load("ed25519_speccheck.json")
        accepted = [
            number
            for number, case in enumerate(cases)
            if sign.verify_raw(*(bytes.fromhex(case[part]) for part in ("pub_key", "message", "signature")))
        ]
        self.assertEqual(accepted, [3])

    def test_labels(self):
        key = Ed25519PrivateKey.from_private_bytes(bytes(32))
        public = key.public_key().public_bytes_raw()
        signature = key.sign(b"\x0eplico/v1/entry\x03abc")
        self.assertTrue(sign.verify(public, "entry", b"abc", signature))
        self.assertFalse(sign.verify(public, "head", b"abc", signature))
        self.assertFalse(sign.verify(public, "entry", b"abd", signature))
        self.assertFalse(sign.verify(public, "entry", b"abc", signature[:-1]))


class Merkle(unittest.TestCase):
    def test_known_roots(self):
        """The eight leaves of the Certificate Transparency test suite."""
        data = ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
        leaves = [merkle.leaf_hash(bytes.fromhex(leaf)) for leaf in data]
        self.assertEqual(merkle.root([]).hex(), hashlib.sha256(b"").hexdigest())
        self.assertEqual(merkle.root(leaves[:1]).hex(), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d")
        self.assertEqual(merkle.root(leaves[:3]).hex(), "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77")
        self.assertEqual(merkle.root(leaves).hex(), "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328")

    def test_proofs(self):
        for size in range(1, 18):
            leaves = [merkle.leaf_hash(bytes([at])) for at in range(size)]
            root = merkle.root(leaves)
            for at in range(size):
                proof = merkle.inclusion_proof(leaves, at)
                self.assertTrue(merkle.verify_inclusion(leaves[at], at, size, proof, root))
                for wrong in (
                    (leaves[at], at + 1, size, proof, root),
                    (leaves[at], at, size, [*proof, root], root),
                    (leaves[at], at, size, proof, leaves[at] if size > 1 else bytes(32)),
                    (bytes(32), at, size, proof, root),
                ):
                    self.assertFalse(merkle.verify_inclusion(*wrong))
                if proof:
                    self.assertFalse(merkle.verify_inclusion(leaves[at], at, size, proof[:-1], root))
