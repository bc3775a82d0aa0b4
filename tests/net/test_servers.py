"""Servers and their clients as they are installed, unchanged, in one run: they find each other on pyuk's loopback."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.native import run_pyuk

PACKAGES = {
    "curl": "curl", "redis-server": "redis-server", "redis-cli": "redis-tools", "nginx": "nginx-light", "wrk": "wrk",
    "socat": "socat", "ssh-keygen": "openssh-client", "node": "nodejs",
}  # fmt: skip

WAIT = 'try() { for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do "$@" && return; sleep 0.2; done; }\n'


def run(script: str, directory: Path, *programs: str) -> str:
    """Run a shell script in pyuk; give what it wrote."""
    for program in programs:
        if shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin") is None:
            pytest.skip(f"{program} is not installed (Debian package {PACKAGES[program]})")
    (directory / "script.sh").write_text("PATH=/usr/sbin:/usr/bin:/sbin:/bin\n" + WAIT + script)
    outcome = run_pyuk("/bin/bash", ("script.sh",), cwd=directory)
    assert outcome.status == 0, outcome
    return outcome.stdout.decode()


def test_http_server_and_curl(tmp_path: Path) -> None:
    """python3 -m http.server, and curl by address and by name."""
    (tmp_path / "page.txt").write_text("a page\n")
    script = """
/usr/bin/python3 -m http.server --bind 127.0.0.1 8123 >server.log 2>&1 &
try curl -sf -o first http://127.0.0.1:8123/page.txt
curl -sf http://localhost:8123/page.txt
curl -s -o /dev/null -w '%{http_code}\\n' http://127.0.0.1:8123/none
kill $!; wait $!; true
"""
    if not Path("/usr/bin/python3").exists():
        pytest.skip("python3 is not installed (Debian package python3)")
    assert run(script, tmp_path, "curl") == "a page\n404\n"


def test_redis(tmp_path: Path) -> None:
    """redis-server with redis-cli, and its own benchmark."""
    script = """
redis-server --port 6390 --bind 127.0.0.1 --save "" --loglevel warning >server.log 2>&1 &
try redis-cli -p 6390 ping >/dev/null 2>&1
redis-cli -p 6390 set a 41; redis-cli -p 6390 incr a
redis-benchmark -p 6390 -n 300 -q -t get >/dev/null && echo measured
redis-cli -p 6390 shutdown nosave; wait
"""
    assert run(script, tmp_path, "redis-server", "redis-cli") == "OK\n42\nmeasured\n"


def test_nginx_and_wrk(tmp_path: Path) -> None:
    """nginx with its master and a worker, curl, and a bounded wrk."""
    (tmp_path / "www").mkdir()
    (tmp_path / "www" / "page.txt").write_text("from nginx\n")
    (tmp_path / "logs").mkdir()
    (tmp_path / "nginx.conf").write_text("""
daemon off; pid nginx.pid; error_log logs/error.log; worker_processes 1; events { worker_connections 64; }
http { access_log off; client_body_temp_path t1; proxy_temp_path t2; fastcgi_temp_path t3; uwsgi_temp_path t4;
       scgi_temp_path t5; server { listen 127.0.0.1:8090; root www; } }
""")
    tmp_path.chmod(0o755)
    script = f"""
nginx -p {tmp_path}/ -c {tmp_path}/nginx.conf -e logs/error.log &
try curl -sf -o first http://127.0.0.1:8090/page.txt
cat first
wrk -t1 -c4 -d1s http://127.0.0.1:8090/page.txt | grep -c 'Requests/sec'
kill $!; wait $!; true
"""
    assert run(script, tmp_path, "nginx", "curl", "wrk") == "from nginx\n1\n"


def test_socat_pairs(tmp_path: Path) -> None:
    """A chain of three: AF_UNIX to TCP to a program, and datagrams."""
    script = """
socat TCP-LISTEN:7001,bind=127.0.0.1,fork,reuseaddr EXEC:cat & a=$!
socat UNIX-LISTEN:chain.sock,fork TCP:127.0.0.1:7001 & b=$!
socat -u UDP-RECV:7002,bind=127.0.0.1 OPEN:datagrams,creat,trunc & c=$!
try test -S chain.sock
sleep 0.3
echo through | socat - UNIX-CONNECT:chain.sock
echo straight | socat - TCP:localhost:7001
echo datagram | socat -u - UDP:127.0.0.1:7002
try grep datagram datagrams
kill $a $b $c; wait; true
"""
    assert run(script, tmp_path, "socat") == "through\nstraight\ndatagram\n"


def test_ssh_keygen(tmp_path: Path) -> None:
    """It looks for an agent and a host name, and needs none."""
    script = "ssh-keygen -q -t ed25519 -N '' -f key && ssh-keygen -l -f key.pub | cut -d' ' -f1\n"
    assert run(script, tmp_path, "ssh-keygen") == "256\n"


def test_asyncio(tmp_path: Path) -> None:
    """Streams over TCP and AF_UNIX, and datagrams, with many clients at once."""
    (tmp_path / "talk.py").write_text("""
import asyncio

async def answer(reader, writer):
    while line := await reader.readline():
        writer.write(line.upper())
        await writer.drain()
    writer.close()

async def ask(reader, writer):
    for n in range(3):
        writer.write(b"line %d\\n" % n)
        assert await reader.readline() == b"LINE %d\\n" % n
    writer.close()
    await writer.wait_closed()

async def main():
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    await asyncio.gather(*[ask(*await asyncio.open_connection("localhost", port)) for _ in range(20)])
    await asyncio.start_unix_server(answer, "talk.sock")
    await ask(*await asyncio.open_unix_connection("talk.sock"))
    print("fine")

asyncio.run(main())
""")
    if not Path("/usr/bin/python3").exists():
        pytest.skip("python3 is not installed (Debian package python3)")
    assert run("/usr/bin/python3 talk.py\n", tmp_path) == "fine\n"


def test_node_http(tmp_path: Path) -> None:
    """Node's http server and client in one process."""
    (tmp_path / "talk.js").write_text("""
const http = require('http');
const server = http.createServer((q, r) => r.end('hello ' + q.url)).listen(0, '127.0.0.1', () => {
  http.get({port: server.address().port, host: 'localhost', path: '/you'}, r => {
    r.on('data', d => console.log(String(d))); r.on('end', () => server.close()); }); });
""")
    assert run("node talk.js\n", tmp_path, "node") == "hello /you\n"
