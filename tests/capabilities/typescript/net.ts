/**
 * `http`, `tcp`, `tls`, `udp` and `dns`.
 * @module
 */

import { CapabilityError, type Outcome } from "probity-check";
import * as dns from "probity-check/dns";
import * as http from "probity-check/http";
import * as tcp from "probity-check/tcp";
import * as tls from "probity-check/tls";
import * as udp from "probity-check/udp";

import { answer, certificate, detail, each, measure, session, type Act } from "./show.js";

export const ACTS: Record<string, Act> = {
  "http-get": (outcome) => answer(outcome, "", http.get("http://shop.test/stats")),

  "http-tls": (outcome) => answer(outcome, "", http.get("https://shop.test/")),

  "http-send"(outcome) {
    const request: http.Request = {
      method: "POST",
      url: "/orders",
      endpoint: "shop",
      headers: { "content-type": "application/json", "x-trace": "7" },
      body: '{"dry-run":true}',
      timeout: "250ms",
      maxRedirects: 2,
      maxBodyBytes: 64,
      http2: true,
    };
    answer(outcome, "", http.send(request));
  },

  "http-all"(outcome) {
    const answers = http.sendAll(["http://a.test/", { method: "HEAD", url: "http://b.test/" }]);
    for (const [at, one] of answers.entries()) {
      if (one instanceof CapabilityError) outcome.detail(`${at + 1}-error`, one.kind);
      else answer(outcome, `${at + 1}-`, one);
    }
  },

  tcp(outcome) {
    const socket = tcp.connect("mail.test", 25, "500ms");
    const line = socket.readUntil("\n", 64);
    socket.write("EHLO probity\r\n");
    measure(outcome, "", { "connect-ms": socket.connectMs });
    detail(outcome, "", { "remote-address": socket.remoteAddress, line });
    detail(outcome, "", { some: socket.read(3), rest: socket.read(64), end: socket.read(64) });
  },

  starttls(outcome) {
    const socket = tcp.connect("mail.test", 25);
    socket.readUntil("\n", 64);
    socket.write("STARTTLS\r\n");
    socket.readUntil("\n", 64);
    session(outcome, "", socket.startTls({ serverName: "mail.example.org", authority: "office", timeout: "500ms" }));
    socket.write("QUIT\r\n");
    detail(outcome, "", { inside: socket.read(64) });
  },

  tls: (outcome) => session(outcome, "", tls.inspect("shop.test", 443, "www.shop.test")),

  "tls-trusting": (outcome) => session(outcome, "", tls.inspectTrusting("shop.test", 443, "office")),

  "tls-named"(outcome) {
    const found = tls.inspectNamed("office");
    measure(outcome, "", { certificates: found.length });
    each(outcome, "", found, certificate);
  },

  udp(outcome) {
    const reply = udp.exchange("time.test", 123, Uint8Array.of(0x1b, 0x00, 0xff), { maxReplyBytes: 4, timeout: "500ms" });
    detail(outcome, "", { payload: reply.payload, "remote-address": reply.remoteAddress });
    measure(outcome, "", { "elapsed-ms": reply.elapsedMs, "received-unix-ms": Math.floor(reply.receivedUnixNs / 1e6) });
  },

  dns: (outcome) => resolve(outcome, "A"),

  "dns-at": (outcome) => resolve(outcome, "MX", "inside"),
};

function resolve(outcome: Outcome, type: string, server?: string): void {
  const answers = dns.resolve("shop.test", type, server);
  measure(outcome, "", { answers: answers.length });
  each(outcome, "", answers, (outcome, prefix, { data, ttl }) => {
    detail(outcome, prefix, { data });
    measure(outcome, prefix, { ttl });
  });
}
