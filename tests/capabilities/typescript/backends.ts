/**
 * `sql`, `redis`, `queue` and `secrets`.
 * @module
 */

import { CapabilityError } from "probity-check";
import * as queue from "probity-check/queue";
import * as redis from "probity-check/redis";
import * as secrets from "probity-check/secrets";
import * as sql from "probity-check/sql";

import { detail, hex, measure, type Act } from "./show.js";

export const ACTS: Record<string, Act> = {
  sql(outcome) {
    const orders = sql.open("orders");
    measure(outcome, "", { "ping-ms": orders.ping() });
    const params = [null, true, 7, 1.5, "seven", Uint8Array.of(0x00, 0xff)];
    const { columns, rows, truncated } = orders.query("SELECT $1, $2, $3, $4, $5, $6", ...params);
    const shown = columns.map(({ name, typeName }) => `${name} ${typeName}`).join(", ");
    detail(outcome, "", { engine: orders.engine, columns: shown });
    measure(outcome, "", { truncated, rows: rows.length });
    for (const [at, row] of rows.entries()) outcome.detail(`row-${at + 1}`, Object.values(row).map(field).join(", "));
  },

  "sql-write"(outcome) {
    const orders = sql.open("orders");
    const updated = orders.execute("UPDATE orders SET state = $1", "paid");
    const transaction = orders.begin();
    const inserted = transaction.execute("INSERT INTO probes VALUES ($1)", 1);
    const counted: number = transaction.scalar("SELECT count(*) FROM probes");
    transaction.commit();
    orders.begin().rollback();
    measure(outcome, "", { updated, inserted, counted });
  },

  redis(outcome) {
    const cache = redis.open("cache");
    measure(outcome, "", { "ping-ms": cache.ping() });
    detail(outcome, "", { reply: parts(cache.commandBytes("HGETALL", "orders")).join(", ") });
  },

  queue(outcome) {
    const { depth, inFlight, consumers, oldestAgeMs, lag } = queue.inspect("jobs");
    measure(outcome, "", { depth, "in-flight": inFlight, consumers, "oldest-age-ms": oldestAgeMs, lag });
  },

  "queue-publish": () => queue.publish("jobs", "probe"),

  secrets(outcome) {
    detail(outcome, "", { hmac: secrets.hmacSha256("webhook", "payload") });
    measure(outcome, "", { same: secrets.matches("webhook", "s3cret"), other: secrets.matches("webhook", "secret") });
  },

  reveal(outcome) {
    const value = secrets.reveal("webhook");
    measure(outcome, "", { length: new TextEncoder().encode(value).length });
    detail(outcome, "", { value });
  },
};

function field(value: sql.Value): string {
  if (value === null) return "null";
  if (value instanceof Uint8Array) return `bytes ${hex(value)}`;
  switch (typeof value) {
    case "boolean":
      return `boolean ${value}`;
    case "number":
      return `${Number.isInteger(value) ? "integer" : "float"} ${value}`;
    case "bigint":
      return `integer ${value}`;
    default:
      return `text ${value}`;
  }
}

function parts(reply: redis.Reply): string[] {
  if (reply === null) return ["nil"];
  if (reply instanceof Uint8Array) return [`bulk ${hex(reply)}`];
  if (reply instanceof CapabilityError) return [`error ${reply.detail}`];
  if (Array.isArray(reply)) return [`array ${reply.length}`, ...reply.flatMap(parts)];
  if (reply instanceof Map) return [`map ${reply.size}`, ...[...reply].flat().flatMap(parts)];
  switch (typeof reply) {
    case "boolean":
      return [`boolean ${reply}`];
    case "number":
      return [`${Number.isInteger(reply) ? "integer" : "double"} ${reply}`];
    default:
      return [`simple ${reply}`];
  }
}
