//! Databases and brokers over TLS: the server must be who the URL says, by the word of the authority that the connection
//! names, and gets the certificate that it asks for.

use probity_tests::guests::first_party;
use probity_tests::host::{Answer, Host};
use probity_tests::servers::certificates::{CLIENT, Certificates};
use probity_tests::servers::mariadb::MariaDb;
use probity_tests::servers::nats::Nats;
use probity_tests::servers::postgres::Postgres;
use probity_tests::servers::rabbitmq::RabbitMq;
use probity_tests::servers::redis::Redis;

/// What looks at a server.
#[derive(Clone, Copy)]
enum Look {
    Sql,
    Redis,
    /// At a queue, with its keys.
    Queue(&'static str),
}

/// A connection of some URL and keys, and what a check of it says.
struct Case {
    name: &'static str,
    url: String,
    keys: String,
    status: &'static str,
    text: &'static str,
}

fn case(name: &'static str, url: String, keys: String, (status, text): (&'static str, &'static str)) -> Case {
    Case { name, url, keys, status, text }
}

/// One host with a check for each case, ten times a second, until each says what it should.
fn look(look: Look, cases: &[Case]) {
    let (plugin, capability) = match look {
        Look::Sql => ("sql", "sql"),
        Look::Redis => ("redis", "redis"),
        Look::Queue(_) => ("queue-depth", "queue"),
    };
    let tables = cases.iter().map(|Case { name, url, keys, .. }| {
        let (queue, config) = match look {
            Look::Queue(of) => {
                (format!("[queues.{name}]\nconnection = \"{name}\"\n{of}\n"), format!("queues = [\"{name}\"]"))
            }
            _ => (String::new(), format!("connection = \"{name}\"")),
        };
        format!(
            "[connections.{name}]\nurl = \"{url}\"\n{keys}{queue}[[check]]\nname = \"{name}\"\nplugin = \"{plugin}\"\n\
             every = \"100ms\"\ngrants = {{ {capability} = [\"{name}\"] }}\n[check.config]\n{config}\n"
        )
    });
    let host = Host::start(&tables.collect::<String>());
    host.copy_in(plugin, &first_party(plugin));
    for Case { name, status, text, .. } in cases {
        host.wait_for(&format!("/checks/{name}"), |answer: &Answer| {
            let json = if answer.status == 200 { answer.json() } else { serde_json::Value::Null };
            json["status"] == *status && json["message"].as_str().is_some_and(|message| message.contains(text))
        });
    }
}

/// Name and authority right and wrong, with `mine` as what the server wants to be shown; `right` is what a check says that
/// gets through.
fn verified(
    url: impl Fn(&str) -> String,
    mine: &str,
    files: &Certificates,
    right: (&'static str, &'static str),
) -> Vec<Case> {
    let unknown = mine.replace(&files.trusted(), "");
    vec![
        case("right", url("localhost"), mine.to_owned(), right),
        case("address", url("127.0.0.1"), mine.to_owned(), ("unhealthy", "(wrong-name)")),
        case("unknown", url("localhost"), unknown, ("unhealthy", "(unknown-issuer)")),
    ]
}

fn expired(url: String, keys: String) -> [Case; 1] {
    [case("expired", url, keys, ("unhealthy", "(expired)"))]
}

const ANSWERS: (&str, &str) = ("healthy", "answers");

#[test]
fn postgres_over_tls() {
    let mut server = Postgres::start_tls(&["localhost"]);
    let files = server.certificates().clone();
    let url = |host: &str| format!("{}?sslmode=verify-full", server.url()).replace("127.0.0.1", host);
    let badge = format!("postgres://{CLIENT}@localhost:{}/shop", server.port());
    let mut cases = verified(url, &files.trusted(), &files, ANSWERS);
    cases.push(case("badge", badge.clone(), files.mutual(), ANSWERS));
    let without = format!("{badge}?sslmode=require");
    cases.push(case("nobody", without, files.trusted(), ("unhealthy", "client certificate (28000)")));
    look(Look::Sql, &cases);
    let url = url("localhost");
    files.expire();
    server.kill();
    server.restart();
    look(Look::Sql, &expired(url, files.trusted()));
    let plain = Postgres::start();
    let url = format!("{}?sslmode=require", plain.url());
    look(Look::Sql, &[case("plain", url, String::new(), ("unhealthy", "tls: "))]);
}

#[test]
fn mariadb_over_tls() {
    let mut server = MariaDb::start_tls(&["localhost"]);
    let files = server.certificates().clone();
    let url = |host: &str| format!("{}?sslmode=verify-full", server.url()).replace("127.0.0.1", host);
    let badge = format!("mysql://{CLIENT}@localhost:{}/shop", server.port());
    let mut cases = verified(url, &files.trusted(), &files, ANSWERS);
    cases.push(case("badge", badge.clone(), files.mutual(), ANSWERS));
    let without = format!("{badge}?sslmode=require");
    cases.push(case("nobody", without, files.trusted(), ("unhealthy", "auth: ")));
    look(Look::Sql, &cases);
    let url = url("localhost");
    files.expire();
    server.kill();
    server.restart();
    look(Look::Sql, &expired(url, files.trusted()));
}

#[test]
fn redis_over_tls() {
    let mut server = Redis::start_tls(&["localhost"]);
    let files = server.certificates().clone();
    let _ = server.command(&["CONFIG", "SET", "tls-auth-clients", "yes"]);
    let mut cases = verified(|host| server.tls_url(host), &files.mutual(), &files, ANSWERS);
    cases.push(case("nobody", server.tls_url("localhost"), files.trusted(), ("unhealthy", "tls: ")));
    look(Look::Redis, &cases);
    files.expire();
    server.kill();
    server.restart();
    look(Look::Redis, &expired(server.tls_url("localhost"), files.mutual()));
}

#[test]
fn nats_over_tls() {
    let mut server = Nats::start_tls(&["localhost"], true);
    let files = server.certificates().clone();
    // Whoever is told so is logged in.
    let through = ("unhealthy", "stream not found (10059)");
    let mut cases = verified(|host| server.tls_url(host), &files.mutual(), &files, through);
    cases.push(case("nobody", server.tls_url("localhost"), files.trusted(), ("unhealthy", "tls: ")));
    look(Look::Queue("stream = \"JOBS\""), &cases);
    files.expire();
    server.kill();
    server.restart();
    look(Look::Queue("stream = \"JOBS\""), &expired(server.tls_url("localhost"), files.mutual()));
}

#[test]
fn rabbitmq_over_tls() {
    let mut server = RabbitMq::start_tls(&["localhost"]);
    let files = server.certificates().clone();
    let empty = ("healthy", "0 messages wait");
    let mut cases = verified(|host| server.tls_url(host), &files.mutual(), &files, empty);
    cases.push(case("nobody", server.tls_url("localhost"), files.trusted(), ("unhealthy", "tls: ")));
    look(Look::Queue("name = \"jobs\""), &cases);
    files.expire();
    server.kill();
    server.restart();
    look(Look::Queue("name = \"jobs\""), &expired(server.tls_url("localhost"), files.mutual()));
}
