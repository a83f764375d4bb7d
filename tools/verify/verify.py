#!/usr/bin/env python3
"""A second implementation of Plico's formats, written from the specification,
checks the vectors that the first one has published.

First its own tests, then every `*.json` below `--testdata`. A file is one case
or a list of them: `kind` says what it is, `expect` is `ok` or `refused`, bytes
are hex. A kind that is unknown here, a case without a verdict, and a folder
without cases are failures, so that nothing goes unchecked unseen.
"""

import argparse
import json
import sys
import unittest
from pathlib import Path

import envelope
import kdf
import merkle
import sign
import tls

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


KINDS = {
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


def check_testdata(folder):
    """How many cases there are in `folder`, and how many fail."""
    count, failed = 0, 0
    for file in sorted(folder.rglob("*.json")):
        content = json.loads(file.read_text())
        for number, case in enumerate(content if isinstance(content, list) else [content]):
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
