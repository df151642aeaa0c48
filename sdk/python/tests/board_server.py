"""A host for the tests of views: a real socket, answers that a test sets."""

import contextlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class FakeHost:
    """What it answers, and what it was asked."""

    def __init__(self):
        self.status, self.body, self.kind = 200, b"ok\n", "text/plain"
        self.asked = []
        self.posted = []
        self.go_on = threading.Event()
        self.go_on.set()
        host = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                host.asked.append((self.path, self.headers.get("authorization")))
                host.go_on.wait(10)
                self._answer()

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                host.posted.append((self.path, self.headers.get("authorization"), body))
                self._answer()

            def _answer(self):
                self.send_response(host.status)
                self.send_header("content-type", host.kind)
                self.end_headers()
                with contextlib.suppress(OSError):
                    self.wfile.write(host.body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.go_on.set()
        self.server.shutdown()
        self.server.server_close()
