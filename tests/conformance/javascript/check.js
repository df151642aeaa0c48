/**
 * The reference check of the conformance suite, in JavaScript: see `tests/conformance/README.md`.
 * @module
 */

import check, { CapabilityError, Failure, Outcome, atMost, bigint, number, optional, text } from "probity-check";
import * as log from "probity-check/log";
import * as state from "probity-check/state";
import { AtMost } from "probity-check";

/** Does one thing for each word. */
const ACTS = {
  judge: ({ value, warn, crit }) =>
    Outcome.healthy("as it should be").judge("value", value, "", new AtMost({ warn, crit })),

  integer: ({ integer, most }) => Outcome.healthy("as it should be").judge("integer", integer, "", most),

  log() {
    for (const level of ["trace", "debug", "info", "warn", "error"]) log.write(level, `line at ${level}`, { n: 1 });
    return Outcome.healthy("logged");
  },

  async http({ url }) {
    try {
      const response = await fetch(url);
      return Outcome.healthy(`status ${response.status}`).measure("status", response.status);
    } catch (error) {
      if (error instanceof CapabilityError && error.isAboutTheTarget) return Outcome.unhealthy(`no answer: ${error.kind}`);
      throw error;
    }
  },

  async json({ url }) {
    const { value } = await (await fetch(url)).json();
    return Outcome.healthy("found").measure("value", value);
  },

  state: () => Outcome.healthy("counted").measure("runs", state.increment("runs")),

  loop() {
    for (;;);
  },

  allocate() {
    const kept = [];
    for (;;) kept.push(new Uint8Array(1 << 20).fill(1));
  },

  word: ({ word }) => Outcome.healthy("fine").finding(word, "said"),

  nothing: () => Outcome.healthy("fine").judge("lag", Number.NaN, "ms", new AtMost()),

  throw() {
    throw new Error("boom");
  },

  config: ({ value }) => Outcome.healthy(`value ${value}`),
};

export default check({
  name: "reference",
  description: "Does every language do the same?",
  config: {
    act: text(),
    value: optional(number()),
    warn: optional(number()),
    crit: optional(number()),
    integer: optional(bigint()),
    most: atMost(bigint()),
    url: optional(text()),
    word: optional(text()),
  },
  run(config) {
    const act = ACTS[config.act];
    if (act === undefined) throw new Failure(`unknown act \`${config.act}\``);
    return act(config);
  },
});
