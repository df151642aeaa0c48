/**
 * How a service on Node does, by what its processes say: event loop, requests, memory, connection pool.
 *
 * `probity-check/pulse` in the service sends a beat of each process every few seconds; this check judges the latest beat of
 * each. It sees what a probe over HTTP cannot: a probe that waits for the event loop only knows that it waits.
 * @module
 */

import check, { Failure, Outcome, atMost, number, size, span, text } from "probity-check";
import * as heartbeats from "probity-check/heartbeats";

/** Beats that are looked at: enough for a few of each process. */
const BEATS_MAX = 64;

/** What a process says of itself. */
interface Beat {
  pid: number;
  ready: boolean;
  lag_ms: number;
  busy: number;
  busy_ms: number;
  rss: number;
  pool?: { used: number; size: number };
}

export default check({
  name: "event-loop",
  version: "0.1.0",
  description: "Do the service's event loops turn, with memory and connections left?",
  probes: ["ready"],
  config: {
    heartbeat: text(),
    silence: span("10s"),
    lag: atMost(span(), { warn: "250ms", crit: "2s" }),
    oldest: atMost(span(), { warn: "10s" }),
    memory: atMost(size()),
    pool: atMost(number(), { warn: 90 }),
  },
  run(config) {
    const processes = latest(config.heartbeat, config.silence);
    if (processes.length === 0) return Outcome.unhealthy("no process has said anything in time");
    const worst = (of: (beat: Beat) => number) => Math.max(...processes.map(of));
    const outcome = Outcome.healthy("the event loops turn").measure("processes", processes.length, "{processes}");
    if (processes.every(({ ready }) => !ready)) outcome.finding("unhealthy", "all processes are ending");
    outcome
      .judge("lag", worst(({ lag_ms }) => lag_ms), "ms", config.lag)
      .judge("oldest-request", worst(({ busy_ms }) => busy_ms), "ms", config.oldest)
      .judge("memory", worst(({ rss }) => rss), "By", config.memory);
    const shares = processes.flatMap(({ pool }) => (pool === undefined ? [] : [(100 * pool.used) / pool.size]));
    return shares.length === 0 ? outcome : outcome.judge("pool", Math.max(...shares), "%", config.pool);
  },
});

/** What each process said last, unless it is silent by now. */
function latest(heartbeat: string, silenceMs: number): Beat[] {
  const found = new Map<number, Beat>();
  for (const { ageMs, message } of heartbeats.recent(heartbeat, BEATS_MAX)) {
    if (ageMs > silenceMs) break;
    const beat = read(message);
    if (beat === undefined) throw new Failure(`the heartbeat ${heartbeat} is no pulse: ${message.slice(0, 80)}`);
    if (!found.has(beat.pid)) found.set(beat.pid, beat);
  }
  return [...found.values()];
}

/** The line of a pulse, as far as this check needs it; nothing when it is none. */
function read(message: string): Beat | undefined {
  try {
    const said = JSON.parse(message);
    const isPulse = [said.pid, said.lag_ms, said.busy, said.busy_ms, said.rss].every(Number.isFinite);
    return isPulse ? said : undefined;
  } catch {
    return undefined;
  }
}
