/**
 * @file
 * Databases behind the host.
 */
#include "calls.h"

struct probity_sql {
    probity_handle handle;
};

struct probity_sql_transaction {
    probity_handle handle;
};

static void drop(int32_t number) { probity_check_sql_connection_drop_own((probity_check_sql_own_connection_t){number}); }

static void drop_transaction(int32_t number) {
    probity_check_sql_transaction_drop_own((probity_check_sql_own_transaction_t){number});
}

static probity_check_sql_borrow_connection_t borrow(const probity_sql *connection) {
    return (probity_check_sql_borrow_connection_t){connection->handle.number};
}

static probity_check_sql_borrow_transaction_t within(const probity_sql_transaction *transaction) {
    return (probity_check_sql_borrow_transaction_t){transaction->handle.number};
}

/** Parameters for the host, which only looks at them. */
static probity_check_sql_list_value_t given(const probity_sql_value *params, size_t count) {
    probity_check_sql_list_value_t list = {.len = count};
    list.ptr = probity_alloc(count * sizeof *list.ptr);
    for (size_t at = 0; at < count; at++) {
        // The kinds have the order of the contract.
        list.ptr[at].tag = (uint8_t)params[at].kind;
        switch (params[at].kind) {
        case PROBITY_SQL_NULL:
            break;
        case PROBITY_SQL_BOOLEAN:
            list.ptr[at].val.boolean = params[at].as.boolean;
            break;
        case PROBITY_SQL_INTEGER:
            list.ptr[at].val.integer = params[at].as.integer;
            break;
        case PROBITY_SQL_NUMBER:
            list.ptr[at].val.float_ = params[at].as.number;
            break;
        case PROBITY_SQL_TEXT:
        case PROBITY_SQL_BYTES:
            list.ptr[at].val.bytes = probity_list(params[at].as.bytes.data, params[at].as.bytes.length);
            break;
        }
    }
    return list;
}

static probity_sql_value value_of(const probity_check_sql_value_t *found) {
    probity_sql_value value = {.kind = (probity_sql_kind)found->tag};
    switch (value.kind) {
    case PROBITY_SQL_NULL:
        break;
    case PROBITY_SQL_BOOLEAN:
        value.as.boolean = found->val.boolean;
        break;
    case PROBITY_SQL_INTEGER:
        value.as.integer = found->val.integer;
        break;
    case PROBITY_SQL_NUMBER:
        value.as.number = found->val.float_;
        break;
    case PROBITY_SQL_TEXT:
    case PROBITY_SQL_BYTES:
        value.as.bytes = probity_bytes_of(found->val.bytes);
        break;
    }
    return value;
}

/** Takes rows of the host's over. */
static probity_sql_rows rows_of(const probity_check_sql_row_set_t *found) {
    size_t columns = found->columns.len, rows = found->rows.len;
    probity_sql_column *named = probity_alloc(columns * sizeof *named);
    for (size_t at = 0; at < columns; at++) {
        named[at].name = probity_text(found->columns.ptr[at].name);
        named[at].type_name = probity_text(found->columns.ptr[at].type_name);
    }
    probity_list_free(found->columns.ptr, columns);
    probity_sql_value *values = probity_alloc(rows * columns * sizeof *values);
    for (size_t row = 0; row < rows; row++) {
        probity_check_sql_list_value_t fields = found->rows.ptr[row];
        // The contract has a value for each column; what a broken host has more would be nowhere.
        for (size_t at = 0; at < fields.len && at < columns; at++) values[row * columns + at] = value_of(&fields.ptr[at]);
        probity_list_free(fields.ptr, fields.len);
    }
    probity_list_free(found->rows.ptr, rows);
    return (probity_sql_rows){named, columns, values, rows, found->truncated};
}

probity_sql *probity_sql_open(const char *name, probity_error *error) {
    guest_string_t wanted = probity_string(name);
    probity_check_sql_own_connection_t opened;
    probity_check_types_error_t refused;
    bool ok = probity_check_sql_static_connection_open(&wanted, &opened, &refused);
    if (!probity_answered(ok, &refused, error)) return NULL;
    probity_sql *connection = probity_alloc(sizeof *connection);
    probity_handle_keep(&connection->handle, opened.__handle, drop);
    return connection;
}

const char *probity_sql_engine(const probity_sql *connection) {
    guest_string_t engine;
    probity_check_sql_method_connection_engine(borrow(connection), &engine);
    return probity_text(engine);
}

bool probity_sql_ping(probity_sql *connection, double *ms, probity_error *error) {
    probity_check_types_error_t refused;
    return probity_answered(probity_check_sql_method_connection_ping(borrow(connection), ms, &refused), &refused, error);
}

