"""Schemathesis signs every request that it sends, as it is about to leave:
whatever was generated, the digest and the signature are right, so that the
handlers behind the signature check are what is tested."""

import base64
import json
import os
import re

import requests.auth
import schemathesis

import signing


class PlicoSignature(requests.auth.AuthBase):
    """`PLICO_REST_IDENTITY` names the JSON file with the key."""

    def __init__(self):
        self.key = signing.Key.load(os.environ["PLICO_REST_IDENTITY"])

    def __call__(self, request):
        body = request.body or b""
        if isinstance(body, str):
            body = request.body = body.encode()
        elif not isinstance(body, bytes):
            body = request.body = b"".join(body)
        content_type = request.headers.get("Content-Type", signing.CONTENT_TYPE)
        if isinstance(content_type, bytes):
            content_type = content_type.decode("latin-1")
        headers = signing.sign(request.method, request.url, body, self.key, content_type=content_type.strip())
        request.headers.update(headers)
        return request


schemathesis.auth.set_from_requests(PlicoSignature())


with open(os.environ["PLICO_REST_IDENTITY"], encoding="utf-8") as file:
    KNOWN = json.load(file)
ID = re.compile("^[A-Za-z0-9_-]{43}$")


def _b64(hex_bytes):
    return base64.urlsafe_b64encode(bytes.fromhex(hex_bytes)).rstrip(b"=").decode()


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    """A well-formed id that was made up names nothing: three of four become
    the ids of something that is there, so that handlers have work to do."""
    there = {"tenant": KNOWN.get("tenant"), "identity": _b64(KNOWN["identity"]), "session": KNOWN.get("session")}
    for name, value in list((path_parameters or {}).items()):
        if there.get(name) and isinstance(value, str) and (ID.match(value) and ord(value[0]) % 4):
            path_parameters[name] = there[name]
    return path_parameters
