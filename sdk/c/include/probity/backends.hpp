/**
 * @file
 * Databases, Redis, queues and secrets in C++.
 */
#ifndef PROBITY_BACKENDS_HPP
#define PROBITY_BACKENDS_HPP

#include <vector>

#include "check.hpp"
#include "queue.h"
#include "redis.h"
#include "secrets.h"
#include "sql.h"

namespace probity {

/** SQL through a declared connection. The grant lists connections; read-only unless it says NAME:write. */
namespace sql {
/** A parameter. */
class Value {
public:
    Value(std::nullptr_t) : raw_(probity_sql_null()) {}
    Value(double value) : raw_(probity_sql_number(value)) {}
    /** A truth value, or any whole number. */
    template <class T, std::enable_if_t<std::is_integral_v<T>, int> = 0>
    Value(T value)
        : raw_(std::is_same_v<T, bool> ? probity_sql_boolean(value) : probity_sql_integer(static_cast<std::int64_t>(value))) {}
    Value(const char *value) : Value(std::string_view(value)) {}
    Value(const std::string &value) : Value(std::string_view(value)) {}
    Value(std::string_view value) : raw_(bytes(value).raw_) { raw_.kind = PROBITY_SQL_TEXT; }
    static Value bytes(std::string_view value) { return Value(probity_sql_bytes(keep(value), value.size())); }
    const probity_sql_value &raw() const { return raw_; }

private:
    explicit Value(const probity_sql_value &raw) : raw_(raw) {}
    probity_sql_value raw_;
};

using Params = std::initializer_list<Value>;

inline std::vector<probity_sql_value> raw(Params params) {
    std::vector<probity_sql_value> list;
    for (const Value &param : params) list.push_back(param.raw());
    return list;
}

/** One row. */
class Row {
public:
    Row(const probity_sql_rows *rows, std::size_t at) : rows_(rows), at_(at) {}
    /** The field of a column as bool, std::int64_t, double or std::string_view, or an std::optional of those where it may
     * be null; a null `column` is the first. PROBITY_INVALID_ARGUMENT when it is something else. */
    template <class T> Result<T> get(const char *column) const {
        T value = {};
        probity_error error = {};
        bool ok = read(column, value, error);
        return given(ok, value, error);
    }
    std::size_t size() const { return rows_->column_count; }
    /** A field by place; it must be less than size(). */
    const probity_sql_value &operator[](std::size_t column) const {
        return rows_->values[at_ * rows_->column_count + column];
    }

private:
    bool read(const char *column, bool &value, probity_error &error) const {
        return probity_sql_get_boolean(rows_, at_, column, &value, &error);
    }
    bool read(const char *column, std::int64_t &value, probity_error &error) const {
        return probity_sql_get_integer(rows_, at_, column, &value, &error);
    }
    bool read(const char *column, double &value, probity_error &error) const {
        return probity_sql_get_number(rows_, at_, column, &value, &error);
    }
    bool read(const char *column, std::string_view &value, probity_error &error) const {
        const char *text = nullptr;
        if (!probity_sql_get_text(rows_, at_, column, &text, &error)) return false;
        value = view(probity_sql_field(rows_, at_, column, nullptr)->as.bytes);
        return true;
    }
    template <class T> bool read(const char *column, std::optional<T> &value, probity_error &error) const {
        const probity_sql_value *field = probity_sql_field(rows_, at_, column, &error);
        if (field == nullptr) return false;
        if (field->kind == PROBITY_SQL_NULL) return true;
        return read(column, value.emplace(), error);
    }

    const probity_sql_rows *rows_;
    std::size_t at_;
};

/** What a query gave: a range of rows. */
class Rows {
public:
    Rows() = default;
    explicit Rows(const probity_sql_rows &raw) : raw_(raw) {}

    class Iterator {
    public:
        Iterator(const probity_sql_rows *rows, std::size_t at) : rows_(rows), at_(at) {}
        Row operator*() const { return {rows_, at_}; }
        Iterator &operator++() {
            at_++;
            return *this;
        }
        bool operator!=(const Iterator &other) const { return at_ != other.at_; }

    private:
        const probity_sql_rows *rows_;
        std::size_t at_;
    };

