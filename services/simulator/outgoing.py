"""One outgoing HTTP POST on asyncio, enough to deliver a webhook."""

import asyncio
import ssl
from urllib.parse import urlsplit

TIMEOUT = 10  # seconds for one attempt; Stripe gives an endpoint about as long


async def post(url: str, headers: dict[str, str], body: bytes) -> int:
    """Post `body` and return the status; OSError, TimeoutError or ValueError when there is no answer."""
    async with asyncio.timeout(TIMEOUT):
        return await _post(url, headers, body)


async def _post(url: str, headers: dict[str, str], body: bytes) -> int:
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    port = parts.port or (443 if secure else 80)
    reader, writer = await asyncio.open_connection(
        parts.hostname, port, ssl=ssl.create_default_context() if secure else None)
    try:
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        lines = [f"POST {target} HTTP/1.1", f"Host: {parts.netloc}", "Connection: close",
                 f"Content-Length: {len(body)}", *(f"{name}: {value}" for name, value in headers.items())]
        writer.write("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body)
        await writer.drain()
        status_line = await reader.readline()
        return int(status_line.split(b" ", 2)[1])
    except IndexError:
        raise ConnectionResetError("The endpoint hung up without an answer.") from None
    finally:
        writer.close()
