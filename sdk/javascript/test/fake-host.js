/**
 * A host for the tests of views: a real socket, answers that a test sets.
 * @module
 */

import { once } from "node:events";
import { createServer } from "node:http";

/** What it answers, and what it was asked. */
export class FakeHost {
  status = 200;
  body = "ok\n";
  asked = [];
  /** What was posted, with the moment it came in. */
  posted = [];
  #waiting = null;
  #server = createServer((request, response) => void this.#serve(request, response));

  static async start() {
    const host = new FakeHost();
    host.#server.listen(0, "127.0.0.1");
    await once(host.#server, "listening");
    host.url = `http://127.0.0.1:${host.#server.address().port}`;
    return host;
  }

  /** From now on it listens, and answers nobody. */
  hold() {
    this.#waiting = gate();
  }

  /** Answers those who wait, and all who come. */
  release() {
    this.#waiting?.resolve();
    this.#waiting = null;
  }

  close() {
    this.release();
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #serve(request, response) {
    const { url, headers } = request;
    if (request.method === "POST") {
      const parts = await request.toArray();
      this.posted.push({ url, token: headers.authorization, said: JSON.parse(Buffer.concat(parts).toString()) });
    } else {
      this.asked.push([url, headers.authorization]);
      await this.#waiting?.promise;
    }
    response.writeHead(this.status).end(this.body);
  }
}

/** A promise and what settles it: Node 20 has no `Promise.withResolvers`. */
export function gate() {
  let resolve;
  const promise = new Promise((done) => (resolve = done));
  return { promise, resolve };
}

/** Looks until it holds. */
export async function until(holds) {
  const end = Date.now() + 10_000;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error("never came to what was expected");
    await new Promise((next) => setTimeout(next, 5)); // the distance of two looks
  }
}
