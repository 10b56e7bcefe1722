"""Over `amqps`, a broker that cannot prove its name gets no password."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from shared.edge import topology_seen


def certificate(folder: Path, name: str) -> Path:
    """A certificate for `name`, signed by itself, and its key, in one file."""
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(hours=1))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    file = folder / f"{name}.pem"
    file.write_bytes(
        builder.sign(key, hashes.SHA256()).public_bytes(pem)
        + key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    )
    return file


@pytest.fixture
def broker_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable]:
    """Starts a TLS server with a certificate for a name; answers its port and what it will have been sent."""
    listeners = []

    def start(name: str, trusted: bool) -> tuple[int, list[bytes]]:
        file, received = certificate(tmp_path, name), []
        if trusted:
            monkeypatch.setenv("SSL_CERT_FILE", str(file))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def serve() -> None:
            with suppress(OSError):
                plain, _ = listener.accept()
                with context.wrap_socket(plain, server_side=True) as connection:
                    received.append(connection.recv(8))

        threading.Thread(target=serve, daemon=True).start()
        return listener.getsockname()[1], received

    yield start
    for listener in listeners:
        listener.close()


@pytest.mark.capability("T16")
@pytest.mark.parametrize(("name", "trusted"), [("localhost", False), ("other.example", True)])
def test_a_broker_of_an_unknown_authority_or_another_name_is_refused(
    broker_called: Callable, name: str, trusted: bool
) -> None:
    port, received = broker_called(name, trusted)
    with pytest.raises(ssl.SSLCertVerificationError):
        topology_seen.connector(f"amqps://order:secret@localhost:{port}/%2F")()
    assert received == []


@pytest.mark.capability("T16")
def test_a_broker_that_proves_its_name_is_spoken_to(broker_called: Callable) -> None:
    port, received = broker_called("localhost", True)
    with pytest.raises(OSError):  # the server says nothing back: it speaks no AMQP
        topology_seen.connector(f"amqps://order:secret@localhost:{port}/%2F", seconds=2)()
    assert received == [b"AMQP\x00\x00\x09\x01"]
