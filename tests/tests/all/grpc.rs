//! The health of real gRPC servers, as the first-party check `grpc-health` sees it.

use probity_tests::host::{Host, first_party};
use probity_tests::servers::grpc::Grpc;

fn check(name: &str, port: u16, service: &str) -> String {
    let url = format!("http://127.0.0.1:{port}");
    format!(
        "[[check]]\nname = \"{name}\"\nplugin = \"grpc-health\"\nevery = \"200ms\"\n\
         grants = {{ http = [\"{url}/*\"] }}\n[check.config]\nurl = \"{url}\"\nservice = \"{service}\"\n"
    )
}

fn host(config: &str) -> Host {
    let host = Host::start(config);
    host.copy_in("grpc-health", &first_party("grpc-health"));
    host
}

fn message(host: &Host, check: &str, status: &str) -> String {
    host.wait_until(check, status)["message"].as_str().unwrap().to_owned()
}

// What the reference implementation says of each service is what the check says, and a dead server is unhealthy.
#[test]
fn each_answer_is_told_apart() {
    let (mut server, bare) = (Grpc::start(), Grpc::start_bare());
    let services = [
        ("whole", ""),
        ("orders", "orders.v1.Orders"),
        ("billing", "billing.v1.Billing"),
        ("limbo", "limbo.v1.Limbo"),
        ("missing", "missing.v1.Missing"),
    ];
    let config: String = services.iter().map(|(name, service)| check(name, server.port(), service)).collect();
    let host = host(&(config + &check("bare", bare.port(), "")));
    for (name, status, said) in [
        ("whole", "healthy", "is SERVING"),
        ("orders", "healthy", "orders.v1.Orders is SERVING"),
        ("billing", "unhealthy", "NOT_SERVING"),
        ("limbo", "unhealthy", "(UNKNOWN)"),
        ("missing", "unhealthy", "no such service (NOT_FOUND), grpc-status 5"),
        ("bare", "unhealthy", "does not implement grpc.health.v1"),
    ] {
        let message = message(&host, name, status);
        assert!(message.contains(said), "{name}: {message}");
    }
    server.kill();
    assert!(message(&host, "whole", "unhealthy").contains("refused"));
}

// Over TLS HTTP/2 is agreed on, with the authority of a connection.
#[test]
fn tls_through_an_endpoint() {
    let server = Grpc::start_tls(&["localhost"]);
    let config = format!(
        "[connections.orders]\nurl = \"https://localhost:{}\"\nca = {:?}\n[[check]]\nname = \"orders\"\nplugin = \
         \"grpc-health\"\nevery = \"200ms\"\ngrants = {{ http = [\"orders\"] }}\n[check.config]\nendpoint = \"orders\"\n",
        server.port(),
        server.ca()
    );
    let host = host(&config);
    assert!(message(&host, "orders", "healthy").contains("is SERVING"));
}

// A web server that speaks HTTP/1.1 only is unhealthy.
#[test]
fn no_grpc_at_all() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            // It says so and closes, whatever it was told.
            let _ = std::io::Write::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        }
    });
    let host = host(&check("web", port, ""));
    let message = message(&host, "web", "unhealthy");
    assert!(message.contains("HTTP/2"), "{message}");
}
