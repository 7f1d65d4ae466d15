"""Inside the sandbox there is no network: a listener on this machine's loopback sees nothing of any attempt."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from tests.runtime import Sandbox


@dataclass
class Canary:
    """Counts whoever reaches it, by TCP or UDP."""

    tcp: int
    udp: int
    seen: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def canary() -> Iterator[Canary]:
    listener = socket.create_server(("127.0.0.1", 0))
    datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    datagrams.bind(("127.0.0.1", 0))
    found = Canary(listener.getsockname()[1], datagrams.getsockname()[1])

    def accept() -> None:
        while True:
            connection, _ = listener.accept()
            with connection:
                if connection.recv(4) == b"stop":
                    return
                found.seen.append("tcp")
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nREACHED")

    def receive() -> None:
        while datagrams.recv(4) != b"stop":
            found.seen.append("udp")

    threads = [threading.Thread(target=accept), threading.Thread(target=receive)]
    for thread in threads:
        thread.start()
    try:
        yield found
    finally:
        with socket.create_connection(("127.0.0.1", found.tcp)) as last:
            last.sendall(b"stop")
        datagrams.sendto(b"stop", ("127.0.0.1", found.udp))
        for thread in threads:
            thread.join()
        listener.close()
        datagrams.close()


def test_the_canary_itself_works(canary: Canary) -> None:
    """Otherwise the tests below could not fail."""
    with socket.create_connection(("127.0.0.1", canary.tcp)) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 200")
    assert canary.seen == ["tcp"]
    canary.seen.clear()


ATTEMPTS_JAVASCRIPT = """\
const reached = [];
const tries = [];
const attempt = (name, how) => tries.push((async () => {
  try { const answer = await how(); if (answer !== undefined) reached.push(name + ' ' + answer); } catch {}
})());
const settled = (emitter, good) => new Promise((resolve, reject) => {
  emitter.on(good, () => resolve('connected')); emitter.on('error', reject); emitter.on('close', () => reject());
});
const port = PORT, udp = UDP;
const hosts = ['127.0.0.1', 'localhost', '[::1]', '0.0.0.0', '[::ffff:127.0.0.1]', '2130706433', '127.1'];
for (const host of hosts) {
  attempt('fetch ' + host, async () => (await fetch(`http://${host}:${port}/`)).text());
  attempt('connect ' + host, async () => {
    const { connect } = await import('cloudflare:sockets');
    const tcp = connect({ hostname: host, port });
    await tcp.writable.getWriter().write(new Uint8Array([1]));
    return 'wrote ' + (await tcp.opened);
  });
  attempt('net ' + host, () => settled(require('node:net').connect(port, host), 'connect'));
  attempt('http ' + host, () => new Promise((resolve, reject) =>
    require('node:http').get(`http://${host}:${port}/`, resolve).on('error', reject)));
  attempt('ws ' + host, () => new Promise((resolve, reject) => {
    const ws = new WebSocket(`ws://${host}:${port}/`); ws.addEventListener('open', resolve);
    ws.addEventListener('error', reject); ws.addEventListener('close', reject);
  }));
  attempt('es ' + host, () => new Promise((resolve, reject) => {
    const es = new EventSource(`http://${host}:${port}/`);
    es.onopen = resolve; es.onerror = () => { es.close(); reject(); };
  }));
}
attempt('fetch https', async () => (await fetch('https://example.com/')).status);
attempt('fetch metadata', async () => (await fetch('http://169.254.169.254/latest/meta-data/')).text());
attempt('tls', () => settled(require('node:tls').connect(443, 'example.com'), 'secureConnect'));
attempt('udp', () => {
  const s = require('node:dgram').createSocket('udp4');
  return new Promise((resolve, reject) => s.send('x', udp, '127.0.0.1', (e) => e ? reject(e) : resolve('sent')));
});
attempt('dns', async () => JSON.stringify(await require('node:dns').promises.lookup('example.com')));
attempt('resolve', async () => JSON.stringify(await require('node:dns').promises.resolve4('example.com')));
attempt('import', async () => import(`http://127.0.0.1:${port}/x.js`));
attempt('cache', async () => (await caches.default.match(`http://127.0.0.1:${port}/`))?.text());
const post = new Request(`http://127.0.0.1:${port}/`, { method: 'POST', body: 'x' });
attempt('request', async () => (await fetch(post)).text());
attempt('listen', () => new Promise((resolve, reject) => {
  require('node:net').createServer().listen(0, () => resolve('listening')).on('error', reject); }));
