/**
 * @file
 * Rows and replies read as types, for the test of the kit: see `tests/tests/all/kits.rs`.
 */
#include <probity.hpp>

using probity::Result;
using std::string;

static Result<string> read(probity::sql::Connection &orders) {
    auto state = orders.scalar<std::string_view>("SELECT state FROM shop");
    if (!state) return state.error();
    auto count = orders.scalar<std::int64_t>("SELECT count(*) FROM orders WHERE at > $1", {"2026-11-20"});
    if (!count) return count.error();
    auto sum = orders.scalar<double>("SELECT sum(price) FROM orders");
    if (!sum) return sum.error();
    auto rows = orders.query("SELECT * FROM orders");
    if (!rows) return rows.error();
    auto row = (*rows)[1];
    auto name = row.get<std::string_view>("name");
    if (!name) return name.error();
    auto paid = row.get<bool>("paid");
    if (!paid) return paid.error();
    auto note = row.get<std::optional<std::string_view>>("note");
    if (!note) return note.error();
    auto wrong = row.get<std::int64_t>("name");
    if (wrong) return string("a name is no number");
    string text(*state);
    text += ": " + std::to_string(*count) + " orders of " + probity_show(*sum, PROBITY_NUMBER, "");
    text += ", the last of " + string(*name) + (*paid ? " is paid, " : " is not paid, ") + (*note ? "a note" : "no note");
    return text + ", lag LAG; " + string(wrong.error().message());
}

PROBITY_CHECK({.name = "reads"}) {
    auto orders = probity::sql::open("orders");
    if (!orders) return orders.error().failure();
    auto text = read(*orders);
    if (!text) return text.error().failure();
    auto cache = probity::redis::open("cache");
    if (!cache) return cache.error().failure();
    auto reply = cache->command("HGETALL", {"orders"});
    if (!reply) return reply.error().failure();
    auto lag = reply->get("lag");
    if (!lag || !lag->integer()) return probity::failure("no lag");
    return probity::healthy(text->replace(text->find("LAG"), 3, std::to_string(*lag->integer())));
}
