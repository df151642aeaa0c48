//! One check for each system that a capability reaches, as a configuration has it: what the tests of faults go through.

use probity_tests::servers::faulty::Words::{self, Answer, Greeting};

/// A system, and how a server of it begins to speak.
#[derive(Clone, Copy, Debug)]
pub(super) struct System {
    /// Part of the check's name.
    pub(super) name: &'static str,
    /// The first-party check that looks at it.
    pub(super) plugin: &'static str,
    /// Where its server is.
    target: Target,
    /// Right so far, and without end when the last byte is repeated.
    pub(super) begins: Words,
}

/// How a check gets to its server.
#[derive(Clone, Copy, Debug)]
enum Target {
    /// `http` with a URL of this scheme.
    Url(&'static str),
    /// `tcp` or `tls` by host and port, with more keys.
    Port(&'static str, &'static str),
    /// `sql` or `redis` with a connection of this URL, where `PORT` stands for the port.
    Connection(&'static str, &'static str),
    /// `queue` likewise, with the queue's keys.
    Queue(&'static str, &'static str),
    /// `dns` through a name server.
    Resolver,
}

/// A TLS record of 4 KiB with a server's hello in it.
const TLS: &[u8] = &[0x16, 3, 3, 0x10, 0, 2, 0, 0x0f, 0xfc, 3, 3, 0];

/// A header that does not end.
const HTTP: &[u8] = b"HTTP/1.1 200 OK\r\nX-Slow: a";

/// Every system that is reached over TCP.
pub(super) const SYSTEMS: [System; 11] = [
    System { name: "http", plugin: "http", target: Target::Url("http"), begins: Answer(HTTP) },
    System { name: "https", plugin: "http", target: Target::Url("https"), begins: Answer(TLS) },
    System {
        name: "tcp",
        plugin: "tcp",
        target: Target::Port("tcp", "send = \"PING\\r\\n\"\nexpect = \"+PONG\"\n"),
        begins: Answer(b"+NO"),
    },
    System { name: "tls", plugin: "tls-certificate", target: Target::Port("tls", ""), begins: Answer(TLS) },
    System {
        name: "postgres",
        plugin: "sql",
        target: Target::Connection("sql", "postgres://u:swordfish@127.0.0.1:PORT/shop"),
        // A request for a password, 4 KiB long.
        begins: Answer(&[b'R', 0, 0, 0x10, 0, 0, 0, 0, 10, b'a']),
    },
    System {
        name: "mysql",
        plugin: "sql",
        target: Target::Connection("sql", "mysql://u:swordfish@127.0.0.1:PORT/shop"),
        // A greeting of 4 KiB, in the middle of the version.
        begins: Greeting(&[0, 0x10, 0, 0, 10, b'5']),
    },
    System {
        name: "redis",
        plugin: "redis",
        target: Target::Connection("redis", "redis://u:swordfish@127.0.0.1:PORT"),
        begins: Answer(b"%1\r\n$4000\r\na"),
    },
    System {
        name: "amqp",
        plugin: "queue-depth",
        target: Target::Queue("amqp://u:swordfish@127.0.0.1:PORT", "name = \"jobs\"\n"),
        // `connection.start` in a frame of 4 KiB.
        begins: Answer(&[1, 0, 0, 0, 0, 0x10, 0, 0, 10, 0, 10, 0]),
    },
    System {
        name: "nats",
        plugin: "queue-depth",
        target: Target::Queue("nats://u:swordfish@127.0.0.1:PORT", "stream = \"JOBS\"\n"),
        begins: Greeting(b"INFO {\"a"),
    },
    System {
        name: "redis-list",
        plugin: "queue-depth",
        target: Target::Queue("redis://u:swordfish@127.0.0.1:PORT", "list = \"jobs\"\n"),
        begins: Answer(b"%1\r\n$4000\r\na"),
    },
    System {
        name: "endpoint",
        plugin: "http",
        target: Target::Connection("http", "http://u:swordfish@127.0.0.1:PORT"),
        begins: Answer(HTTP),
    },
];

/// Names are asked for over UDP, so that connections say nothing about it.
pub(super) const DNS: System = System { name: "dns", plugin: "dns", target: Target::Resolver, begins: Answer(b"") };

impl System {
    /// The tables of the check `name`, and of what it needs, with the server at `port`. `timing` is part of the check.
    pub(super) fn config(&self, name: &str, port: u16, timing: &str) -> String {
        let url = |text: &str| text.replace("PORT", &port.to_string());
        let (tables, grant, config) = match self.target {
            Target::Url(scheme) => {
                let url = format!("{scheme}://127.0.0.1:{port}/health");
                (String::new(), format!("http = [\"{url}\"]"), format!("url = \"{url}\"\n"))
            }
            Target::Port(capability, more) => {
                let config = format!("host = \"127.0.0.1\"\nport = {port}\n{more}");
                (String::new(), format!("{capability} = [\"127.0.0.1:{port}\"]"), config)
            }
            Target::Connection(capability, to) => {
                let config = match capability {
                    "http" => format!("endpoint = \"{name}\"\nurl = \"/health\"\n"),
                    _ => format!("connection = \"{name}\"\n"),
                };
                let table = format!("[connections.{name}]\nurl = \"{}\"\n", url(to));
                (table, format!("{capability} = [\"{name}\"]"), config)
            }
            Target::Queue(to, keys) => {
                let connection = format!("[connections.{name}]\nurl = \"{}\"\n", url(to));
                let queue = format!("[queues.{name}]\nconnection = \"{name}\"\n{keys}");
                (connection + &queue, format!("queue = [\"{name}\"]"), format!("queues = [\"{name}\"]\n"))
            }
            Target::Resolver => {
                let table = format!("[resolvers.{name}]\naddress = \"127.0.0.1:{port}\"\n");
                let config = format!("name = \"shop.test\"\nresolver = \"{name}\"\n");
                (table, format!("dns = [\"shop.test\", \"resolver:{name}\"]"), config)
            }
        };
        format!(
            "{tables}[[check]]\nname = \"{name}\"\nplugin = \"{}\"\n{timing}grants = {{ {grant} }}\n[check.config]\n{config}",
            self.plugin
        )
    }
}
