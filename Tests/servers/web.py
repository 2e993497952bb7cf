# Copyright the rkt-swift authors
# SPDX-License-Identifier: Apache-2.0

"""A web server for tests, on a loopback port of its own.

usage: web.py DIRECTORY plain|tls CERTIFICATE

CERTIFICATE has the key too. The port is the first line of standard output; the end of standard input ends the server.

What a path answers is in DIRECTORY/pages/SHA256, with the SHA-256 of the path, or of the whole URL, as the name: JSON
with "id" and "answers". The first request gets the first answer and so on; the last answer is repeated. The keys of an
answer are those of `WebAnswer` in Tests/TestSupport. Each request is a line of JSON in DIRECTORY/requests before it is
answered.

The server is a proxy, too: it poses as the host that it is asked to connect to.
"""

import base64
import hashlib
import http.server
import itertools
import json
import os
import re
import select
import socket
import socketserver
import ssl
import struct
import sys
import threading
import time

directory, kind, certificate = sys.argv[1:]
lock = threading.Lock()
connections = itertools.count(1)
served = {}


class Broken(Exception):
    """The connection is to be closed in the midst of an answer."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def setup(self):
        self.number = next(connections)
        self.secure = kind == "tls"
        self.authority = None
        self.proxied = False
        if self.secure:
            self.request = tls.wrap_socket(self.request, server_side=True)
        super().setup()

    def log_message(self, *_):
        pass

    def do_CONNECT(self):
        self.record(self.path, b"")
        page = self.find([self.path])
        if page is not None:
            return self.answer(page, b"")
        self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
        self.proxied = True
        # The first byte of TLS is the type of the handshake's record.
        self.secure = self.connection.recv(1, socket.MSG_PEEK) == b"\x16"
        self.authority = self.path.removesuffix(":443" if self.secure else ":80")
        if self.secure:
            self.request = self.connection = tls.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb", -1)
        self.wfile = socketserver._SocketWriter(self.connection)
        self.close_connection = False

    def do_GET(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if "chunked" in self.headers.get("Transfer-Encoding", ""):
            body = b"".join(iter(self.chunk, b""))
        if self.path.startswith("http"):
            self.proxied = True
            url = self.path
            path = re.sub(r"^https?://[^/]*", "", url)
        else:
            path = self.path
            authority = self.authority or self.headers.get("Host", "")
            url = f"{'https' if self.secure else 'http'}://{authority}{path}"
        self.record(url, body)
        bare = path.partition("?")[0]
        page = self.find([url, url.partition("?")[0], path, bare])
        self.answer(page or {"status": 404, "text": "there is no such page\n"}, body)

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

    def chunk(self):
        data = self.rfile.read(int(self.rfile.readline(), 16))
        self.rfile.readline()
        return data

    def record(self, url, body):
        line = json.dumps({
            "method": self.command, "url": url, "fields": [list(item) for item in self.headers.items()],
            "body": base64.b64encode(body).decode(), "secure": self.secure, "proxied": self.proxied,
            "connection": self.number,
        })
        with lock, open(f"{directory}/requests", "a") as log:
            log.write(line + "\n")

    def find(self, keys):
        for key in keys:
            try:
                with open(f"{directory}/pages/{hashlib.sha256(key.encode()).hexdigest()}") as file:
                    page = json.load(file)
            except FileNotFoundError:
                continue
            with lock:
                count = served.get(page["id"], 0)
                served[page["id"]] = count + 1
            return page["answers"][min(count, len(page["answers"]) - 1)]

    def answer(self, page, body):
        try:
            self.send(page)
            self.wfile.flush()
        except Broken:
            self.close_connection = True
        except OSError:
            self.close_connection = True

    def send(self, page):
        if page.get("gate") and page.get("gateAfter") is None:
            self.wait_for(page["gate"])
        if page.get("raw"):
            raw = page["raw"].encode("latin-1")
            size = page.get("block") or len(raw)
            for start in range(0, len(raw), size):
                self.wfile.write(raw[start:start + size])
                self.wfile.flush()
                time.sleep((page.get("pause") or 0) / 1000)
            raise Broken
        fields = [tuple(field) for field in page.get("fields", [])]
        status = page.get("status", 200)
        body = page.get("text", "").encode()
        if page.get("file"):
            with open(page["file"], "rb") as file:
                body = file.read()
        wanted = page.get("authorization")
        if wanted is not None and self.headers.get("Authorization") != wanted:
            status, body = 401, b"unauthorized\n"
            page = {"fields": []}
            fields = [field for field in fields if field[0] == "WWW-Authenticate"] or [
                ("WWW-Authenticate", "Basic realm=\"test\"")]
        if page.get("etag"):
            fields.append(("ETag", page["etag"]))
        if page.get("modified"):
            fields.append(("Last-Modified", page["modified"]))
        validators = [page[key] for key in ("etag", "modified") if page.get(key)]
        if status == 200 and any(
                self.headers.get(name) in validators for name in ("If-None-Match", "If-Modified-Since")):
            status, body = 304, b""
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        condition = self.headers.get("If-Range")
        if status == 200 and page.get("ranges") and asked and (condition is None or condition in validators):
            start, total = int(asked[1]), len(body)
            end = min(int(asked[2] or total), total - 1)
            if start >= total:
                status, body = 416, b""
                fields.append(("Content-Range", f"bytes */{total}"))
            else:
                status, body = 206, body[start:end + 1]
                fields.append(("Content-Range", page.get("contentRange") or f"bytes {start}-{end}/{total}"))
        self.send_body(page, status, fields, body)

    def send_body(self, page, status, fields, body):
        endless = page.get("endless")
        chunked = page.get("chunked") or (endless and page.get("length") is None)
        if status not in (204, 304):
            if chunked:
                fields.append(("Transfer-Encoding", "chunked"))
            elif not page.get("untilClose"):
                length = page["length"] if page.get("length") is not None else len(body)
                fields.append(("Content-Length", str(length)))
        if page.get("untilClose") or endless:
            fields.append(("Connection", "close"))
            self.close_connection = True
        fields.append(("Date", self.date_time_string()))
        head = f"HTTP/1.1 {status} Answer\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields) + "\r\n"
        self.wfile.write(head.encode("latin-1"))
        self.wfile.flush()
        if self.command == "HEAD" or status in (204, 304):
            return
        stops = {page[key] for key in ("breakAfter", "stallAfter", "gateAfter") if page.get(key) is not None}
        size, sent = page.get("block") or 65536, 0
        while endless or sent < len(body) or sent in stops:
            self.stop_at(page, sent)
            limits = [stop - sent for stop in stops if stop > sent]
            part = b"\0" * size if endless else body[sent:sent + size]
            part = part[:min(limits, default=size)]
            if not part:
                break
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part) if chunked else part)
            sent += len(part)
            if page.get("pause"):
                time.sleep(page["pause"] / 1000)
        if chunked:
            self.wfile.write(b"0\r\n\r\n")
        if page.get("length") is not None and page["length"] > len(body):
            raise Broken

    def stop_at(self, page, sent):
        if page.get("gateAfter") == sent and page.get("gate"):
            self.wait_for(page["gate"])
        if page.get("breakAfter") == sent:
            if page.get("reset"):
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raise Broken
        if page.get("stallAfter") == sent:
            select.select([self.connection], [], [])
            raise Broken

    def wait_for(self, gate):
        while not os.path.exists(f"{directory}/gates/{gate}"):
            if select.select([self.connection], [], [], 0.01)[0]:
                raise Broken


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def handle_error(self, request, address):
        # A client that does not like the certificate, or that goes away.
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, address)


tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain(certificate)
server = Server(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_address[1], flush=True)
sys.stdin.read()
