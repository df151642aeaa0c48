/**
 * TLS sessions and certificates, as `http` and `tls` tell of them. Apart, so that using one does not import the other.
 * @module
 */

/**
 * @param {any} info
 * @returns {import("./http.js").TlsInfo}
 * @internal
 */
export function tlsInfo(info) {
  const { verified, chain, alpn, ...rest } = info;
  const distrust = verified.tag === "ok" ? null : verified.val;
  return { ...rest, alpn: alpn ?? null, chain: chain.map(certificate), distrust };
}

/** @param {any} found @returns {import("./http.js").Certificate} @internal */
export function certificate(found) {
  return { ...found, notBeforeUnix: Number(found.notBeforeUnix), notAfterUnix: Number(found.notAfterUnix) };
}

/** Days until a certificate expires, negative afterwards. @param {import("./http.js").Certificate} certificate */
export function daysLeft(certificate) {
  return (certificate.notAfterUnix - Date.now() / 1000) / 86_400;
}
