/**
 * Raw TCP: banners and line protocols. The grant lists `host:port` patterns.
 * @module
 */

import tcp from "probity:check/tcp@0.1.0";

import { ask } from "./error.js";
import { decode, encode } from "./text.js";
import { tlsInfo } from "./tls-info.js";
import { timeoutMs } from "./units.js";

/** An open connection. */
export class Socket {
  /** @type {any} */
  #socket;

  /** @param {any} socket @internal */
  constructor(socket) {
    this.#socket = socket;
  }

  /** How long connecting took, in milliseconds. @returns {number} */
  get connectMs() {
    return this.#socket.connectMs();
  }

  /** The address that answered. @returns {string} */
  get remoteAddress() {
    return this.#socket.remoteAddress();
  }

  /** Writes all bytes. @param {string | Uint8Array} data */
  write(data) {
    ask(() => this.#socket.write(bytesOf(data)));
  }

  /**
   * At least one byte and at most `max`; nothing at the end of the stream.
   * @param {number} max
   * @param {number | string} [timeout]
   * @returns {Uint8Array}
   */
  read(max, timeout) {
    return new Uint8Array(ask(() => this.#socket.read(max, optionalMs(timeout))));
  }

  /**
   * Through `delimiter`, which is part of what is returned; `too-large` when it does not come within `max` bytes.
   * @param {string | Uint8Array} delimiter
   * @param {number} max
   * @param {number | string} [timeout]
   * @returns {Uint8Array}
   */
  readUntil(delimiter, max, timeout) {
    return new Uint8Array(ask(() => this.#socket.readUntil(bytesOf(delimiter), max, optionalMs(timeout))));
  }

  /**
   * A line without its end.
   * @param {number} [max]
   * @param {number | string} [timeout]
   * @returns {string}
   */
  readLine(max = 4096, timeout) {
    return decode(this.readUntil("\n", max, timeout)).replace(/\r?\n$/, "");
  }

  /**
   * Begins TLS on the way, once the protocol agreed to (STARTTLS). A certificate that is not trusted is an answer: see
   * `distrust`.
   * @param {{ serverName?: string, authority?: string, timeout?: number | string }} [options] `authority` is a
   *   certificate declared in the host's configuration, to trust instead of the system's; it needs a grant of its own.
   * @returns {import("./http.js").TlsInfo}
   */
  startTls({ serverName, authority, timeout } = {}) {
    return tlsInfo(ask(() => this.#socket.startTls(serverName ?? null, authority ?? null, optionalMs(timeout))));
  }

  /** Closes it; the host does so at the end of the run. */
  close() {
    this.#socket[Symbol.dispose]();
  }
}

/**
 * Resolves, connects.
 * @param {string} host
 * @param {number} port
 * @param {number | string} [timeout]
 * @returns {Socket}
 */
export function connect(host, port, timeout) {
  return new Socket(ask(() => tcp.Socket.connect(host, port, optionalMs(timeout))));
}

/** @param {number | string} [timeout] */
function optionalMs(timeout) {
  return timeout === undefined ? null : timeoutMs(timeout);
}

/** @param {string | Uint8Array} data */
function bytesOf(data) {
  return typeof data === "string" ? encode(data) : data;
}