    Iterator begin() const { return {&raw_, 0}; }
    Iterator end() const { return {&raw_, raw_.row_count}; }
    std::size_t size() const { return raw_.row_count; }
    bool empty() const { return raw_.row_count == 0; }
    Row operator[](std::size_t at) const { return {&raw_, at}; }
    /** There are more rows than the host returns. */
    bool truncated() const { return raw_.truncated; }
    const probity_sql_rows &raw() const { return raw_; }

private:
    probity_sql_rows raw_ = {};
};

/** Rolled back when it goes without commit(): the shape of a dummy payment. */
class Transaction {
public:
    Transaction() = default;
    explicit Transaction(probity_sql_transaction *raw) : handle_(raw) {}
    Result<Rows> query(std::string_view statement, Params params = {}) {
        probity_error error = {};
        probity_sql_rows rows = {};
        auto list = sql::raw(params);
        bool ok = probity_sql_transaction_query(raw(), keep(statement), list.data(), list.size(), &rows, &error);
        return given(ok, Rows(rows), error);
    }
    Result<std::uint64_t> execute(std::string_view statement, Params params = {}) {
        probity_error error = {};
        std::uint64_t changed = 0;
        auto list = sql::raw(params);
        bool ok = probity_sql_transaction_execute(raw(), keep(statement), list.data(), list.size(), &changed, &error);
        return given(ok, changed, error);
    }
    /** Keeps what was done. */
    Result<void> commit() {
        probity_error error = {};
        return done(probity_sql_transaction_commit(raw(), &error), error);
    }
    /** Undoes what was done. */
    Result<void> rollback() {
        probity_error error = {};
        return done(probity_sql_transaction_rollback(raw(), &error), error);
    }
    probity_sql_transaction *raw() const { return handle_.raw(); }

private:
    Handle<probity_sql_transaction, probity_sql_transaction_free> handle_;
};

/** A database, with a session that the host keeps for this run. */
class Connection {
public:
    Connection() = default;
    explicit Connection(probity_sql *raw) : handle_(raw) {}
    /** "postgres", "mysql" (MariaDB as well), "sqlite" */
    std::string_view engine() const { return probity_sql_engine(raw()); }
    /** One round trip, in milliseconds. */
    Result<double> ping() {
        probity_error error = {};
        double ms = 0;
        bool ok = probity_sql_ping(raw(), &ms, &error);
        return given(ok, ms, error);
    }
    /** One statement and its rows. Placeholders are the engine's own: $1, ?. */
    Result<Rows> query(std::string_view statement, Params params = {}) {
        probity_error error = {};
        probity_sql_rows rows = {};
        auto list = sql::raw(params);
        bool ok = probity_sql_query(raw(), keep(statement), list.data(), list.size(), &rows, &error);
        return given(ok, Rows(rows), error);
    }
    /** The first field of the first row. */
    template <class T> Result<T> scalar(std::string_view statement, Params params = {}) {
        auto rows = query(statement, params);
        if (!rows) return rows.error();
        return (*rows)[0].template get<T>(nullptr);
    }
    /** One statement; the number of rows it changed. Needs NAME:write. */
    Result<std::uint64_t> execute(std::string_view statement, Params params = {}) {
        probity_error error = {};
        std::uint64_t changed = 0;
        auto list = sql::raw(params);
        bool ok = probity_sql_execute(raw(), keep(statement), list.data(), list.size(), &changed, &error);
        return given(ok, changed, error);
    }
    /** Begins a transaction. Needs NAME:write. */
    Result<Transaction> begin() {
        probity_error error = {};
        probity_sql_transaction *transaction = probity_sql_begin(raw(), &error);
        if (transaction == nullptr) return Error(error);
        return Transaction(transaction);
    }
    probity_sql *raw() const { return handle_.raw(); }

private:
    Handle<probity_sql, probity_sql_free> handle_;
};

/** Takes a session from the host's pool, or connects. */
inline Result<Connection> open(std::string_view name) {
    probity_error error = {};
    probity_sql *connection = probity_sql_open(keep(name), &error);
    if (connection == nullptr) return Error(error);
    return Connection(connection);
}
} // namespace sql

/** Redis or Valkey through a declared connection. Without a further grant only commands that read are allowed. */
namespace redis {
/** What a server answered; see probity_reply for all kinds. */
class Reply {
public:
    Reply() = default;
    explicit Reply(const probity_reply *raw) : raw_(raw) {}
    probity_reply_kind kind() const { return raw_->kind; }
    bool is_nil() const { return raw_->kind == PROBITY_REPLY_NIL; }
    /** A whole number, also one that came as text. */
    std::optional<std::int64_t> integer() const {
        std::int64_t value = 0;
        return probity_reply_integer(raw_, &value) ? std::optional(value) : std::nullopt;
    }
    /** The text of a word or of bytes. */
    std::optional<std::string_view> text() const {
        return probity_reply_text(raw_) == nullptr ? std::nullopt : std::optional(view(raw_->as.bytes));
    }
    /** Items of an array, keys and values of a map by turns; 0 of anything else. */
    std::size_t size() const {
        return kind() == PROBITY_REPLY_ARRAY || kind() == PROBITY_REPLY_MAP ? raw_->as.list.count : 0;
    }
    Reply operator[](std::size_t at) const { return Reply(&raw_->as.list.items[at]); }
    /** The value of `key` in a map, also of one that came as an array in which keys and values take turns. */
    std::optional<Reply> get(std::string_view key) const {
        const probity_reply *found = probity_reply_get(raw_, keep(key));
        return found == nullptr ? std::nullopt : std::optional(Reply(found));
    }
    const probity_reply *raw() const { return raw_; }

private:
    const probity_reply *raw_ = nullptr;
};

/** A connection. */
class Connection {
public:
    Connection() = default;
    explicit Connection(probity_redis *raw) : handle_(raw) {}
    /** The time of one PING, in milliseconds. */
    Result<double> ping() {
        probity_error error = {};
        double ms = 0;
        bool ok = probity_redis_ping(raw(), &ms, &error);
        return given(ok, ms, error);
    }
    /** Sends a command: command("HGET", {"orders", "open"}). */
    Result<Reply> command(std::string_view name, std::initializer_list<std::string_view> args = {}) {
        std::vector<probity_bytes> list;
        for (std::string_view arg : args) list.push_back({reinterpret_cast<const std::uint8_t *>(arg.data()), arg.size()});
        probity_error error = {};
        const probity_reply *reply = probity_redis_command_bytes(raw(), keep(name), list.data(), list.size(), &error);
        if (reply == nullptr) return Error(error);
        return Reply(reply);
    }
    probity_redis *raw() const { return handle_.raw(); }

private:
    Handle<probity_redis, probity_redis_free> handle_;
};

/** Takes a connection. */
inline Result<Connection> open(std::string_view name) {
    probity_error error = {};
    probity_redis *connection = probity_redis_open(keep(name), &error);
    if (connection == nullptr) return Error(error);
    return Connection(connection);
}
} // namespace redis

/** Queue and stream depth, whatever the broker behind the name. */
namespace queue {
/** Looks at a queue. */
inline Result<probity_queue_stats> inspect(std::string_view name) {
    probity_error error = {};
    probity_queue_stats stats = {};
    bool ok = probity_queue_inspect(keep(name), &stats, &error);
    return given(ok, stats, error);
}
/** Sends a probe message and waits until the broker has it. Needs NAME:publish. */
inline Result<void> publish(std::string_view name, std::string_view payload) {
    probity_error error = {};
    return done(probity_queue_publish(keep(name), payload.data(), payload.size(), &error), error);
}
} // namespace queue

/** Secrets that stay in the host. */
namespace secrets {
/** HMAC-SHA256 of `data` with a secret: 32 bytes. */
inline Result<std::string_view> hmac_sha256(std::string_view name, std::string_view data) {
    probity_error error = {};
    auto *digest = static_cast<std::uint8_t *>(probity_alloc(PROBITY_HMAC_SHA256_LENGTH));
    bool ok = probity_secrets_hmac_sha256(keep(name), data.data(), data.size(), digest, &error);
    return given(ok, view({digest, PROBITY_HMAC_SHA256_LENGTH}), error);
}
/** Whether `candidate` is the secret, compared in constant time. */
inline Result<bool> matches(std::string_view name, std::string_view candidate) {
    probity_error error = {};
    bool same = false;
    bool ok = probity_secrets_matches(keep(name), candidate.data(), candidate.size(), &same, &error);
    return given(ok, same, error);
}
/** The value itself; needs NAME:reveal. The host takes it out again of whatever the check says. */
inline Result<std::string_view> reveal(std::string_view name) {
    probity_error error = {};
    const char *value = probity_secrets_reveal(keep(name), &error);
    if (value == nullptr) return Error(error);
    return std::string_view(value);
}
} // namespace secrets

} // namespace probity

#endif
