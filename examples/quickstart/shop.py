"""A small shop with orders, for the quickstart. Standard library only; the orders are in a file of SQLite.

GET  /health                       {"status": "ok"}
GET  /orders                       [{"id": 1, "created_unix": 1763700000, "paid": false}, ...]
POST /orders[?count=N][&age=S]     place N orders (default 1), made S seconds ago (default 0)
POST /orders/{id}/pay              pay one order
POST /orders/pay                   pay all orders

python3 shop.py [port] [file]      listens on 127.0.0.1, port 9000 by default; starts with no orders in shop.db
"""

import json
import sqlite3
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

MAX_ORDERS = 1000
lock = threading.Lock()


def open_book(path):
    book = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    # The file stays: a check may have it open.
    book.executescript(
        """DROP TABLE IF EXISTS orders;
        CREATE TABLE orders (id INTEGER PRIMARY KEY AUTOINCREMENT, created_unix INTEGER NOT NULL, state TEXT NOT NULL)"""
    )
    return book


def shown(rows):
    return [{"id": number, "created_unix": created, "paid": state == "paid"} for number, created, state in rows]


def listed():
    with lock:
        return shown(book.execute("SELECT id, created_unix, state FROM orders ORDER BY id"))


def place(count, age):
    created = int(time.time()) - age
    insert = "INSERT INTO orders (created_unix, state) VALUES (?, 'pending') RETURNING id, created_unix, state"
    with lock:
        book.execute("BEGIN")
        made = [book.execute(insert, (created,)).fetchone() for _ in range(count)]
        book.execute("DELETE FROM orders WHERE id <= (SELECT max(id) FROM orders) - ?", (MAX_ORDERS,))
        book.execute("COMMIT")
    return shown(made)


def pay(order_id=None):
    """Pays one order, or all; the orders that were paid by this."""
    update = "UPDATE orders SET state = 'paid' WHERE state = 'pending' AND ?1 IN (id, 0) RETURNING id, created_unix, state"
    with lock:
        return shown(book.execute(update, (order_id or 0,)).fetchall())


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
            self.answer(200, listed())
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
    book = open_book(sys.argv[2] if len(sys.argv) > 2 else "shop.db")
    server = ThreadingHTTPServer(("127.0.0.1", port), Shop)
    print(f"shop on http://127.0.0.1:{server.server_port}/orders", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
