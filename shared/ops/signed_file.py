"""A ZIP that proves what is in it: a manifest with a hash chain over its files, signed with Ed25519 (N12)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import zipfile
from typing import Any

import orjson

MANIFEST, SIGNATURE = "manifest.json", "signature.json"
EPOCH = (1980, 1, 1, 0, 0, 0)  # the same content gives the same bytes
MOST_FILES, MOST_BYTES = 1000, 256 * 1024 * 1024
START = "0" * 64


class NotGenuine(Exception):
    """The file is not what was signed, or not a signed file at all; the text says what is wrong."""


def pack(files: dict[str, bytes], facts: dict[str, Any], seed: bytes) -> bytes:
    """The ZIP. facts: what the manifest says of the whole. seed: the 32 bytes of the Ed25519 key."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    listed, chain = [], START
    for name, content in files.items():
        digest = hashlib.sha256(content).hexdigest()
        chain = _chained(chain, name, digest)
        listed.append({"name": name, "bytes": len(content), "sha256": digest, "chain": chain})
    manifest = orjson.dumps({**facts, "files": listed, "head": chain}, option=orjson.OPT_INDENT_2)
    key = Ed25519PrivateKey.from_private_bytes(seed)
    signature = {
        "algorithm": "Ed25519",
        "signs": MANIFEST,
        "public_key": base64.b64encode(key.public_key().public_bytes_raw()).decode(),
        "signature": base64.b64encode(key.sign(manifest)).decode(),
    }
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {**files, MANIFEST: manifest, SIGNATURE: orjson.dumps(signature)}.items():
            archive.writestr(zipfile.ZipInfo(name, EPOCH), content, zipfile.ZIP_DEFLATED)
    return written.getvalue()


def verify(content: bytes, public_key: str | None = None) -> dict[str, Any]:
    """The manifest, with the signer's public key (base64) as `public_key`.

    public_key: whose signature it must be; without it the file only proves that nobody changed it since it was signed.
    Raises NotGenuine.
    """
    found = _read(content)
    try:
        signature, manifest = orjson.loads(found.pop(SIGNATURE)), found.pop(MANIFEST)
        signer = signature["public_key"]
        _check_signature(signer, signature["signature"], manifest)
        said = orjson.loads(manifest)
    except (KeyError, TypeError, ValueError) as wrong:
        raise NotGenuine(f"there is no readable manifest with its signature: {type(wrong).__name__}") from None
    if public_key is not None and signer != public_key:
        raise NotGenuine(f"it was signed with another key: {signer}")
    chain = START
    for each in said["files"]:
        if each["name"] not in found:
            raise NotGenuine(f"{each['name']} is missing")
        digest = hashlib.sha256(found.pop(each["name"])).hexdigest()
        chain = _chained(chain, each["name"], digest)
        if (digest, chain) != (each["sha256"], each["chain"]):
            raise NotGenuine(f"{each['name']} was changed")
    if found:
        raise NotGenuine(f"{', '.join(sorted(found))} was added")
    if chain != said["head"]:
        raise NotGenuine("files were left out")
    return {**said, "public_key": signer}


def _chained(before: str, name: str, digest: str) -> str:
    return hashlib.sha256(f"{before}\n{name}\n{digest}".encode()).hexdigest()


def _read(content: bytes) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            listed = archive.infolist()
            if len(listed) > MOST_FILES or sum(each.file_size for each in listed) > MOST_BYTES:
                raise NotGenuine("it is larger than any case file")
            if len({each.filename for each in listed}) != len(listed):
                raise NotGenuine("a name is in it twice")
            return {each.filename: archive.read(each) for each in listed}
    except (zipfile.BadZipFile, zipfile.LargeZipFile, OSError, EOFError, RuntimeError, NotImplementedError) as wrong:
        raise NotGenuine(f"it is no readable ZIP: {type(wrong).__name__}") from None


def _check_signature(public_key: str, signature: str, manifest: bytes) -> None:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key, validate=True))
        key.verify(base64.b64decode(signature, validate=True), manifest)
    except (InvalidSignature, binascii.Error):
        raise NotGenuine("the signature is not that of this manifest") from None
