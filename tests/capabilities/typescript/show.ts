/**
 * How what a call returned is shown.
 * @module
 */

import type { Outcome } from "probity-check";
import type { Answer, Certificate, TlsInfo } from "probity-check/http";

/** Calls something and adds what came back. */
export type Act = (outcome: Outcome) => void;

/** Measurements by their names, or the details `none`. */
export function measure(outcome: Outcome, prefix: string, values: Record<string, number | boolean | null>): void {
  for (const [name, value] of Object.entries(values)) {
    if (value === null) outcome.detail(prefix + name, "none");
    else outcome.measure(prefix + name, value);
  }
}

/** Details by their names: texts, bytes, or `none`. */
export function detail(outcome: Outcome, prefix: string, values: Record<string, string | Uint8Array | null>): void {
  for (const [name, value] of Object.entries(values)) {
    outcome.detail(prefix + name, value instanceof Uint8Array ? hex(value) : (value ?? "none"));
  }
}

/** Each with `1-`, `2-` … before its names. */
export function each<T>(outcome: Outcome, prefix: string, items: T[], show: (outcome: Outcome, prefix: string, item: T) => void): void {
  for (const [at, item] of items.entries()) show(outcome, `${prefix}${at + 1}-`, item);
}

export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function session(outcome: Outcome, prefix: string, info: TlsInfo): void {
  const { protocol, cipher, alpn, handshakeMs, chain, distrust } = info;
  detail(outcome, prefix, { protocol, cipher, alpn, verified: distrust ?? "yes" });
  measure(outcome, prefix, { "handshake-ms": handshakeMs, chain: chain.length });
  each(outcome, prefix, chain, certificate);
}

export function certificate(outcome: Outcome, prefix: string, found: Certificate): void {
  const { subject, issuer, serial, sha256 } = found;
  detail(outcome, prefix, { subject, issuer, serial, sha256, "dns-names": found.dnsNames.join(", ") });
  measure(outcome, prefix, { "not-before-unix": found.notBeforeUnix, "not-after-unix": found.notAfterUnix });
}

export function answer(outcome: Outcome, prefix: string, found: Answer): void {
  const { timing, tls } = found;
  measure(outcome, prefix, { status: found.status, "dns-ms": timing.dnsMs, "connect-ms": timing.connectMs, "tls-ms": timing.tlsMs });
  measure(outcome, prefix, { "first-byte-ms": timing.firstByteMs, "total-ms": timing.totalMs });
  detail(outcome, prefix, { version: found.version, headers: headers(found.headers), trailers: headers(found.trailers) });
  detail(outcome, prefix, { "content-type": found.header("Content-Type"), "x-absent": found.header("x-absent") });
  detail(outcome, prefix, { body: found.text(), "remote-address": found.remoteAddress });
  if (tls === null) detail(outcome, prefix, { tls: null });
  else session(outcome, `${prefix}tls-`, tls);
}

function headers(found: [string, string][]): string {
  return found.map(([name, value]) => `${name}: ${value}`).join(", ");
}
