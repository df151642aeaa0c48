/**
 * Name resolution as a subject of checks. The grant lists names and resolvers.
 * @module
 */

import dns from "probity:check/dns@0.1.0";

import { ask } from "./error.js";
import { u32 } from "./numbers.js";

/**
 * The records of `name`: data as a zone file writes it, ttl in seconds. A name without records of the type is an empty
 * list; `dns` with the code `NXDOMAIN` when it does not exist.
 * @param {string} name
 * @param {string} [type] `A`, `AAAA`, `CNAME`, `MX`, `NS`, `TXT`, `SRV`, `CAA`, `SOA`, `PTR`.
 * @param {string} [server] A resolver of the host's configuration.
 * @returns {{ data: string, ttl: number }[]}
 */
export function resolve(name, type = "A", server) {
  const answers = ask(() => dns.resolve(name, type, server ?? null));
  return answers.map((/** @type {{ data: string, ttl: number }} */ { data, ttl }) => ({ data, ttl: u32(ttl) }));
}
