/**
 * TLS handshakes and stored certificates, to watch when they expire.
 * @module
 */

import tls from "probity:check/tls@0.1.0";

import { ask } from "./error.js";
import { certificate, tlsInfo } from "./tls-info.js";

export { daysLeft } from "./tls-info.js";

/**
 * Connects, shakes hands, hangs up. A certificate that is not trusted is an answer: see `distrust`.
 * @param {string} host
 * @param {number} port
 * @param {string} [serverName] What the server is asked for and its certificate is compared with; `host` by default.
 * @returns {import("./http.js").TlsInfo}
 */
export function inspect(host, port, serverName) {
  return tlsInfo(ask(() => tls.inspect(host, port, serverName ?? null)));
}

/**
 * The same, trusting an authority that the host's configuration declares instead of the system's.
 * @param {string} host
 * @param {number} port
 * @param {string} authority
 * @param {string} [serverName]
 * @returns {import("./http.js").TlsInfo}
 */
export function inspectTrusting(host, port, authority, serverName) {
  return tlsInfo(ask(() => tls.inspectTrusting(host, port, serverName ?? null, authority)));
}

/**
 * The certificates in a file that the host's configuration declares.
 * @param {string} name
 * @returns {import("./http.js").Certificate[]}
 */
export function inspectNamed(name) {
  return ask(() => tls.inspectNamed(name)).map(certificate);
}
