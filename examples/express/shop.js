/**
 * A shop on Express: orders in PostgreSQL, those to be packed in Redis as well, payments somewhere else.
 *
 * POST /orders                  place an order
 * POST /orders/{id}/pay         pay it: asks the payment provider
 * GET  /orders/count            how many orders there are
 * GET  /export?seconds=N        a long query: keeps a connection of the pool
 * GET  /quote?seconds=N         a computation in the event loop: everything else waits
 * GET  /ping                    the process answers; asks nothing else
 *
 * /health, /ready, /live        what Probity's board says, see README.md
 *
 * Needs DATABASE_URL, REDIS_URL and PAYMENTS_URL; PROBITY_URL and PROBITY_TOKEN for the views and the pulse. Listens on
 * PORT, 19010 by default. Does not start without its database: a shop that cannot take orders shall not be in rotation.
 */

import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";

import express from "express";
import { Redis } from "ioredis";
import pg from "pg";
import { board } from "probity-check/express";
import { Pulse } from "probity-check/pulse";

const VERSION = "3.0.2";
const { DATABASE_URL, REDIS_URL, PAYMENTS_URL, PROBITY_TOKEN, PROBITY_URL = "http://127.0.0.1:18090" } = process.env;
const PORT = Number(process.env.PORT ?? 19010);
/** For so long after SIGTERM requests are still taken: balancers need that to notice. */
const DRAIN_MS = Number(process.env.DRAIN_SECONDS ?? 5) * 1000;

const database = new pg.Pool({ connectionString: DATABASE_URL, max: 3, connectionTimeoutMillis: 1000 });
// An idle connection that the database closed. The pool has let go of it; without this line the process would end.
database.on("error", (error) => console.error(`database: ${error.message}`));
const cache = new Redis(REDIS_URL, { connectTimeout: 1000, commandTimeout: 1000, maxRetriesPerRequest: 1 });
cache.on("error", (error) => console.error(`cache: ${error.message}`));

await database.query(
  "CREATE TABLE IF NOT EXISTS orders (id serial PRIMARY KEY, paid boolean NOT NULL DEFAULT false," +
    " created timestamptz NOT NULL DEFAULT now())",
);

const health = board(PROBITY_URL, { version: VERSION });
const pulse = new Pulse(PROBITY_URL, "shop", {
  token: PROBITY_TOKEN,
  everyMs: Number(process.env.PULSE_EVERY ?? 2) * 1000,
  pool: () => ({ used: database.totalCount - database.idleCount, size: database.options.max }),
});

const app = express();
app.use(health);
app.use(pulse.requests());

app.post("/orders", async (_request, response) => {
  const { rows } = await database.query("INSERT INTO orders DEFAULT VALUES RETURNING id");
  // An order is one without Redis, too: what is to be packed can also be read from the database.
  await cache.lpush("orders", rows[0].id).catch((error) => console.error(`not told to the warehouse: ${error.message}`));
  response.status(201).json(rows[0]);
});

app.post("/orders/:id/pay", async (request, response) => {
  try {
    const answer = await fetch(PAYMENTS_URL, { signal: AbortSignal.timeout(2000) });
    await answer.text();
  } catch (error) {
    response.status(502).json({ error: `payment failed: ${error.cause?.message ?? error.message}` });
    return;
  }
  await database.query("UPDATE orders SET paid = true WHERE id = $1", [request.params.id]);
  response.json({ id: Number(request.params.id), paid: true });
});

app.get("/orders/count", async (_request, response) => {
  const { rows } = await database.query("SELECT count(*)::int AS orders FROM orders");
  response.json(rows[0]);
});

app.get("/export", async (request, response) => {
  await database.query("SELECT pg_sleep($1)", [seconds(request)]);
  response.json({ exported: true });
});

app.get("/quote", (request, response) => {
  // The mistake that this example is about: it belongs into a worker thread.
  const end = performance.now() + seconds(request) * 1000;
  while (performance.now() < end);
  response.json({ quoted: true });
});

app.get("/ping", (_request, response) => {
  response.json({ pid: process.pid });
});

// What is not caught above, as when no connection is free in time.
app.use((error, _request, response, _next) => {
  console.error(error);
  response.status(503).json({ error: error.message });
});

const server = app.listen(PORT, "127.0.0.1");
await once(server, "listening");

process.once("SIGTERM", async () => {
  // Both ways of asking say at once that no more shall come; what comes in spite of it is answered.
  health.drain();
  await pulse.drain();
  await delay(DRAIN_MS);
  server.close();
  await once(server, "close");
  await database.end();
  cache.disconnect();
});

/** How long a request shall take. */
function seconds(request) {
  const asked = Number(request.query.seconds ?? 1);
  return Math.min(Number.isFinite(asked) ? asked : 1, 60);
}
