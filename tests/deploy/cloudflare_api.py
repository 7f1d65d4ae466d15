"""Cloudflare's API, as far as wrangler 4.164 asks it for cct, recorded from that wrangler's requests on 2026-11-23.

What it is sent is checked: a request that Cloudflare would not take is refused and kept in `faults`.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import re
import socket
import struct
import threading
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from cct_cloudflare.sandbox.toolchain import LocalRuntime
from tests.deploy.site import Site, Worker

TOKEN = "cloudflare-api-token-CANARY-77aa"
ACCOUNT = "0123456789abcdef0123456789abcdef"
OTHER_ACCOUNT = "fedcba9876543210fedcba9876543210"

#: What the first Worker of an account is refused with where the plan lacks Dynamic Workers.
PLAN_REFUSAL = (403, 10195, "In order to use Dynamic Workers, you must switch to a paid plan.")


@dataclass(frozen=True)
class Asked:
    """A request, without its body."""

    method: str
    path: str


@dataclass(frozen=True)
class Refusal:
    """How an endpoint fails: `answer` is a status, Cloudflare's number and a text, or None: the connection is cut."""

    method: str
    path: str
    answer: tuple[int, int, str] | None


class CloudflareApi:
    """The API at `url`, for one account unless a test says otherwise."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.accounts: list[tuple[str, str]] = [(ACCOUNT, "Example")]
        self.workers: dict[str, Worker] = {}
        self.subdomain: str | None = "example"
        self.refusals: list[Refusal] = []
        self.asked: list[Asked] = []
        self.faults: list[str] = []
        #: Called with each request before it is answered: a test may wait there.
        self.before: Callable[[Asked], None] = lambda _: None
        #: What a tail tells, and whether it was taken back.
        self.log: list[dict[str, Any]] = []
        self.tails: set[str] = set()
        handler = type("Handler", (_Handler,), {"api": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/client/v4"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def environment(self) -> dict[str, str]:
        """With which wrangler takes this for Cloudflare."""
        return {"CLOUDFLARE_API_BASE_URL": self.url, "CLOUDFLARE_API_TOKEN": TOKEN}

    def refuse(self, method: str, path: str, answer: tuple[int, int, str] | None) -> None:
        """From now on; `path` is a regular expression that the whole path below the account must match."""
        self.refusals.append(Refusal(method, path, answer))

    def calls(self, method: str, path: str) -> int:
        return sum(asked.method == method and re.search(path, asked.path) is not None for asked in self.asked)

    def answer(self, asked: Asked, headers: Any, body: bytes) -> Any:
        """The result of a request that is allowed. Raises _ApiError."""
        if asked.path == "/user/tokens/verify":
            return {"id": "token", "status": "active"}
        if asked.path == "/user":
            return {"id": "user", "email": "somebody@example.com"}
        accounts = [{"id": number, "name": name} for number, name in self.accounts]
        if asked.path == "/accounts":
            return accounts
        if asked.path == "/memberships":
            return [{"id": account["id"], "account": account, "roles": []} for account in accounts]
        found = re.fullmatch(r"/accounts/([0-9a-f]{32})(/.*)", asked.path)
        if found is None or found[1] not in [number for number, _ in self.accounts]:
            raise _ApiError(404, 7003, f"Could not route to {asked.path}")
        return self._of_account(asked.method, found[2], headers, body)

    def _of_account(self, method: str, path: str, headers: Any, body: bytes) -> Any:
        if (method, path) == ("GET", "/workers/subdomain"):
            if self.subdomain is None:
                raise _ApiError(404, 10007, "workers.api.error.subdomain_not_found")
            return {"subdomain": self.subdomain}
        if (method, path) == ("POST", "/workers/assets/upload"):
            return {"jwt": "assets-are-complete"}
        if path.startswith(("/storage/kv/namespaces", "/workers/durable_objects/namespaces", "/workers/tails/")):
            return []
        found = re.fullmatch(r"/workers/(services|scripts|workers)/([a-z0-9-]+)(/[a-z-]+)?(/.+)?", path)
        if found is None:
            raise _ApiError(404, 7003, f"Could not route to {path}")
        kind, name, part, rest = found.groups()
        return self._of_worker(method, kind, name, part or "", rest or "", headers, body)

    def _of_worker(self, method: str, kind: str, name: str, part: str, rest: str, headers: Any, body: bytes) -> Any:
        if (method, kind, part) == ("PUT", "scripts", ""):
            return self._upload(self.workers.setdefault(name, Worker()), headers, body, activate=True)
        if (method, part) == ("POST", "/assets-upload-session"):
            manifest = self._json(body)["manifest"]
            self.expect("/python/pyodide.asm.wasm" in manifest, "the assets have no Python runtime")
            # The others are known already: Cloudflare asks for what it does not have, and 30 MB take their time.
            return {"jwt": "assets", "buckets": [[manifest["/python/manifest.json"]["hash"]]]}
        worker = self.workers.get(name)
        if worker is None:
            raise _ApiError(404, 10090 if kind == "services" else 10007, "workers.api.error.not_found")
        if kind == "services" and method == "DELETE":
            del self.workers[name]
            self.site.deploy(None)
            return None
        if kind == "services":
            script = {"id": name, "tag": "tag", "tags": [], "last_deployed_from": "wrangler", "migration_tag": "v1"}
            return {"default_environment": {"environment": "production", "script": script}}
        if kind == "workers":
            return {"id": name, "subdomain": {"enabled": True, "previews_enabled": False}}
        if (method, part) == ("GET", "/secrets"):
            return [{"name": secret, "type": "secret_text"} for secret in worker.secrets]
        if (method, part) == ("PATCH", "/secrets-bulk"):
            return self._change_secrets(worker, headers, body)
        if (method, part) == ("POST", "/versions"):
            return self._upload(worker, headers, body, activate=False)
        if (method, part) == ("POST", "/deployments"):
            wanted = self._json(body)["versions"]
            self.expect(wanted == [{"version_id": worker.versions[-1], "percentage": 100}], f"deployed {wanted}")
            self.site.deploy(worker)
            return {"id": str(uuid.uuid4())}
        if part == "/tails":
            return self._tail(method, rest)
        known = {
            "/deployments": {"deployments": []},
            "/settings": {"bindings": []},
            "/script-settings": {},
            "/subdomain": {"enabled": True, "previews_enabled": False},
            "/references": {"services": {"incoming": [], "outgoing": []}},
        }
        if part not in known:
            raise _ApiError(404, 7003, f"Could not route to {kind} {name}{part}")
        return known[part]

    def _upload(self, worker: Worker, headers: Any, body: bytes, *, activate: bool) -> Any:
        parts = _multipart(headers, body)
        metadata = self._json(parts["metadata"])
        self.expect(metadata["main_module"] in parts, "the main module is missing")
        self.expect(metadata["compatibility_date"] >= "2026", "an old compatibility date")
        self.expect("secret_text" in metadata["keep_bindings"], "the Worker's secrets would be lost")
        self.expect(metadata.get("assets", {}).get("jwt") == "assets-are-complete", "the assets are missing")
        for name in ("CCT_TOKEN", "ANTHROPIC_API_KEY"):
            self.expect(not any(name == binding["name"] for binding in metadata["bindings"]), f"{name} is no secret")
        worker.bindings = {binding["name"]: binding["type"] for binding in metadata["bindings"]}
        worker.variables = {
            binding["name"]: binding["text"] for binding in metadata["bindings"] if binding["type"] == "plain_text"
        }
        worker.versions.append(str(uuid.uuid4()))
        if activate:
            self.site.deploy(worker)
        version = worker.versions[-1]
        return {
            "id": version,
            "deployment_id": version.replace("-", ""),
            "startup_time_ms": 12,
            "etag": "etag",
            "tag": "tag",
            "resources": {"script": {"etag": "etag"}},
        }

    def _change_secrets(self, worker: Worker, headers: Any, body: bytes) -> Any:
        self.expect(headers["Content-Type"] == "application/merge-patch+json", "not a merge patch")
        for name, secret in self._json(body)["secrets"].items():
            if secret is None:
                worker.secrets.pop(name, None)
                continue
            self.expect(secret["type"] == "secret_text" and secret["name"] == name, f"{name} is no secret")
            worker.secrets[name] = secret["text"]
        self.site.deploy(worker)
        return [{"name": name, "type": "secret_text"} for name in worker.secrets]

    def _tail(self, method: str, rest: str) -> Any:
        if method == "DELETE":
            self.tails.discard(rest.removeprefix("/"))
            return None
        number = uuid.uuid4().hex
        self.tails.add(number)
        url = self.url.replace("http:", "ws:").removesuffix("/client/v4")
        return {"id": number, "url": f"{url}/tail/{number}", "expires_at": "2030-01-01T00:00:00Z"}

    def expect(self, holds: bool, fault: str) -> None:
        if not holds:
            self.faults.append(fault)
            raise _ApiError(400, 10001, fault)

    @staticmethod
    def _json(body: bytes) -> Any:
        return json.loads(body)


class _ApiError(Exception):
    def __init__(self, status: int, number: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.body = {
            "success": False,
            "errors": [{"code": number, "message": text}],
            "messages": [],
            "result": None,
        }


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    api: CloudflareApi

    def _serve(self) -> None:
        body = self._body()
        path = urlsplit(self.path).path
        if path.startswith("/tail/"):
            self._serve_tail()
            return
        asked = Asked(self.command, path.removeprefix("/client/v4"))
        self.api.asked.append(asked)
        self.api.before(asked)
        try:
            self._refuse(asked)
            result = self.api.answer(asked, self.headers, body)
        except ConnectionAbortedError:
            self.close_connection = True
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            return
        except _ApiError as error:
            self._send(error.status, error.body)
            return
        page = {"page": 1, "per_page": 100, "count": 1, "total_count": 1, "total_pages": 1}
        self._send(200, {"success": True, "errors": [], "messages": [], "result": result, "result_info": page})

    def _refuse(self, asked: Asked) -> None:
        # Assets are uploaded with the token of their own session.
        given = self.headers.get("Authorization")
        if given not in (f"Bearer {TOKEN}", "Bearer assets"):
            raise _ApiError(403, 1000 if asked.path.endswith("/verify") else 9109, "Invalid access token")
        below = re.sub(r"^/accounts/[0-9a-f]{32}(?=/)", "", asked.path)
        for refusal in self.api.refusals:
            if refusal.method == asked.method and re.fullmatch(refusal.path, below):
                if refusal.answer is None:
                    raise ConnectionAbortedError
                raise _ApiError(*refusal.answer)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        chunks = []
        while size := int(self.rfile.readline(), 16):
            chunks.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(chunks)

    def _send(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        with contextlib.suppress(OSError):
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

    def _serve_tail(self) -> None:
        """A WebSocket that tells what is in the log, and then waits for the client to go."""
        accepted = hashlib.sha1((self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode())
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(accepted.digest()).decode())
        self.send_header("Sec-WebSocket-Protocol", self.headers["Sec-WebSocket-Protocol"])
        self.end_headers()
        self.close_connection = True
        for entry in self.api.log:
            data = json.dumps(entry).encode()
            self.wfile.write(b"\x81\x7e" + struct.pack(">H", len(data)) + data)
        with contextlib.suppress(OSError):
            while self.connection.recv(65536):
                pass

    do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = _serve  # noqa: N815 - named by http.server

    def log_message(self, *_: object) -> None:
        pass


def _multipart(headers: Any, body: bytes) -> dict[str, bytes]:
    boundary = re.search(r"boundary=([^;]+)", headers["Content-Type"])
    assert boundary is not None
    found = {}
    for part in body.split(b"--" + boundary[1].encode())[1:-1]:
        head, _, content = part.partition(b"\r\n\r\n")
        name = re.search(rb'name="([^"]*)"', head)
        assert name is not None
        found[name[1].decode()] = content.removesuffix(b"\r\n")
    return found


@contextlib.contextmanager
def cloudflare(runtime: LocalRuntime, **more: str) -> Iterator[CloudflareApi]:
    """The API and the site. `more` is what the deployed Worker's process is given beside what was deployed."""
    site = Site(runtime, more)
    api = CloudflareApi(site)
    try:
        yield api
    finally:
        api.close()
        site.close()
    assert api.faults == []
