/**
 * @file
 * Rows and replies read as types, for the test of the kit: see `tests/tests/all/kits.rs`.
 */
#include <probity.h>

const probity_metadata probity_check = {.name = "reads"};

/** The number of orders, and their sum as a person reads it. */
static bool count(probity_sql *orders, int64_t *found, const char **sum, probity_error *error) {
    const probity_sql_value since = probity_sql_text("2026-11-20");
    double number;
    if (!probity_sql_scalar_integer(orders, "SELECT count(*) FROM orders WHERE at > $1", &since, 1, found, error))
        return false;
    if (!probity_sql_scalar_number(orders, "SELECT sum(price) FROM orders", NULL, 0, &number, error)) return false;
    *sum = probity_show(number, PROBITY_NUMBER, "");
    return true;
}

probity_outcome *probity_run(void) {
    probity_error error;
    int64_t orders_count, lag = 0;
    const char *sum, *name, *state;
    bool paid;
    probity_sql_rows rows;
    probity_sql *orders = probity_sql_open("orders", &error);
    if (orders == NULL) return probity_failure(&error);
    if (!probity_sql_scalar_text(orders, "SELECT state FROM shop", NULL, 0, &state, &error)) return probity_failure(&error);
    if (!count(orders, &orders_count, &sum, &error)) return probity_failure(&error);
    if (!probity_sql_query(orders, "SELECT * FROM orders", NULL, 0, &rows, &error)) return probity_failure(&error);
    if (!probity_sql_get_boolean(&rows, 1, "paid", &paid, &error)) return probity_failure(&error);
    if (!probity_sql_get_text(&rows, 1, "name", &name, &error)) return probity_failure(&error);
    const probity_sql_value *note = probity_sql_field(&rows, 1, "note", &error);
    if (note == NULL) return probity_failure(&error);
    const char *noted = note->kind == PROBITY_SQL_NULL ? "no note" : "a note";

    probity_redis *cache = probity_redis_open("cache", &error);
    if (cache == NULL) return probity_failure(&error);
    const probity_reply *reply = probity_redis_command(cache, "HGETALL", (const char *[]){"orders"}, 1, &error);
    if (reply == NULL) return probity_failure(&error);
    const probity_reply *found = probity_reply_get(reply, "lag");
    if (found == NULL || !probity_reply_integer(found, &lag)) return probity_failure_other("no lag");

    int64_t none;
    if (probity_sql_get_integer(&rows, 1, "name", &none, &error)) return probity_failure_other("a name is no number");
    const char *is_paid = paid ? "paid" : "not paid";
    return probity_healthy("%s: %lld orders of %s, the last of %s is %s, %s, lag %lld; %s", state, (long long)orders_count, sum,
                           name, is_paid, noted, (long long)lag, error.message);
}
