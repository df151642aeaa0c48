/**
 * @file
 * How what a call returned is shown.
 */
#ifndef SHOW_HPP
#define SHOW_HPP

#include <probity.hpp>

/** The outcome that what came back is added to, and what goes before its names. */
class Show {
public:
    explicit Show(probity::Outcome outcome, std::string prefix = "") : outcome_(outcome), prefix_(std::move(prefix)) {}

    Show &integer(std::string_view name, std::int64_t value) {
        outcome_.measure(prefix_ + std::string(name), value);
        return *this;
    }
    Show &number(std::string_view name, double value) {
        outcome_.measure(prefix_ + std::string(name), value);
        return *this;
    }
    Show &boolean(std::string_view name, bool value) {
        outcome_.measure(prefix_ + std::string(name), value);
        return *this;
    }
    Show &text(std::string_view name, std::string_view value) {
        outcome_.detail(prefix_ + std::string(name), value);
        return *this;
    }
    Show &none(std::string_view name) { return text(name, "none"); }
    /** A null pointer is absent. */
    Show &optional_text(std::string_view name, const char *value) { return value == nullptr ? none(name) : text(name, value); }
    /** NAN is absent. */
    Show &optional(std::string_view name, double value) { return value != value ? none(name) : number(name, value); }
    Show &optional(std::string_view name, probity_option value) {
        return value ? integer(name, *value) : none(name);
    }
    Show &bytes(std::string_view name, std::string_view value);
    Show &status(std::string_view name, bool concluded, probity_status status) {
        return concluded ? text(name, probity_status_name(status)) : none(name);
    }
    Show &session(const probity_tls_info &info);
    Show &certificate(const probity_certificate &certificate);
    Show &fields(std::string_view name, const probity_fields &fields);

    /** The same with more before the names. */
    Show below(std::string_view prefix) const { return Show(outcome_, prefix_ + std::string(prefix)); }
    /** The same for one item of a list. */
    Show item(std::size_t at) const { return below(std::to_string(at + 1) + "-"); }

private:
    probity::Outcome outcome_;
    std::string prefix_;
};

std::string hex(std::string_view bytes);
std::string joined(const probity_texts &texts);

/** An act calls something and shows what came back. */
using Act = probity::Result<void>(Show);

Act show_context, show_clock, show_state, show_state_large, show_state_key;
Act http_get, http_tls, http_send, http_all, tcp, starttls, tls, tls_trusting, tls_named, udp, dns, dns_at;
Act sql, sql_write, redis, queue, queue_publish, secrets, reveal;
Act memory, cpu, load, pressure, uptime, disk, disks, processes, file, heartbeat, heartbeats, heartbeat_open, peer, peers;

#endif
