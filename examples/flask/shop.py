"""A shop on Flask, for gunicorn: orders in PostgreSQL, those to be packed in Redis, payments somewhere else.

POST /orders                  place an order
POST /orders/{id}/pay         pay it: asks the payment provider
GET  /orders/count            how many orders there are
GET  /report?seconds=N        a slow page: keeps its worker busy
POST /import?mib=N            an import that never lets go of its memory
GET  /ping                    the process answers; asks nothing else

/health, /ready, /live        what Probity's board says, see README.md

Needs DATABASE_URL, REDIS_URL and PAYMENTS_URL; PROBITY_URL and PROBITY_TOKEN for the views and the pulse. Does not start
without its database: a shop that cannot take orders shall not be in rotation.
"""

import os
import time
import urllib.error
import urllib.request

import redis
import sqlalchemy as sa
from flask import Flask, request

import probity_check.flask
from probity_check.pulse import Pulse

VERSION = "1.4.2"
HOST = os.environ.get("PROBITY_URL", "http://127.0.0.1:18090")

app = Flask(__name__)
# A connection is tried before it is used: after a restart of the database the pool holds dead ones.
engine = sa.create_engine(os.environ["DATABASE_URL"], pool_size=2, max_overflow=0, pool_timeout=1, pool_pre_ping=True)
cache = redis.Redis.from_url(os.environ["REDIS_URL"], socket_timeout=1, socket_connect_timeout=1)
imported: list[bytearray] = []

with engine.begin() as connection:
    # Each worker starts here: two that create a table at the same moment are one too many, for all that IF NOT EXISTS says.
    connection.execute(sa.text("SELECT pg_advisory_xact_lock(1)"))
    connection.execute(
        sa.text(
            "CREATE TABLE IF NOT EXISTS orders (id serial PRIMARY KEY, paid boolean NOT NULL DEFAULT false,"
            " created timestamptz NOT NULL DEFAULT now())"
        )
    )
# Workers are forked from this process, and must not share its connections.
engine.dispose()

app.register_blueprint(probity_check.flask.blueprint(HOST, version=VERSION))
pulse = Pulse(
    HOST,
    "shop",
    token=os.environ.get("PROBITY_TOKEN"),
    every=float(os.environ.get("PULSE_EVERY", "2")),
    pool=lambda: (engine.pool.checkedout(), engine.pool.size()),
)
app.wsgi_app = pulse.wsgi(app.wsgi_app)


@app.post("/orders")
def place():
    with engine.begin() as connection:
        order = connection.execute(sa.text("INSERT INTO orders DEFAULT VALUES RETURNING id")).scalar_one()
    try:
        cache.lpush("orders", order)
    except redis.RedisError as error:
        # An order is one without Redis, too: whoever packs finds it in the database.
        app.logger.warning("order %s is not in the queue: %s", order, error)
    return {"id": order}, 201


@app.post("/orders/<int:order>/pay")
def pay(order: int):
    try:
        with urllib.request.urlopen(os.environ["PAYMENTS_URL"], timeout=2) as answer:
            answer.read(1024)
    except (urllib.error.URLError, TimeoutError) as error:
        return {"error": f"payment failed: {error}"}, 502
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE orders SET paid = true WHERE id = :id"), {"id": order})
    return {"id": order, "paid": True}


@app.get("/orders/count")
def count():
    with engine.connect() as connection:
        return {"orders": connection.execute(sa.text("SELECT count(*) FROM orders")).scalar_one()}


@app.get("/report")
def report():
    time.sleep(min(request.args.get("seconds", 1.0, float), 60))
    return {"report": "done"}


@app.post("/import")
def bring_in():
    imported.append(bytearray(os.urandom(4096)) * (request.args.get("mib", 1, int) * 256))
    return {"imports": len(imported)}


@app.get("/ping")
def ping():
    return {"pid": os.getpid()}
