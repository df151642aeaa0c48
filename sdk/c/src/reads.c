/**
 * @file
 * Reading what capabilities gave: fields of rows, replies, headers, certificates. Knows nothing of the host.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "internal.h"

static const char BLANKS[] = " \t\r\n\f\v";

/** A text of digits, blanks around it; false when it is something else or does not fit. */
static bool integer_of(probity_bytes text, int64_t *value) {
    const char *start = (const char *)text.data + strspn((const char *)text.data, BLANKS);
    if (strspn(start, "+-0123456789") == 0) return false;
    char *rest;
    errno = 0;
    *value = strtoll(start, &rest, 10);
    return rest != start && errno == 0 && rest + strspn(rest, BLANKS) == (const char *)text.data + text.length;
}

/** The same for a finite number. */
static bool number_of(probity_bytes text, double *value) {
    const char *start = (const char *)text.data + strspn((const char *)text.data, BLANKS);
    size_t length = strcspn(start, BLANKS);
    return start + length + strspn(start + length, BLANKS) == (const char *)text.data + text.length &&
           probity_parse(probity_keep(start, length), PROBITY_NUMBER, value) && isfinite(*value);
}

/* ---- SQL ---- */

probity_sql_value probity_sql_null(void) { return (probity_sql_value){.kind = PROBITY_SQL_NULL}; }

probity_sql_value probity_sql_boolean(bool value) {
    return (probity_sql_value){.kind = PROBITY_SQL_BOOLEAN, .as.boolean = value};
}

probity_sql_value probity_sql_integer(int64_t value) {
    return (probity_sql_value){.kind = PROBITY_SQL_INTEGER, .as.integer = value};
}

probity_sql_value probity_sql_number(double value) {
    return (probity_sql_value){.kind = PROBITY_SQL_NUMBER, .as.number = value};
}

probity_sql_value probity_sql_text(const char *value) {
    return (probity_sql_value){.kind = PROBITY_SQL_TEXT, .as.bytes = {(const uint8_t *)value, strlen(value)}};
}

probity_sql_value probity_sql_bytes(const void *data, size_t length) {
    return (probity_sql_value){.kind = PROBITY_SQL_BYTES, .as.bytes = {data, length}};
}

/** The column of this name; NULL is the first, for those who want one value. */
static const probity_sql_column *column_of(const probity_sql_rows *rows, const char *name) {
    for (size_t at = 0; at < rows->column_count; at++)
        if (name == NULL || strcmp(rows->columns[at].name, name) == 0) return &rows->columns[at];
    return NULL;
}

const probity_sql_value *probity_sql_field(const probity_sql_rows *rows, size_t row, const char *column,
                                           probity_error *error) {
    const probity_sql_column *found = column_of(rows, column);
    if (row >= rows->row_count) {
        if (rows->row_count == 0)
            probity_refuse(error, PROBITY_INVALID_ARGUMENT, "the statement gave no row");
        else
            probity_refuse(error, PROBITY_INVALID_ARGUMENT, "the reply has no row %zu", row);
        return NULL;
    }
    if (found == NULL) {
        probity_refuse(error, PROBITY_INVALID_ARGUMENT, "the reply has no column \"%s\"", column == NULL ? "0" : column);
        return NULL;
    }
    return &rows->values[row * rows->column_count + (size_t)(found - rows->columns)];
}

/** A value for a person. */
static const char *shown(const probity_sql_value *value) {
    switch (value->kind) {
    case PROBITY_SQL_BOOLEAN:
        return value->as.boolean ? "true" : "false";
    case PROBITY_SQL_INTEGER:
        return probity_format("%lld", (long long)value->as.integer);
    case PROBITY_SQL_NUMBER:
        return probity_show(value->as.number, PROBITY_NUMBER, "");
    case PROBITY_SQL_TEXT:
        return probity_format("text \"%s\"", (const char *)value->as.bytes.data);
    case PROBITY_SQL_BYTES:
        return "bytes";
    default:
        return "NULL";
    }
}

