"""nginx with a `map` of the same organizations, before the same origin.

It finds the organization, refuses unknown ones and passes the request on with three headers, over
kept connections and two workers, and logs as much as the router does. Refuses to install it.
"""

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from router_fleet import ORIGIN, Peer, connects, wait_for

ADDRESS = "127.79.0.9:8080"
_CONFIG = f"""\
worker_processes 2;
daemon off;
pid nginx.pid;
error_log error.log;
events {{ worker_connections 4000; }}
http {{
    access_log access.log combined buffer=64k;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    map_hash_max_size 4194304;
    map_hash_bucket_size 256;
    keepalive_requests 1000000;
    map $organization $found {{ include table; }}
    upstream origin {{ server {ORIGIN}:9000; keepalive 64; keepalive_requests 1000000; }}
    server {{
        listen {ADDRESS};
        location ~ ^/o/(?<organization>[a-z0-9-]+)/ {{
            if ($found = "") {{ return 404; }}
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header X-Cellwright-Organization $organization;
            proxy_set_header X-Cellwright-Organization-Id $found;
            proxy_set_header X-Request-Id $request_id;
            proxy_pass http://origin;
        }}
    }}
}}
"""


@contextmanager
def nginx(folder: Path, values: Iterable[tuple[str, str]]) -> Iterator[Peer | None]:
    """Run it with a value for each path; None if it is not installed."""
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        yield None
        return
    folder.mkdir()
    (folder / "table").write_text("".join(f'{path} "{value}";\n' for path, value in values))
    (folder / "nginx.conf").write_text(_CONFIG)
    process = subprocess.Popen([program, "-p", str(folder), "-c", "nginx.conf"])
    try:
        yield Peer(process.pid, wait_for(lambda: connects(ADDRESS), "nginx listens"))
    finally:
        process.terminate()
        process.wait(timeout=30)
