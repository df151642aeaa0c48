/**
 * Why a capability refused, and why a run gave no outcome.
 *
 * Throw a {@link Failure} when no judgement is possible: the host reports `unknown`. Anything else that is thrown and not
 * caught is a bug in the check: its stack is logged and the run ends as `trap`.
 * @module
 */

/**
 * What kind of thing went wrong in a capability.
 *
 * `denied`: the configuration does not grant this. `not-found`: nothing of this name is declared. `invalid-argument`: a
 * bug in the check. `timeout`: the call, or what was left of the run, ran out of time. `dns`: name resolution failed.
 * `refused`: the other side refused or reset the connection. `unreachable`: no route. `tls`: handshake or certificate.
 * `auth`: the host's credentials were not accepted. `protocol`: the other side spoke something else. `remote`: it answered
 * with an error of its own, see `code`. `too-large`: a reply over the limit. `quota`: a quota of this check is used up.
 * `unsupported`: not here. `other`: none of the others.
 * @typedef {"denied" | "not-found" | "invalid-argument" | "timeout" | "dns" | "refused" | "unreachable" | "tls" | "auth"
 *   | "protocol" | "remote" | "too-large" | "quota" | "unsupported" | "other"} ErrorKind
 */

/** Kinds that say something about the thing that was asked. */
const ABOUT_THE_TARGET = new Set(["timeout", "dns", "refused", "unreachable", "tls", "auth", "protocol", "remote"]);

/** Kinds that say something about the check, its grants or its host. */
const NOT_ABOUT_THE_TARGET = ["denied", "not-found", "invalid-argument", "too-large", "quota", "unsupported", "other"];

/** @param {string} kind */
function isKind(kind) {
  return ABOUT_THE_TARGET.has(kind) || NOT_ABOUT_THE_TARGET.includes(kind);
}

/** No judgement was possible. The host reports the check as `unknown`, with the message. */
export class Failure extends Error {
  /** @param {string} reason In one line. */
  constructor(reason) {
    super(reason);
    this.name = "Failure";
  }

  /**
   * As the contract has it.
   * @returns {{ tag: string, val: unknown }}
   * @internal
   */
  toContract() {
    return { tag: "other", val: this.message };
  }
}

/** The configuration is unusable; the host stops scheduling the check until it changes. */
export class ConfigError extends Failure {
  /**
   * @param {string} pointer Where, as a JSON pointer: `/thresholds/warn`; `/` for the whole table.
   * @param {string} reason What is wrong there, and what is allowed.
   */
  constructor(pointer, reason) {
    super(`at ${pointer}: ${reason}`);
    this.name = "ConfigError";
    /** Where. */
    this.pointer = pointer;
  }

  /** @internal */
  toContract() {
    return { tag: "invalid-config", val: this.message };
  }
}

/**
 * A capability refused. Let it pass, and the check is `unknown`; catch it where it *is* the answer, as a refused connection
 * is in a check of that service:
 *
 * ```js
 * try {
 *   await fetch(config.url);
 * } catch (error) {
 *   if (error instanceof CapabilityError && error.isAboutTheTarget) return Outcome.unhealthy(`no answer: ${error.kind}`);
 *   throw error;
 * }
 * ```
 */
export class CapabilityError extends Failure {
  /**
   * @param {ErrorKind} kind What to branch on.
   * @param {string} detail What to show a person.
   * @param {string | null} [code] The native code where there is one: errno name, SQLSTATE, HTTP/2 code.
   */
  constructor(kind, detail, code = null) {
    if (!isKind(kind)) {
      const kinds = [...ABOUT_THE_TARGET, ...NOT_ABOUT_THE_TARGET].join(", ");
      throw new TypeError(`${JSON.stringify(kind)} is no kind of error; there are ${kinds}`);
    }
    super(code === null ? `${kind}: ${detail}` : `${kind}: ${detail} (${code})`);
    this.name = "CapabilityError";
    /** What to branch on. */
    this.kind = kind;
    /** What to show a person, without the kind. */
    this.detail = detail;
    /** The native code: errno name, SQLSTATE, HTTP/2 code; null where there is none. */
    this.code = code;
  }

  /** Whether this says something about the thing that was asked, rather than about the check, its grants or its host. */
  get isAboutTheTarget() {
    return ABOUT_THE_TARGET.has(this.kind);
  }

  /** @internal */
  toContract() {
    return { tag: "capability", val: { kind: this.kind, message: this.detail, code: this.code } };
  }
}

/**
 * Calls the host; the contract's error becomes a {@link CapabilityError}.
 * @template T
 * @param {() => T} call
 * @returns {T}
 * @internal
 */
export function ask(call) {
  try {
    return call();
  } catch (error) {
    throw translate(error);
  }
}

/**
 * The contract's error, which the bindings throw with the record as `payload`, as a {@link CapabilityError}. Anything else
 * stays what it is.
 * @param {any} error
 * @returns {unknown}
 * @internal
 */
export function translate(error) {
  const record = error?.payload;
  return record?.kind === undefined ? error : new CapabilityError(record.kind, record.message, record.code ?? null);
}
