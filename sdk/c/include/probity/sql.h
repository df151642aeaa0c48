/**
 * @file
 * SQL through a connection that the host's configuration declares: PostgreSQL, MySQL, SQLite. The grant lists
 * connections; read-only unless it says NAME:write.
 *
 *     probity_sql *orders = probity_sql_open("orders-db", &error);
 *     if (orders == NULL) return probity_failure(&error);
 *     int64_t unpaid;
 *     if (!probity_sql_scalar_integer(orders, "SELECT count(*) FROM unpaid", NULL, 0, &unpaid, &error))
 *         return probity_failure(&error);
 */
#ifndef PROBITY_SQL_H
#define PROBITY_SQL_H

#include "check.h"

#ifdef __cplusplus
extern "C" {
#endif

/** A database, with a session that the host keeps for this run. */
typedef struct probity_sql probity_sql;
/** A transaction, rolled back when it is not committed: the shape of a dummy payment. */
typedef struct probity_sql_transaction probity_sql_transaction;

typedef enum {
    PROBITY_SQL_NULL,
    PROBITY_SQL_BOOLEAN,
    PROBITY_SQL_INTEGER,
    PROBITY_SQL_NUMBER,
    PROBITY_SQL_TEXT,
    PROBITY_SQL_BYTES,
} probity_sql_kind;

/** A parameter or a field. What has no kind of its own (numeric, dates, uuid, json) is a text. */
typedef struct probity_sql_value {
    probity_sql_kind kind;
    union {
        bool boolean;
        int64_t integer;
        double number;
        probity_bytes bytes; /**< Also of a text. */
    } as;
} probity_sql_value;

/* Parameters. Texts and bytes must stay until the statement ran. */
probity_sql_value probity_sql_null(void);
probity_sql_value probity_sql_boolean(bool value);
probity_sql_value probity_sql_integer(int64_t value);
probity_sql_value probity_sql_number(double value);
probity_sql_value probity_sql_text(const char *value);
probity_sql_value probity_sql_bytes(const void *data, size_t length);

/** A column of an answer. */
typedef struct probity_sql_column {
    const char *name;
    const char *type_name; /**< As the engine calls it: "int8", "varchar". */
} probity_sql_column;

/** What a query gave; see probity_sql_field. */
typedef struct probity_sql_rows {
    const probity_sql_column *columns;
    size_t column_count;
    const probity_sql_value *values; /**< Row by row. */
    size_t row_count;
    bool truncated; /**< There are more rows than the host returns. */
} probity_sql_rows;

/** Takes a session from the host's pool, or connects. NULL, and `error` set, when there is none. */
probity_sql *probity_sql_open(const char *name, probity_error *error);
/** "postgres", "mysql" (MariaDB as well), "sqlite" */
const char *probity_sql_engine(const probity_sql *connection);
/** One round trip, in milliseconds. */
bool probity_sql_ping(probity_sql *connection, double *ms, probity_error *error);
/** One statement and its rows. Placeholders are the engine's own: $1, ?. */
bool probity_sql_query(probity_sql *connection, const char *statement, const probity_sql_value *params, size_t count,
                       probity_sql_rows *rows, probity_error *error);
/** One statement; `changed` is the number of rows it changed. Needs NAME:write. */
bool probity_sql_execute(probity_sql *connection, const char *statement, const probity_sql_value *params, size_t count,
                         uint64_t *changed, probity_error *error);
/** Gives the session back before the run ends. */
void probity_sql_free(probity_sql *connection);

/* The first field of the first row; PROBITY_INVALID_ARGUMENT when there is none, or it is no such value. */
bool probity_sql_scalar_integer(probity_sql *connection, const char *statement, const probity_sql_value *params,
                                size_t count, int64_t *value, probity_error *error);
bool probity_sql_scalar_number(probity_sql *connection, const char *statement, const probity_sql_value *params,
                               size_t count, double *value, probity_error *error);
bool probity_sql_scalar_text(probity_sql *connection, const char *statement, const probity_sql_value *params,
                             size_t count, const char **value, probity_error *error);

/** Begins a transaction. NULL, and `error` set, when there is none. Needs NAME:write. */
probity_sql_transaction *probity_sql_begin(probity_sql *connection, probity_error *error);
bool probity_sql_transaction_query(probity_sql_transaction *transaction, const char *statement,
                                   const probity_sql_value *params, size_t count, probity_sql_rows *rows,
                                   probity_error *error);
bool probity_sql_transaction_execute(probity_sql_transaction *transaction, const char *statement,
                                     const probity_sql_value *params, size_t count, uint64_t *changed,
                                     probity_error *error);
/** Keeps what was done. */
bool probity_sql_transaction_commit(probity_sql_transaction *transaction, probity_error *error);
/** Undoes what was done. */
bool probity_sql_transaction_rollback(probity_sql_transaction *transaction, probity_error *error);
/** Undoes what was not committed, before the run ends. */
void probity_sql_transaction_free(probity_sql_transaction *transaction);

/* ---- Fields: by row, from 0, and the column's name; NULL is the first column ---- */

/** NULL, and `error` set to PROBITY_INVALID_ARGUMENT, when there is no such row or column. */
const probity_sql_value *probity_sql_field(const probity_sql_rows *rows, size_t row, const char *column,
                                           probity_error *error);
/* The same as a type; PROBITY_INVALID_ARGUMENT when the field is no such value. A text that reads as a number counts as
 * one, since exact numbers travel so. */
bool probity_sql_get_boolean(const probity_sql_rows *rows, size_t row, const char *column, bool *value,
                             probity_error *error);
bool probity_sql_get_integer(const probity_sql_rows *rows, size_t row, const char *column, int64_t *value,
                             probity_error *error);
bool probity_sql_get_number(const probity_sql_rows *rows, size_t row, const char *column, double *value,
                            probity_error *error);
bool probity_sql_get_text(const probity_sql_rows *rows, size_t row, const char *column, const char **value,
                          probity_error *error);

#ifdef __cplusplus
}
#endif

#endif
