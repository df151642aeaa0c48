"""A small shop with orders, for the quickstart. Standard library only.

GET  /health                       {"status": "ok"}
GET  /orders                       [{"id": 1, "created_unix": 1763700000, "paid": false}, ...]
POST /orders[?count=N][&age=S]     place N orders (default 1), made S seconds ago (default 0)
POST /orders/{id}/pay              pay one order
POST /orders/pay                   pay all orders

python3 shop.py [port]             listens on 127.0.0.1, port 9000 by default
"""

import itertools
import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

MAX_ORDERS = 1000
orders = []
lock = threading.Lock()
ids = itertools.count(1)


def place(count, age):
    with lock:
        if len(orders) + count > MAX_ORDERS:
            del orders[: len(orders) + count - MAX_ORDERS]
        made = [{"id": next(ids), "created_unix": int(time.time()) - age, "paid": False} for _ in range(count)]
        orders.extend(made)
    return made


def pay(order_id=None):
    """Pays one order, or all; the orders that were paid by this."""
    with lock:
        paid = [o for o in orders if not o["paid"] and order_id in (None, o["id"])]
        for order in paid:
            order["paid"] = True
    return paid


def number(query, name, default, least, most):
    value = int(query.get(name, [default])[0])
    if not least <= value <= most:
        raise ValueError(f"{name} must be {least} to {most}")
    return value


class Shop(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path = urlsplit(self.path).path
        if path == "/health":
            self.answer(200, {"status": "ok"})
        elif path == "/orders":
            with lock:
                self.answer(200, list(orders))
        else:
            self.answer(404, {"error": f"nothing at {path}"})

    def do_POST(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        url = urlsplit(self.path)
        query = parse_qs(url.query)
        match url.path.strip("/").split("/"):
            case ["orders"]:
                try:
                    count = number(query, "count", 1, 1, MAX_ORDERS)
                    age = number(query, "age", 0, 0, 10**9)
                except ValueError as error:
                    return self.answer(400, {"error": str(error)})
                self.answer(201, place(count, age))
            case ["orders", "pay"]:
                self.answer(200, pay())
            case ["orders", order_id, "pay"] if order_id.isdigit():
                paid = pay(int(order_id))
                self.answer(200 if paid else 404, paid or {"error": f"no unpaid order {order_id}"})
            case _:
                self.answer(404, {"error": f"nothing at {url.path}"})

    def answer(self, status, value):
        body = json.dumps(value).encode() + b"\n"
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass  # the check asks every two seconds


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 9000
    server = ThreadingHTTPServer(("127.0.0.1", port), Shop)
    print(f"shop on http://127.0.0.1:{server.server_port}/orders", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
