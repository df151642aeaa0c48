/**
 * The check of the capability suite, in TypeScript: see `tests/capabilities/README.md`.
 * @module
 */

import check, { CapabilityError, Failure, Outcome, boolean, text } from "probity-check";

import * as backends from "./backends.js";
import * as machine from "./machine.js";
import * as net from "./net.js";
import * as run from "./run.js";
import type { Act } from "./show.js";

const ACTS: Record<string, Act> = { ...backends.ACTS, ...machine.ACTS, ...net.ACTS, ...run.ACTS };

export default check({
  name: "capabilities",
  description: "Does every capability arrive in every language?",
  config: { act: text(), catch: boolean(false) },
  run(config) {
    const act = ACTS[config.act];
    if (act === undefined) throw new Failure(`unknown act \`${config.act}\``);
    const outcome = Outcome.healthy(config.act);
    try {
      act(outcome);
    } catch (error) {
      if (!config.catch || !(error instanceof CapabilityError)) throw error;
      return Outcome.unhealthy(`${error.kind}: ${error.detail}`).detail("code", error.code ?? "none");
    }
    return outcome;
  },
});
