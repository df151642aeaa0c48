"""A shop on FastAPI, for uvicorn: orders in PostgreSQL, prices in Redis, payments somewhere else.

POST /orders                  place an order
GET  /orders/count            how many orders there are
GET  /export?seconds=N        a long query: keeps a connection of the pool
GET  /quote?seconds=N         a computation in the event loop: everything else waits
GET  /price                   a price from Redis, else from the payment provider
GET  /ping                    the process answers; asks nothing else

/health, /ready, /live        what Probity's board says, see README.md

Needs DATABASE_URL, REDIS_URL and PAYMENTS_URL; PROBITY_URL and PROBITY_TOKEN for the views and the pulse.
"""

import contextlib
import os
import time

import httpx
import redis.asyncio
import sqlalchemy as sa
from fastapi import FastAPI, HTTPException

import probity_check.fastapi
from probity_check.pulse import Pulse

VERSION = "2.0.1"
HOST = os.environ.get("PROBITY_URL", "http://127.0.0.1:18090")

engine = sa.create_engine(os.environ["DATABASE_URL"], pool_size=3, max_overflow=0, pool_timeout=1, pool_pre_ping=True)
cache = redis.asyncio.Redis.from_url(os.environ["REDIS_URL"], socket_timeout=1, socket_connect_timeout=1)
pulse = Pulse(
    HOST,
    "shop",
    token=os.environ.get("PROBITY_TOKEN"),
    every=float(os.environ.get("PULSE_EVERY", "2")),
    capacity=40,  # threads that run `def` routes
    pool=lambda: (engine.pool.checkedout(), engine.pool.size()),
)


@contextlib.asynccontextmanager
async def lifespan(_: FastAPI):
    with engine.begin() as connection:
        connection.execute(
            sa.text("CREATE TABLE IF NOT EXISTS orders (id serial PRIMARY KEY, created timestamptz DEFAULT now())")
        )
    yield
    # The host hears at once that this process takes no more work.
    pulse.drain()


app = FastAPI(version=VERSION, lifespan=lifespan)
app.include_router(probity_check.fastapi.router(HOST, version=VERSION))
app.add_middleware(pulse.asgi)


@app.post("/orders", status_code=201)
def place() -> dict[str, int]:
    with engine.begin() as connection:
        return {"id": connection.execute(sa.text("INSERT INTO orders DEFAULT VALUES RETURNING id")).scalar_one()}


@app.get("/orders/count")
def count() -> dict[str, int]:
    try:
        with engine.connect() as connection:
            return {"orders": connection.execute(sa.text("SELECT count(*) FROM orders")).scalar_one()}
    except sa.exc.TimeoutError as error:
        raise HTTPException(503, "no connection is free") from error


@app.get("/export")
def export(seconds: float = 1) -> dict[str, bool]:
    with engine.connect() as connection:
        connection.execute(sa.text("SELECT pg_sleep(:seconds)"), {"seconds": min(seconds, 60)})
    return {"exported": True}


@app.get("/quote")
async def quote(seconds: float = 1) -> dict[str, bool]:
    # The mistake that this example is about: it should be `def`, or await.
    time.sleep(min(seconds, 60))
    return {"quoted": True}


@app.get("/price")
async def price() -> dict[str, str]:
    if (known := await cache.get("price")) is not None:
        return {"price": known.decode()}
    async with httpx.AsyncClient(timeout=2, trust_env=False) as client:
        answer = await client.get(os.environ["PAYMENTS_URL"])
    await cache.set("price", answer.text, ex=60)
    return {"price": answer.text}


@app.get("/ping")
async def ping() -> dict[str, int]:
    return {"pid": os.getpid()}