await Promise.race([Promise.all(tries), new Promise((r) => setTimeout(r, 1500))]);
console.log('reached: ' + reached.join('; '));
process.exit(0);
"""

ATTEMPTS_PYTHON = """\
import sys
reached = []
def attempt(name, how):
    try:
        answer = how()
    except BaseException:
        return
    reached.append(f"{name} {answer!r}")
port, udp = PORT, UDP
def tcp(host):
    import socket
    s = socket.create_connection((host, port), timeout=1)
    s.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
    return s.recv(100)
def datagram():
    import socket
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.sendto(b"x", ("127.0.0.1", udp))
    return s.recvfrom(10)
def url(address):
    import urllib.request
    return urllib.request.urlopen(address, timeout=1).read()
def streams():
    import asyncio
    async def go():
        reader, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", port), 1)
        writer.write(b"x")
        return await reader.read(10)
    return asyncio.run(go())
def javascript(code):
    from pyodide.code import run_js
    return run_js(code)
for host in ("127.0.0.1", "localhost", "::1", "0.0.0.0", "169.254.169.254", "example.com"):
    attempt("tcp " + host, lambda: tcp(host))
for address in (f"http://127.0.0.1:{port}/", "http://169.254.169.254/latest/meta-data/", "https://example.com/"):
    attempt("url " + address, lambda: url(address))
attempt("udp", datagram)
attempt("streams", streams)
attempt("http", lambda: (lambda c: (c.request("GET", "/"), c.getresponse().read()))(
    __import__("http.client").client.HTTPConnection("127.0.0.1", port, timeout=1)))
# Emscripten invents addresses of 172.29.0.0/16 for names that it does not resolve.
attempt("dns", lambda: [a for a in [__import__("socket").gethostbyname("example.com")] if a[:7] != "172.29."][0])
attempt("js", lambda: javascript(f"fetch('http://127.0.0.1:{port}/')"))
attempt("js module", lambda: __import__("js").fetch(f"http://127.0.0.1:{port}/"))
attempt("pyfetch", lambda: __import__("pyodide.http").http.pyfetch(f"http://127.0.0.1:{port}/").send(None))
attempt("open_url", lambda: __import__("pyodide.http").http.open_url(f"http://127.0.0.1:{port}/"))
def serve():
    import socket
    s = socket.create_server(("127.0.0.1", 0))
    s.settimeout(0.1)
    return s.accept()
attempt("listen", serve)
print("reached: " + "; ".join(reached))
"""


@pytest.mark.parametrize(("name", "source"), [("javascript", ATTEMPTS_JAVASCRIPT), ("python", ATTEMPTS_PYTHON)])
def test_no_way_out_leads_anywhere(sandbox: Sandbox, canary: Canary, name: str, source: str) -> None:
    filled = source.replace("PORT", str(canary.tcp)).replace("UDP", str(canary.udp))
    ran = getattr(sandbox, name)(filled, 60_000)
    assert ran.result.success, ran.result.error
    assert ran.result.output == "reached: \n"
    assert canary.seen == []


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("javascript", "await fetch('http://127.0.0.1:PORT/')"),
        ("javascript", "require('node:http').get('http://127.0.0.1:PORT/')"),
        ("python", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:PORT/')"),
    ],
)
def test_an_attempt_that_is_not_caught_says_why_it_failed(
    sandbox: Sandbox, canary: Canary, name: str, source: str
) -> None:
    ran = getattr(sandbox, name)(source.replace("PORT", str(canary.tcp)), 30_000)
    assert ran.result.error_code == "program_failed"
    assert "network" in (ran.result.error or "").lower(), ran.result.error
    assert canary.seen == []