bool probity_sql_query(probity_sql *connection, const char *statement, const probity_sql_value *params, size_t count,
                       probity_sql_rows *rows, probity_error *error) {
    guest_string_t text = probity_string(statement);
    probity_check_sql_list_value_t list = given(params, count);
    probity_check_sql_row_set_t found;
    probity_check_types_error_t refused;
    bool ok = probity_check_sql_method_connection_query(borrow(connection), &text, &list, &found, &refused);
    *rows = ok ? rows_of(&found) : (probity_sql_rows){0};
    return probity_answered(ok, &refused, error);
}

bool probity_sql_execute(probity_sql *connection, const char *statement, const probity_sql_value *params, size_t count,
                         uint64_t *changed, probity_error *error) {
    guest_string_t text = probity_string(statement);
    probity_check_sql_list_value_t list = given(params, count);
    probity_check_types_error_t refused;
    bool ok = probity_check_sql_method_connection_execute(borrow(connection), &text, &list, changed, &refused);
    return probity_answered(ok, &refused, error);
}

void probity_sql_free(probity_sql *connection) {
    if (connection != NULL) probity_handle_drop(&connection->handle);
}

bool probity_sql_scalar_integer(probity_sql *connection, const char *statement, const probity_sql_value *params,
                                size_t count, int64_t *value, probity_error *error) {
    probity_sql_rows rows;
    return probity_sql_query(connection, statement, params, count, &rows, error) &&
           probity_sql_get_integer(&rows, 0, NULL, value, error);
}

bool probity_sql_scalar_number(probity_sql *connection, const char *statement, const probity_sql_value *params,
                               size_t count, double *value, probity_error *error) {
    probity_sql_rows rows;
    return probity_sql_query(connection, statement, params, count, &rows, error) &&
           probity_sql_get_number(&rows, 0, NULL, value, error);
}

bool probity_sql_scalar_text(probity_sql *connection, const char *statement, const probity_sql_value *params,
                             size_t count, const char **value, probity_error *error) {
    probity_sql_rows rows;
    return probity_sql_query(connection, statement, params, count, &rows, error) &&
           probity_sql_get_text(&rows, 0, NULL, value, error);
}

probity_sql_transaction *probity_sql_begin(probity_sql *connection, probity_error *error) {
    probity_check_sql_own_transaction_t begun;
    probity_check_types_error_t refused;
    bool ok = probity_check_sql_method_connection_begin(borrow(connection), &begun, &refused);
    if (!probity_answered(ok, &refused, error)) return NULL;
    probity_sql_transaction *transaction = probity_alloc(sizeof *transaction);
    probity_handle_keep(&transaction->handle, begun.__handle, drop_transaction);
    return transaction;
}

bool probity_sql_transaction_query(probity_sql_transaction *transaction, const char *statement,
                                   const probity_sql_value *params, size_t count, probity_sql_rows *rows,
                                   probity_error *error) {
    guest_string_t text = probity_string(statement);
    probity_check_sql_list_value_t list = given(params, count);
    probity_check_sql_row_set_t found;
    probity_check_types_error_t refused;
    bool ok = probity_check_sql_method_transaction_query(within(transaction), &text, &list, &found, &refused);
    *rows = ok ? rows_of(&found) : (probity_sql_rows){0};
    return probity_answered(ok, &refused, error);
}

bool probity_sql_transaction_execute(probity_sql_transaction *transaction, const char *statement,
                                     const probity_sql_value *params, size_t count, uint64_t *changed,
                                     probity_error *error) {
    guest_string_t text = probity_string(statement);
    probity_check_sql_list_value_t list = given(params, count);
    probity_check_types_error_t refused;
    bool ok = probity_check_sql_method_transaction_execute(within(transaction), &text, &list, changed, &refused);
    return probity_answered(ok, &refused, error);
}

bool probity_sql_transaction_commit(probity_sql_transaction *transaction, probity_error *error) {
    probity_check_types_error_t refused;
    return probity_answered(probity_check_sql_method_transaction_commit(within(transaction), &refused), &refused, error);
}

bool probity_sql_transaction_rollback(probity_sql_transaction *transaction, probity_error *error) {
    probity_check_types_error_t refused;
    return probity_answered(probity_check_sql_method_transaction_rollback(within(transaction), &refused), &refused, error);
}

void probity_sql_transaction_free(probity_sql_transaction *transaction) {
    if (transaction != NULL) probity_handle_drop(&transaction->handle);
}