static bool misfit(const probity_sql_rows *rows, const char *column, const probity_sql_value *value, const char *wanted,
                   probity_error *error) {
    const char *name = column_of(rows, column)->name;
    return probity_refuse(error, PROBITY_INVALID_ARGUMENT, "column \"%s\" is %s, not %s", name, shown(value), wanted);
}

bool probity_sql_get_boolean(const probity_sql_rows *rows, size_t row, const char *column, bool *value,
                             probity_error *error) {
    const probity_sql_value *found = probity_sql_field(rows, row, column, error);
    if (found == NULL) return false;
    if (found->kind == PROBITY_SQL_BOOLEAN)
        *value = found->as.boolean;
    else if (found->kind == PROBITY_SQL_INTEGER && (found->as.integer == 0 || found->as.integer == 1))
        *value = found->as.integer == 1;
    else
        return misfit(rows, column, found, "a truth value", error);
    return true;
}

bool probity_sql_get_integer(const probity_sql_rows *rows, size_t row, const char *column, int64_t *value,
                             probity_error *error) {
    const probity_sql_value *found = probity_sql_field(rows, row, column, error);
    if (found == NULL) return false;
    if (found->kind == PROBITY_SQL_INTEGER)
        *value = found->as.integer;
    else if (found->kind == PROBITY_SQL_BOOLEAN)
        *value = found->as.boolean;
    else if (found->kind != PROBITY_SQL_TEXT || !integer_of(found->as.bytes, value))
        return misfit(rows, column, found, "an integer", error);
    return true;
}

bool probity_sql_get_number(const probity_sql_rows *rows, size_t row, const char *column, double *value,
                            probity_error *error) {
    const probity_sql_value *found = probity_sql_field(rows, row, column, error);
    if (found == NULL) return false;
    if (found->kind == PROBITY_SQL_NUMBER)
        *value = found->as.number;
    else if (found->kind == PROBITY_SQL_INTEGER)
        *value = (double)found->as.integer;
    else if (found->kind != PROBITY_SQL_TEXT || !number_of(found->as.bytes, value))
        return misfit(rows, column, found, "a number", error);
    return true;
}

bool probity_sql_get_text(const probity_sql_rows *rows, size_t row, const char *column, const char **value,
                          probity_error *error) {
    const probity_sql_value *found = probity_sql_field(rows, row, column, error);
    if (found == NULL) return false;
    if (found->kind != PROBITY_SQL_TEXT) return misfit(rows, column, found, "text", error);
    *value = (const char *)found->as.bytes.data;
    return true;
}

/* ---- Redis ---- */

const char *probity_reply_text(const probity_reply *reply) {
    bool is_text = reply->kind == PROBITY_REPLY_SIMPLE || reply->kind == PROBITY_REPLY_BULK;
    return is_text ? (const char *)reply->as.bytes.data : NULL;
}

bool probity_reply_integer(const probity_reply *reply, int64_t *value) {
    if (reply->kind == PROBITY_REPLY_INTEGER) {
        *value = reply->as.integer;
        return true;
    }
    return probity_reply_text(reply) != NULL && integer_of(reply->as.bytes, value);
}

const probity_reply *probity_reply_get(const probity_reply *reply, const char *key) {
    if (reply->kind != PROBITY_REPLY_ARRAY && reply->kind != PROBITY_REPLY_MAP) return NULL;
    for (size_t at = 0; at + 1 < reply->as.list.count; at += 2) {
        const char *name = probity_reply_text(&reply->as.list.items[at]);
        if (name != NULL && strcmp(name, key) == 0) return &reply->as.list.items[at + 1];
    }
    return NULL;
}

/* ---- HTTP and TLS ---- */

const char *probity_fields_get(probity_fields fields, const char *name) {
    for (size_t at = 0; at < fields.count; at++)
        if (strcasecmp(fields.items[at].name, name) == 0) return fields.items[at].value;
    return NULL;
}

double probity_certificate_days_left(const probity_certificate *certificate, uint64_t now_unix_ms) {
    return ((double)certificate->not_after_unix - (double)now_unix_ms / 1000.0) / 86400.0;
}
