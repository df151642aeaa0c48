/**
 * The event loop of one run: promises, timers, and requests that wait for each other.
 *
 * The component's `run` is synchronous and QuickJS gives a module no way to run its own job queue, so `await` could never
 * go on. The build therefore turns `async` functions into generators over the global `Promise`, which {@link install} makes
 * this one; its queue is ours to run, see {@link settle}.
 * @module
 */

import { sleep } from "./clock.js";

/** What waits for the current synchronous piece to end. @type {(() => void)[]} */
let jobs = [];

/** @type {{ at: number, id: number, run: () => void }[]} */
let timers = [];
let lastTimer = 0;

/** Requests of `fetch` that were made and not sent: they are sent together. @type {(() => void) | null} */
let flush = null;

/**
 * Runs `send` once, as soon as nothing else can go on: what is asked for at the same time is sent at the same time.
 * @param {() => void} send
 * @internal
 */
export function whenIdle(send) {
  flush = send;
}

/** @param {() => void} job */
export function queueMicrotask(job) {
  jobs.push(job);
}

/**
 * @param {(...args: any[]) => void} run
 * @param {number} [delayMs]
 * @param {...any} args
 */
export function setTimeout(run, delayMs = 0, ...args) {
  lastTimer += 1;
  timers.push({ at: Date.now() + Math.max(0, delayMs), id: lastTimer, run: () => run(...args) });
  return lastTimer;
}

/** @param {number} [id] */
export function clearTimeout(id) {
  timers = timers.filter((timer) => timer.id !== id);
}

/** Forgets what a run before left undone: an instance may serve several. @internal */
export function reset() {
  jobs = [];
  timers = [];
  flush = null;
}

/**
 * Runs until `value`, if it is a promise, is settled, and returns what it is settled with.
 * @template T
 * @param {T | PromiseLike<T>} value
 * @returns {T}
 * @throws What it is rejected with; an `Error` when it can never be settled.
 * @internal
 */
export function settle(value) {
  if (typeof (/** @type {any} */ (value)?.then) !== "function") return /** @type {T} */ (value);
  /** @type {{ value?: T, error?: unknown } | undefined} */
  let end;
  /** @type {PromiseLike<T>} */ (value).then(
    (value) => (end = { value }),
    (error) => (end = { error }),
  );
  while (end === undefined) {
    if (!turn()) throw new Error("the promise that `run` returned waits for something that never happens");
  }
  if ("error" in end) throw end.error;
  return /** @type {T} */ (end.value);
}

/** Does the next thing that can be done; false when there is none. @internal */
export function turn() {
  if (jobs.length > 0) {
    const now = jobs;
    jobs = [];
    for (const job of now) job();
    return true;
  }
  if (flush !== null) {
    const send = flush;
    flush = null;
    send();
    return true;
  }
  if (timers.length === 0) return false;
  const next = timers.reduce((first, timer) => (timer.at < first.at ? timer : first));
  timers = timers.filter((timer) => timer !== next);
  sleep(Math.max(0, next.at - Date.now()));
  next.run();
  return true;
}

/** @typedef {"pending" | "fulfilled" | "rejected"} State */

/** A promise whose reactions are {@link jobs}. The interface is that of the language's own. */
export class LoopPromise {
  /** @type {State} */
  #state = "pending";
  /** @type {any} */
  #value = undefined;
  /** @type {(() => void)[]} */
  #reactions = [];

  /** @param {(resolve: (value?: any) => void, reject: (reason?: any) => void) => void} executor */
  constructor(executor) {
    const { resolve, reject } = this.#resolvers();
    try {
      executor(resolve, reject);
    } catch (error) {
      reject(error);
    }
  }

  /** The pair of functions of which the first call counts. */
  #resolvers() {
    let isCalled = false;
    /** @param {(value: any) => void} settle */
    const once = (settle) => (/** @type {any} */ value) => {
      if (isCalled) return;
      isCalled = true;
      settle(value);
    };
    return { resolve: once((value) => this.#resolve(value)), reject: once((reason) => this.#settle("rejected", reason)) };
  }

  /** @param {any} value */
  #resolve(value) {
    if (value === this) return this.#settle("rejected", new TypeError("a promise cannot be resolved with itself"));
    if ((typeof value !== "object" && typeof value !== "function") || value === null) return this.#settle("fulfilled", value);
    try {
      const then = value.then;
      if (typeof then !== "function") return this.#settle("fulfilled", value);
      const { resolve, reject } = this.#resolvers();
      queueMicrotask(() => {
        try {
          then.call(value, resolve, reject);
        } catch (error) {
          reject(error);
        }
      });
    } catch (error) {
      this.#settle("rejected", error);
    }
  }

