/**
 * Redis or Valkey through a declared connection. Without a further grant only commands that read are allowed.
 *
 * ```js
 * import * as redis from "probity-check/redis";
 * const waiting = redis.open("cache").command("LLEN", "mails");
 * ```
 * @module
 */

import redis from "probity:check/redis@0.1.0";

import { CapabilityError, ask } from "./error.js";
import { decode, encode } from "./text.js";

/** What a server answered: texts, numbers, lists and maps, nested. Bytes are read as text.
 * @typedef {any} Reply */

/** A connection of the host. */
export class Connection {
  /** @type {any} */
  #connection;

  /** @param {any} connection @internal */
  constructor(connection) {
    this.#connection = connection;
  }

  /** The time of one `PING`, in milliseconds. @returns {number} */
  ping() {
    return ask(() => this.#connection.ping());
  }

  /**
   * Sends a command: `command("HGET", "orders", "open")`.
   * @param {string} name
   * @param {...(string | number | Uint8Array)} args
   * @returns {Reply}
   */
  command(name, ...args) {
    return read(ask(() => this.#connection.command(name, args.map(bytesOf))), decode);
  }

  /**
   * The same, with bytes as bytes.
   * @param {string} name
   * @param {...(string | number | Uint8Array)} args
   * @returns {Reply}
   */
  commandBytes(name, ...args) {
    return read(ask(() => this.#connection.command(name, args.map(bytesOf))), (bytes) => new Uint8Array(bytes));
  }
}

/**
 * Takes the connection `name`.
 * @param {string} name
 * @returns {Connection}
 */
export function open(name) {
  return new Connection(ask(() => redis.Connection.open(name)));
}

/** @param {string | number | Uint8Array} arg */
function bytesOf(arg) {
  return arg instanceof Uint8Array ? arg : encode(String(arg));
}

/**
 * A reply from its parts: containers announce how many items follow.
 * @param {{ tag: string, val?: any }[]} tokens
 * @param {(bytes: Uint8Array) => unknown} bulk
 * @returns {Reply}
 */
function read(tokens, bulk) {
  let at = 0;
  const next = () => {
    const token = tokens[at];
    at += 1;
    if (token === undefined) throw new CapabilityError("protocol", "the reply ends early");
    return item(token);
  };
  /** @param {{ tag: string, val?: any }} token @returns {Reply} */
  const item = ({ tag, val }) => {
    switch (tag) {
      case "nil":
        return null;
      case "bulk":
        return bulk(val);
      case "array":
        return Array.from({ length: val }, next);
      case "map":
        return new Map(Array.from({ length: val }, () => [next(), next()]));
      case "error":
        return new CapabilityError("remote", val);
      default:
        return val;
    }
  };
  return next();
}
