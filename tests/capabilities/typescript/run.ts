/**
 * `context`, `clock` and `state`.
 * @module
 */

import * as clock from "probity-check/clock";
import * as context from "probity-check/context";
import * as state from "probity-check/state";

import { detail, measure, type Act } from "./show.js";

export const ACTS: Record<string, Act> = {
  context(outcome) {
    const previous = context.previous();
    detail(outcome, "", { "check-id": context.checkId(), "run-id": context.runId(), traceparent: context.traceparent() });
    measure(outcome, "", { "remaining-ms": context.remainingMs(), "consecutive-failures": context.consecutiveFailures() });
    if (previous === null) {
      detail(outcome, "", { previous: null });
      return;
    }
    detail(outcome, "previous-", { status: previous.status, message: previous.message });
    measure(outcome, "previous-", { "at-unix-ms": previous.atUnixMs, "duration-ms": previous.durationMs });
  },

  clock(outcome) {
    const [wall, monotonic] = [clock.nowUnixMs(), clock.monotonicMs()];
    clock.sleep(250);
    measure(outcome, "", { "now-unix-ms": wall, "wall-ms": clock.nowUnixMs() - wall });
    measure(outcome, "", { "monotonic-ms": Math.floor(clock.monotonicMs() - monotonic) });
  },

  state(outcome) {
    state.setBytes("text", bytes("kept"));
    state.setBytes("brief", bytes("x"), 1);
    measure(outcome, "", { first: state.increment("count", 5), second: state.increment("count", -7) });
    clock.sleep(20);
    detail(outcome, "", { text: state.getText("text"), brief: state.getText("brief"), never: state.getText("never") });
    state.setBytes("gone", bytes("x"));
    state.remove("gone");
    detail(outcome, "", { all: state.keys().join(", "), some: state.keys("te").join(", ") });
  },

  "state-large"(outcome) {
    state.setBytes("large", bytes("x".repeat(40_000)));
    let sum = 0;
    for (let time = 0; time < 300; time++) sum += state.getBytes("large")?.length ?? 0;
    measure(outcome, "", { bytes: sum });
  },

  "state-key"() {
    state.setBytes("", bytes("x"));
  },
};

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
