/**
 * Do orders get through? The database knows which are unpaid, Redis holds those that wait to be packed.
 * @module
 */

import check, { CapabilityError, Outcome, atMost, number, span, text } from "probity-check";
import * as redis from "probity-check/redis";
import * as sql from "probity-check/sql";

const OLDEST_UNPAID = "SELECT (extract(epoch FROM now() - min(created)) * 1000)::float8 AS ms FROM orders WHERE NOT paid";

export default check({
  name: "order-flow",
  version: "0.1.0",
  description: "Do orders reach the warehouse, and do customers pay them?",
  probes: ["ready"],
  every: "15s",
  config: {
    database: text("shop"),
    cache: text("cache"),
    queue: text("orders"),
    waiting: atMost(number(), { warn: 100, crit: 1000 }),
    unpaid: atMost(span(), { warn: "15m", crit: "1h" }),
  },
  example: { waiting: { warn: 50, crit: 500 }, unpaid: { warn: "10m" } },
  run(config) {
    const outcome = Outcome.healthy("orders are paid and packed");
    about(outcome, "unhealthy", () => {
      const oldestMs = sql.open(config.database).scalar(OLDEST_UNPAID);
      if (oldestMs === null) outcome.detail("unpaid", "none");
      else outcome.judge("oldest-unpaid", oldestMs, "ms", config.unpaid);
    });
    // An order is one without Redis, too.
    about(outcome, "degraded", () => {
      const waiting = redis.open(config.cache).command("LLEN", config.queue);
      outcome.judge("waiting", waiting, "{orders}", config.waiting);
    });
    return outcome;
  },
});

/** What does not answer is a finding about the shop. No grant, no time left: that is no judgement. */
function about(outcome, status, ask) {
  try {
    ask();
  } catch (error) {
    if (!(error instanceof CapabilityError && error.isAboutTheTarget)) throw error;
    outcome.finding(status, error.message);
  }
}
