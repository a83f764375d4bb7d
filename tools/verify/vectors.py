"""Where the published vectors are: `PLICO_VECTORS`, or `../shared/vectors`
from the project's root. A missing file is a failure with `CI` set, and a
skipped test without."""

import json
import os
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def load(name):
    folder = Path(os.environ.get("PLICO_VECTORS") or ROOT.parent / "shared" / "vectors")
    file = folder / name
    if not file.exists() and not os.environ.get("CI"):
        raise unittest.SkipTest(f"{file} is not there")
    return json.loads(file.read_text())


def tests_of(name):
    """Each (group, test) of a Wycheproof file."""
    for group in load(name)["testGroups"]:
        for test in group["tests"]:
            yield group, test
