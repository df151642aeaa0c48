/**
 * @file
 * `sql`, `redis`, `queue` and `secrets`.
 */
#include "show.hpp"

using probity::Result;

/** A number as it is written, without zeros at its end. */
static std::string decimal(double value) { return probity_format("%g", value); }

static std::string field(const probity_sql_value &value) {
    switch (value.kind) {
    case PROBITY_SQL_NULL:
        return "null";
    case PROBITY_SQL_BOOLEAN:
        return value.as.boolean ? "boolean true" : "boolean false";
    case PROBITY_SQL_INTEGER:
        return "integer " + std::to_string(value.as.integer);
    case PROBITY_SQL_NUMBER:
        return "float " + decimal(value.as.number);
    case PROBITY_SQL_TEXT:
        return "text " + std::string(probity::view(value.as.bytes));
    case PROBITY_SQL_BYTES:
        return "bytes " + hex(probity::view(value.as.bytes));
    }
    return "unknown";
}

static void show_rows(Show show, const probity::sql::Rows &rows) {
    std::string columns;
    for (std::size_t at = 0; at < rows.raw().column_count; at++) {
        const probity_sql_column &column = rows.raw().columns[at];
        columns += (at == 0 ? "" : ", ") + std::string(column.name) + " " + column.type_name;
    }
    show.text("columns", columns)
        .boolean("truncated", rows.truncated())
        .integer("rows", rows.size());
    std::size_t number = 0;
    for (probity::sql::Row row : rows) {
        std::string fields;
        for (std::size_t at = 0; at < row.size(); at++) fields += (at == 0 ? "" : ", ") + field(row[at]);
        show.text("row-" + std::to_string(++number), fields);
    }
}

Result<void> sql(Show show) {
    auto orders = probity::sql::open("orders");
    if (!orders) return orders.error();
    auto ping_ms = orders->ping();
    if (!ping_ms) return ping_ms.error();
    auto bytes = probity::sql::Value::bytes(std::string_view("\x00\xff", 2));
    auto rows = orders->query("SELECT $1, $2, $3, $4, $5, $6", {nullptr, true, 7, 1.5, "seven", bytes});
    if (!rows) return rows.error();
    show.text("engine", orders->engine()).number("ping-ms", *ping_ms);
    show_rows(show, *rows);
    return {};
}

Result<void> sql_write(Show show) {
    auto orders = probity::sql::open("orders");
    if (!orders) return orders.error();
    auto updated = orders->execute("UPDATE orders SET state = $1", {"paid"});
    if (!updated) return updated.error();
    auto probe = orders->begin();
    if (!probe) return probe.error();
    auto inserted = probe->execute("INSERT INTO probes VALUES ($1)", {1});
    if (!inserted) return inserted.error();
    auto rows = probe->query("SELECT count(*) FROM probes");
    if (!rows) return rows.error();
    auto counted = (*rows)[0].get<std::int64_t>(nullptr);
    if (!counted) return counted.error();
    if (auto done = probe->commit(); !done) return done;
    auto undone = orders->begin();
    if (!undone) return undone.error();
    if (auto done = undone->rollback(); !done) return done;
    show.integer("updated", *updated)
        .integer("inserted", *inserted)
        .integer("counted", *counted);
    return {};
}

/** The parts of a reply in the order of the contract. */
static std::string flat(probity::redis::Reply reply) {
    auto text = [&] { return std::string(probity::view(reply.raw()->as.bytes)); };
    std::string all = "unknown";
    switch (reply.kind()) {
    case PROBITY_REPLY_NIL:
        all = "nil";
        break;
    case PROBITY_REPLY_INTEGER:
        all = "integer " + std::to_string(reply.raw()->as.integer);
        break;
    case PROBITY_REPLY_NUMBER:
        all = "double " + decimal(reply.raw()->as.number);
        break;
    case PROBITY_REPLY_BOOLEAN:
        all = reply.raw()->as.boolean ? "boolean true" : "boolean false";
        break;
    case PROBITY_REPLY_SIMPLE:
        all = "simple " + text();
        break;
    case PROBITY_REPLY_BULK:
        all = "bulk " + hex(text());
        break;
    case PROBITY_REPLY_ERROR:
        all = "error " + text();
        break;
    case PROBITY_REPLY_ARRAY:
        all = "array " + std::to_string(reply.size());
        break;
    case PROBITY_REPLY_MAP:
        all = "map " + std::to_string(reply.size() / 2);
        break;
    }
    for (std::size_t at = 0; at < reply.size(); at++) all += ", " + flat(reply[at]);
    return all;
}

Result<void> redis(Show show) {
    auto cache = probity::redis::open("cache");
    if (!cache) return cache.error();
    auto ping_ms = cache->ping();
    if (!ping_ms) return ping_ms.error();
    auto reply = cache->command("HGETALL", {"orders"});
    if (!reply) return reply.error();
    show.number("ping-ms", *ping_ms).text("reply", flat(*reply));
    return {};
}

Result<void> queue(Show show) {
    auto stats = probity::queue::inspect("jobs");
    if (!stats) return stats.error();
    show.optional("depth", stats->depth)
        .optional("in-flight", stats->in_flight)
        .optional("consumers", stats->consumers)
        .optional("oldest-age-ms", stats->oldest_age_ms)
        .optional("lag", stats->lag);
    return {};
}

Result<void> queue_publish(Show) { return probity::queue::publish("jobs", "probe"); }

Result<void> secrets(Show show) {
    auto digest = probity::secrets::hmac_sha256("webhook", "payload");
    if (!digest) return digest.error();
    auto same = probity::secrets::matches("webhook", "s3cret");
    if (!same) return same.error();
    auto other = probity::secrets::matches("webhook", "secret");
    if (!other) return other.error();
    show.bytes("hmac", *digest).boolean("same", *same).boolean("other", *other);
    return {};
}

Result<void> reveal(Show show) {
    auto value = probity::secrets::reveal("webhook");
    if (!value) return value.error();
    show.integer("length", value->size()).text("value", *value);
    return {};
}
