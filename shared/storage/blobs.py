"""Where files lie: a folder, or S3. Keys are made by us from ids; a name that a person chose never becomes a path."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:\-]{0,63}(?:/[A-Za-z0-9][A-Za-z0-9_.:\-]{0,63}){0,3}")
CHUNK = 64 * 1024


class BlobTooLarge(Exception):
    """More came than was allowed; nothing was kept."""


class BlobMissing(Exception):
    """There is nothing under this key."""


class Blobs(Protocol):
    """The port."""

    def write(self, key: str, chunks: Iterable[bytes], most: int) -> tuple[int, str]:
        """Keep what comes, whole or not at all; its size and SHA-256. Raises BlobTooLarge."""
        ...

    def read(self, key: str) -> Iterator[bytes]:
        """The bytes in chunks. Raises BlobMissing at once, not at the first chunk."""
        ...

    def delete(self, key: str) -> None:
        """Gone, also if it was not there."""
        ...


def blobs_at(place: str, default: Path, endpoint: str = "") -> Blobs:
    """`s3://bucket/prefix`, a folder, or the default folder when `place` is empty."""
    if place.startswith("s3://"):
        url = urlsplit(place)
        return S3Blobs(url.netloc, url.path.strip("/"), endpoint)
    return FolderBlobs(Path(place) if place else default)


def counted(chunks: Iterable[bytes], most: int, digest: Any) -> Iterator[bytes]:
    """The chunks as they pass, fed into `digest`. Raises BlobTooLarge as soon as there are more than `most` bytes."""
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > most:
            raise BlobTooLarge()
        digest.update(chunk)
        yield chunk


class FolderBlobs:
    """Files in a folder. A half-written one never has its name: it is moved there when it is whole."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(self, key: str, chunks: Iterable[bytes], most: int) -> tuple[int, str]:
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256()
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
        try:
            with os.fdopen(handle, "wb") as file:
                for chunk in counted(chunks, most, digest):
                    file.write(chunk)
                size = file.tell()
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise
        return size, digest.hexdigest()

    def read(self, key: str) -> Iterator[bytes]:
        try:
            file = self._path(key).open("rb")
        except FileNotFoundError:
            raise BlobMissing(key) from None
        return _chunks(file)

    def delete(self, key: str) -> None:
        self._path(key).unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        if not KEY.fullmatch(key):
            raise ValueError("not a key")
        return self.folder / key


class S3Blobs:
    """Objects in a bucket; credentials come from where boto3 looks for them."""

    def __init__(self, bucket: str, prefix: str = "", endpoint: str = "") -> None:
        self.bucket, self.prefix = bucket, prefix + "/" if prefix else ""
        self._endpoint = endpoint or None
        self._made: Any = None

    def write(self, key: str, chunks: Iterable[bytes], most: int) -> tuple[int, str]:
        digest = hashlib.sha256()
        with tempfile.TemporaryFile() as file:
            for chunk in counted(chunks, most, digest):
                file.write(chunk)
            size = file.tell()
            file.seek(0)
            self._client.put_object(Bucket=self.bucket, Key=self._key(key), Body=file)
        return size, digest.hexdigest()

    def read(self, key: str) -> Iterator[bytes]:
        from botocore.exceptions import ClientError

        try:
            found = self._client.get_object(Bucket=self.bucket, Key=self._key(key))
        except ClientError as failed:
            if failed.response["Error"]["Code"] in ("NoSuchKey", "404"):
                raise BlobMissing(key) from None
            raise
        return found["Body"].iter_chunks(CHUNK)

    def delete(self, key: str) -> None:
        self._client.delete_object(Bucket=self.bucket, Key=self._key(key))

    def _key(self, key: str) -> str:
        if not KEY.fullmatch(key):
            raise ValueError("not a key")
        return self.prefix + key

    @property
    def _client(self) -> Any:
        """Made when it is first used: boto3 costs 28 MB, which only those pay who keep their files in S3."""
        if self._made is None:
            import boto3

            self._made = boto3.client("s3", endpoint_url=self._endpoint)
        return self._made


def _chunks(file: Any) -> Iterator[bytes]:
    with file:
        while chunk := file.read(CHUNK):
            yield chunk
