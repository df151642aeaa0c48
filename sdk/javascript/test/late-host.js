/**
 * A host in a thread of its own: notes the lag that a pulse tells, the longest and the latest, in whole milliseconds.
 * @module
 */

import { createServer } from "node:http";
import { parentPort, workerData } from "node:worker_threads";

const server = createServer(async (request, response) => {
  const { lag_ms } = JSON.parse(Buffer.concat(await request.toArray()).toString());
  const lag = Math.ceil(lag_ms);
  Atomics.store(workerData, 1, lag);
  if (lag > Atomics.load(workerData, 0)) Atomics.store(workerData, 0, lag);
  Atomics.notify(workerData, 0);
  response.end("ok\n");
});
server.listen(0, "127.0.0.1", () => parentPort.postMessage(server.address().port));
