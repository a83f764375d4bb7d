"""Schemathesis signs every request that it sends, as it is about to leave:
whatever was generated, the digest and the signature are right, so that the
handlers behind the signature check are what is tested."""

import os

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
