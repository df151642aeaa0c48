//! Types and traits generated from `wit/`: the one place where the contract becomes Rust on the host.
//!
//! The world lists what this version of the host offers, so that nothing has to be stubbed.

#![allow(unsafe_code, reason = "`bindgen!` emits `unsafe impl` for the component-model type descriptions")]
#![allow(missing_docs, unreachable_pub, clippy::all, reason = "generated; the documentation is in wit/")]

wasmtime::component::bindgen!({
    path: "../../wit",
    inline: "
        package probity:host;
        world offered {
            include probity:check/check@0.1.0;
            import probity:check/state@0.1.0;
            import probity:check/http@0.1.0;
            import probity:check/tcp@0.1.0;
            import probity:check/udp@0.1.0;
            import probity:check/sql@0.1.0;
            import probity:check/tls@0.1.0;
            import probity:check/dns@0.1.0;
            import probity:check/system@0.1.0;
            import probity:check/redis@0.1.0;
            import probity:check/queue@0.1.0;
            import probity:check/secrets@0.1.0;
            import probity:check/heartbeats@0.1.0;
            import probity:check/peers@0.1.0;
        }
    ",
    imports: {
        "probity:check/context": trappable,
        "probity:check/log": trappable,
        "probity:check/clock.now-unix-ms": trappable,
        "probity:check/clock.monotonic-ns": trappable,
        "probity:check/state": trappable,
        "probity:check/heartbeats": trappable,
        "probity:check/peers": trappable,
        default: async | trappable,
    },
    exports: { default: async },
    with: {
        "probity:check/http.request": super::http::OutgoingRequest,
        "probity:check/http.response": super::http::IncomingResponse,
        "probity:check/tcp.socket": super::tcp::TcpSocket,
        "probity:check/sql.connection": super::sql::SqlConnection,
        "probity:check/sql.transaction": super::sql::SqlTransaction,
        "probity:check/redis.connection": super::redis::RedisConnection,
    },
    trappable_error_type: { "probity:check/types.error" => super::HostError },
});
