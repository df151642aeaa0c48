/**
 * SQL through a connection declared in the host's configuration: PostgreSQL, MySQL, SQLite. Read-only unless the grant
 * says `NAME:write`.
 *
 * ```js
 * import * as sql from "probity-check/sql";
 * const waiting = sql.open("orders-db").scalar("SELECT count(*) FROM orders WHERE paid_at IS NULL");
 * ```
 * @module
 */

import sql from "probity:check/sql@0.1.0";

import { CapabilityError, ask } from "./error.js";

/** A parameter or a field. What has no case of its own (numeric, dates, uuid, json) travels as text.
 * @typedef {null | boolean | number | bigint | string | Uint8Array} Value */
/** @typedef {Record<string, Value>} Row */

/**
 * What a query gave.
 * @typedef {object} RowSet
 * @property {{ name: string, typeName: string }[]} columns
 * @property {Row[]} rows By column name.
 * @property {boolean} truncated Whether there were more rows than the host returns.
 */

/** What a connection and a transaction have in common. */
class Session {
  /** @type {any} */
  session;

  /** @param {any} session @internal */
  constructor(session) {
    this.session = session;
  }

  /**
   * Runs one statement and reads its rows. Placeholders are the engine's own: `$1`, `?`.
   * @param {string} statement
   * @param {...Value} params
   * @returns {RowSet}
   */
  query(statement, ...params) {
    const { columns, rows, truncated } = ask(() => this.session.query(statement, params.map(toContract)));
    return { columns, rows: rows.map((/** @type {any[]} */ row) => rowOf(columns, row)), truncated };
  }

  /**
   * The first field of the first row; throws when there is no row.
   * @param {string} statement
   * @param {...Value} params
   * @returns {any}
   */
  scalar(statement, ...params) {
    const { columns, rows } = this.query(statement, ...params);
    if (rows.length === 0) throw new CapabilityError("invalid-argument", "the statement gave no row");
    return rows[0][columns[0].name];
  }

  /**
   * Runs one statement; the number of rows it changed. Needs `NAME:write`.
   * @param {string} statement
   * @param {...Value} params
   * @returns {number}
   */
  execute(statement, ...params) {
    return Number(ask(() => this.session.execute(statement, params.map(toContract))));
  }
}

/** A database, with a session that the host keeps for this run. */
export class Connection extends Session {
  /** `postgres`, `mysql` (MariaDB as well) or `sqlite`. @returns {string} */
  get engine() {
    return this.session.engine();
  }

  /** One round trip, in milliseconds. @returns {number} */
  ping() {
    return ask(() => this.session.ping());
  }

  /** Starts a transaction. Needs `NAME:write`. @returns {Transaction} */
  begin() {
    return new Transaction(ask(() => this.session.begin()));
  }

  /**
   * Does something in a transaction and undoes it: the shape of a dummy payment.
   * @template T
   * @param {(transaction: Transaction) => T} work
   * @returns {T}
   */
  rehearse(work) {
    const transaction = this.begin();
    try {
      return work(transaction);
    } finally {
      transaction.rollback();
    }
  }
}

/** Rolled back when the run ends without {@link Transaction.commit}. */
export class Transaction extends Session {
  /** Keeps what was done. */
  commit() {
    ask(() => this.session.commit());
  }

  /** Undoes what was done. */
  rollback() {
    ask(() => this.session.rollback());
  }
}

/**
 * Takes a session of the connection `name` from the host's pool, or connects.
 * @param {string} name
 * @returns {Connection}
 */
export function open(name) {
  return new Connection(ask(() => sql.Connection.open(name)));
}

/** @param {{ name: string }[]} columns @param {{ tag: string, val?: any }[]} row @returns {Row} */
function rowOf(columns, row) {
  return Object.fromEntries(columns.map(({ name }, at) => [name, row[at].tag === "null" ? null : row[at].val]));
}

/** @param {Value} value @returns {{ tag: string, val?: any }} */
function toContract(value) {
  if (value === null || value === undefined) return { tag: "null" };
  if (value instanceof Uint8Array) return { tag: "bytes", val: value };
  switch (typeof value) {
    case "boolean":
      return { tag: "boolean", val: value };
    case "number":
      return { tag: Number.isSafeInteger(value) ? "integer" : "float", val: value };
    case "bigint":
      // The component's bindings take no `bigint`: its digits travel as text.
      return Number.isSafeInteger(Number(value)) ? { tag: "integer", val: Number(value) } : { tag: "text", val: String(value) };
    default:
      return { tag: "text", val: String(value) };
  }
}