  /** @param {State} state @param {any} value */
  #settle(state, value) {
    this.#state = state;
    this.#value = value;
    jobs.push(...this.#reactions);
    this.#reactions = [];
  }

  /**
   * @param {((value: any) => any) | null} [onFulfilled]
   * @param {((reason: any) => any) | null} [onRejected]
   * @returns {LoopPromise}
   */
  then(onFulfilled, onRejected) {
    return new LoopPromise((resolve, reject) => {
      const react = () => {
        const handler = this.#state === "fulfilled" ? onFulfilled : onRejected;
        try {
          if (typeof handler === "function") resolve(handler(this.#value));
          else if (this.#state === "fulfilled") resolve(this.#value);
          else reject(this.#value);
        } catch (error) {
          reject(error);
        }
      };
      if (this.#state === "pending") this.#reactions.push(react);
      else queueMicrotask(react);
    });
  }

  /** @param {((reason: any) => any) | null} [onRejected] */
  catch(onRejected) {
    return this.then(null, onRejected);
  }

  /** @param {() => any} onFinally */
  finally(onFinally) {
    return this.then(
      (value) => LoopPromise.resolve(onFinally()).then(() => value),
      (reason) => LoopPromise.resolve(onFinally()).then(() => LoopPromise.reject(reason)),
    );
  }

  /** @param {any} [value] @returns {LoopPromise} */
  static resolve(value) {
    return value instanceof LoopPromise ? value : new LoopPromise((resolve) => resolve(value));
  }

  /** @param {any} [reason] */
  static reject(reason) {
    return new LoopPromise((_, reject) => reject(reason));
  }

  static withResolvers() {
    let resolve, reject;
    const promise = new LoopPromise((...both) => ([resolve, reject] = both));
    return { promise, resolve, reject };
  }

  /** @param {(...args: any[]) => any} run @param {...any} args */
  static try(run, ...args) {
    return new LoopPromise((resolve) => resolve(run(...args)));
  }

  /** @param {Iterable<any>} values */
  static all(values) {
    return collect(values, (item, at, { results, done, reject }) =>
      item.then((value) => done((results[at] = value)), reject));
  }

  /** @param {Iterable<any>} values */
  static allSettled(values) {
    return collect(values, (item, at, { results, done }) =>
      item.then(
        (value) => done((results[at] = { status: "fulfilled", value })),
        (reason) => done((results[at] = { status: "rejected", reason })),
      ));
  }

  /** @param {Iterable<any>} values */
  static race(values) {
    return new LoopPromise((resolve, reject) => {
      for (const value of values) LoopPromise.resolve(value).then(resolve, reject);
    });
  }

  /** @param {Iterable<any>} values */
  static any(values) {
    /** @type {any[]} */
    const all = [...values];
    const failed = LoopPromise.all(all.map((value) =>
      LoopPromise.resolve(value).then((value) => LoopPromise.reject(value), (reason) => reason)));
    return failed.then((reasons) => LoopPromise.reject(new AggregateError(reasons, "every promise was rejected")), (value) => value);
  }

  get [Symbol.toStringTag]() {
    return "Promise";
  }
}

/**
 * A promise of a list, done when every item called `done`.
 * @param {Iterable<any>} values
 * @param {(item: LoopPromise, at: number, to: { results: any[], done: (_?: any) => void, reject: (reason: any) => void }) => void} each
 */
function collect(values, each) {
  return new LoopPromise((resolve, reject) => {
    const items = [...values];
    /** @type {any[]} */
    const results = new Array(items.length);
    let left = items.length;
    const done = () => {
      left -= 1;
      if (left === 0) resolve(results);
    };
    if (left === 0) resolve(results);
    items.forEach((item, at) => each(LoopPromise.resolve(item), at, { results, done, reject }));
  });
}

/** Makes {@link LoopPromise} the global one. @internal */
export function install() {
  globalThis.Promise = /** @type {any} */ (LoopPromise);
}
