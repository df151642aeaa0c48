/**
 * @file
 * `sql`, `redis`, `queue` and `secrets`.
 */
#include "show.h"

#include <string.h>

static const char *field(const probity_sql_value *value) {
    switch (value->kind) {
    case PROBITY_SQL_NULL:
        return "null";
    case PROBITY_SQL_BOOLEAN:
        return value->as.boolean ? "boolean true" : "boolean false";
    case PROBITY_SQL_INTEGER:
        return probity_format("integer %lld", (long long)value->as.integer);
    case PROBITY_SQL_NUMBER:
        return probity_format("float %g", value->as.number);
    case PROBITY_SQL_TEXT:
        return probity_format("text %s", (const char *)value->as.bytes.data);
    case PROBITY_SQL_BYTES:
        return probity_format("bytes %s", hex(value->as.bytes));
    }
    return "unknown";
}

static void show_rows(probity_outcome *outcome, const probity_sql_rows *rows) {
    const char *columns = "";
    for (size_t at = 0; at < rows->column_count; at++) {
        const probity_sql_column *column = &rows->columns[at];
        columns = probity_format("%s%s%s %s", columns, at == 0 ? "" : ", ", column->name, column->type_name);
    }
    show_text(outcome, "columns", columns);
    show_bool(outcome, "truncated", rows->truncated);
    show_integer(outcome, "rows", rows->row_count);
    for (size_t row = 0; row < rows->row_count; row++) {
        const char *fields = "";
        for (size_t at = 0; at < rows->column_count; at++) {
            const probity_sql_value *value = &rows->values[row * rows->column_count + at];
            fields = probity_format("%s%s%s", fields, at == 0 ? "" : ", ", field(value));
        }
        show_text(outcome, probity_format("row-%zu", row + 1), fields);
    }
}

bool sql(probity_outcome *outcome, probity_error *error) {
    double ping_ms;
    probity_sql_rows rows;
    probity_sql *orders = probity_sql_open("orders", error);
    if (orders == NULL || !probity_sql_ping(orders, &ping_ms, error)) return false;
    const probity_sql_value params[] = {
        probity_sql_null(),      probity_sql_boolean(true), probity_sql_integer(7),
        probity_sql_number(1.5), probity_sql_text("seven"), probity_sql_bytes("\x00\xff", 2),
    };
    if (!probity_sql_query(orders, "SELECT $1, $2, $3, $4, $5, $6", params, 6, &rows, error)) return false;
    show_text(outcome, "engine", probity_sql_engine(orders));
    show_number(outcome, "ping-ms", ping_ms);
    show_rows(outcome, &rows);
    return true;
}

bool sql_write(probity_outcome *outcome, probity_error *error) {
    const probity_sql_value paid = probity_sql_text("paid"), one = probity_sql_integer(1);
    uint64_t updated, inserted;
    int64_t counted;
    probity_sql_rows rows;
    probity_sql *orders = probity_sql_open("orders", error);
    if (orders == NULL) return false;
    if (!probity_sql_execute(orders, "UPDATE orders SET state = $1", &paid, 1, &updated, error)) return false;
    probity_sql_transaction *probe = probity_sql_begin(orders, error);
    if (probe == NULL) return false;
    if (!probity_sql_transaction_execute(probe, "INSERT INTO probes VALUES ($1)", &one, 1, &inserted, error)) return false;
    if (!probity_sql_transaction_query(probe, "SELECT count(*) FROM probes", NULL, 0, &rows, error)) return false;
    if (!probity_sql_get_integer(&rows, 0, NULL, &counted, error)) return false;
    if (!probity_sql_transaction_commit(probe, error)) return false;
    probity_sql_transaction *undone = probity_sql_begin(orders, error);
    if (undone == NULL || !probity_sql_transaction_rollback(undone, error)) return false;
    show_integer(outcome, "updated", updated);
    show_integer(outcome, "inserted", inserted);
    show_integer(outcome, "counted", counted);
    return true;
}

/** The reply in the order of the contract, after what is there already. */
static const char *flat(const char *before, const probity_reply *reply) {
    const char *text = (const char *)reply->as.bytes.data, *part = "unknown";
    size_t items = 0;
    switch (reply->kind) {
    case PROBITY_REPLY_NIL:
        part = "nil";
        break;
    case PROBITY_REPLY_INTEGER:
        part = probity_format("integer %lld", (long long)reply->as.integer);
        break;
    case PROBITY_REPLY_NUMBER:
        part = probity_format("double %g", reply->as.number);
        break;
    case PROBITY_REPLY_BOOLEAN:
        part = reply->as.boolean ? "boolean true" : "boolean false";
        break;
    case PROBITY_REPLY_SIMPLE:
        part = probity_format("simple %s", text);
        break;
    case PROBITY_REPLY_BULK:
        part = probity_format("bulk %s", hex(reply->as.bytes));
        break;
    case PROBITY_REPLY_ERROR:
        part = probity_format("error %s", text);
        break;
    case PROBITY_REPLY_ARRAY:
        items = reply->as.list.count;
        part = probity_format("array %zu", items);
        break;
    case PROBITY_REPLY_MAP:
        items = reply->as.list.count;
        part = probity_format("map %zu", items / 2);
        break;
    }
    const char *all = probity_format("%s%s%s", before, *before == '\0' ? "" : ", ", part);
    for (size_t at = 0; at < items; at++) all = flat(all, &reply->as.list.items[at]);
    return all;
}

bool redis(probity_outcome *outcome, probity_error *error) {
    double ping_ms;
    probity_redis *cache = probity_redis_open("cache", error);
    if (cache == NULL || !probity_redis_ping(cache, &ping_ms, error)) return false;
    const probity_reply *reply = probity_redis_command(cache, "HGETALL", (const char *[]){"orders"}, 1, error);
    if (reply == NULL) return false;
    show_number(outcome, "ping-ms", ping_ms);
    show_text(outcome, "reply", flat("", reply));
    return true;
}

bool queue(probity_outcome *outcome, probity_error *error) {
    probity_queue_stats stats;
    if (!probity_queue_inspect("jobs", &stats, error)) return false;
    show_option(outcome, "depth", stats.depth);
    show_option(outcome, "in-flight", stats.in_flight);
    show_option(outcome, "consumers", stats.consumers);
    show_option(outcome, "oldest-age-ms", stats.oldest_age_ms);
    show_option(outcome, "lag", stats.lag);
    return true;
}

bool queue_publish(probity_outcome *, probity_error *error) { return probity_queue_publish("jobs", "probe", 5, error); }

bool secrets(probity_outcome *outcome, probity_error *error) {
    uint8_t digest[PROBITY_HMAC_SHA256_LENGTH];
    bool same, other;
    if (!probity_secrets_hmac_sha256("webhook", "payload", 7, digest, error)) return false;
    if (!probity_secrets_matches("webhook", "s3cret", 6, &same, error)) return false;
    if (!probity_secrets_matches("webhook", "secret", 6, &other, error)) return false;
    show_bytes(outcome, "hmac", (probity_bytes){digest, sizeof digest});
    show_bool(outcome, "same", same);
    show_bool(outcome, "other", other);
    return true;
}

bool reveal(probity_outcome *outcome, probity_error *error) {
    const char *value = probity_secrets_reveal("webhook", error);
    if (value == NULL) return false;
    show_integer(outcome, "length", strlen(value));
    show_text(outcome, "value", value);
    return true;
}
