/**
 * What JavaScript programs find in the air, as a component has it: what is not here does not work there, and is an error of
 * types and not of a run.
 */
import type { console as log } from "./types/src/console.js";
import type * as fetched from "./types/src/fetch.js";
import type * as loop from "./types/src/loop.js";
import type * as text from "./types/src/text.js";

declare global {
  /** Sends a request, over the host: `init` knows `method`, `headers`, `body`, `redirect`, `signal` and `endpoint`. */
  var fetch: typeof fetched.fetch;
  var Headers: typeof fetched.Headers;
  type Headers = fetched.Headers;
  var Response: typeof fetched.Response;
  type Response = fetched.Response;
  var AbortSignal: typeof fetched.AbortSignal;
  type AbortSignal = fetched.AbortSignal;
  var AbortController: typeof fetched.AbortController;
  type AbortController = fetched.AbortController;
  var TextEncoder: typeof text.TextEncoder;
  type TextEncoder = text.TextEncoder;
  var TextDecoder: typeof text.TextDecoder;
  type TextDecoder = text.TextDecoder;
  /** Each call is one log record. */
  var console: typeof log;
  var setTimeout: typeof loop.setTimeout;
  var clearTimeout: typeof loop.clearTimeout;
  var queueMicrotask: typeof loop.queueMicrotask;
  function atob(text: string): string;
  function btoa(text: string): string;

  interface URL {
    href: string;
    readonly origin: string;
    protocol: string;
    username: string;
    password: string;
    host: string;
    hostname: string;
    port: string;
    pathname: string;
    search: string;
    readonly searchParams: URLSearchParams;
    hash: string;
    toString(): string;
    toJSON(): string;
  }
  var URL: {
    prototype: URL;
    new (url: string | URL, base?: string | URL): URL;
    canParse(url: string | URL, base?: string | URL): boolean;
    parse(url: string | URL, base?: string | URL): URL | null;
  };
  interface URLSearchParams extends Iterable<[string, string]> {
    readonly size: number;
    append(name: string, value: string): void;
    delete(name: string, value?: string): void;
    get(name: string): string | null;
    getAll(name: string): string[];
    has(name: string, value?: string): boolean;
    set(name: string, value: string): void;
    sort(): void;
    forEach(each: (value: string, name: string, all: URLSearchParams) => void): void;
    entries(): IterableIterator<[string, string]>;
    keys(): IterableIterator<string>;
    values(): IterableIterator<string>;
    toString(): string;
  }
  var URLSearchParams: {
    prototype: URLSearchParams;
    new (init?: string | Iterable<readonly [string, string]> | Record<string, string> | URLSearchParams): URLSearchParams;
  };
}
