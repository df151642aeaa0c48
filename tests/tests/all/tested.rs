//! Which systems each first-party check was tested against: the table in docs/checks/README.md.
//!
//! To renew it with the versions that are installed: `PROBITY_BLESS=1 cargo test -p probity-tests --test all -- tested::`.

use std::process::Command;
use std::time::{Duration, Instant};

use probity_config::grants::NamedGrant;
use probity_config::{Connection, Egress, Grants, SqlBounds};
use probity_drivers::net::{Net, Resolver};
use probity_drivers::sql::Databases;
use probity_tests::servers::program;

use super::checks::names;
use super::docs::{read, root, rows};

/// A check, the systems, and the module of these tests in which a real host runs it against them.
type Entry = (&'static str, &'static [System], &'static str);

#[derive(Clone, Copy, Debug, PartialEq)]
enum System {
    Chrony,
    Dovecot,
    Dropbear,
    Grpc,
    HaProxy,
    Linux,
    MariaDb,
    Nats,
    Nginx,
    OpenSsh,
    Postgres,
    Prometheus,
    RabbitMq,
    Redis,
    RedisSentinel,
    Sqlite,
    /// A server that speaks the protocol, in the test itself.
    Ours(&'static str),
}

use System::{
    Chrony, Dovecot, Dropbear, Grpc, HaProxy, Linux, MariaDb, Nats, Nginx, OpenSsh, Ours, Postgres, Prometheus,
    RabbitMq, Redis, RedisSentinel, Sqlite,
};

const ENTRIES: &[Entry] = &[
    ("banner", &[OpenSsh, Dovecot, Dropbear], "greeters"),
    ("composite", &[Ours("checks of the same host")], "peers"),
    ("cpu", &[Linux], "machine"),
    ("disk", &[Linux], "machine"),
    ("dns", &[Ours("a name server of the test, by hickory")], "dns"),
    ("domain-expiry", &[Ours("an RDAP server of the test, in Python")], "web"),
    ("file-age", &[Linux], "machine"),
    ("grpc-health", &[Grpc], "grpc"),
    ("heartbeat", &[Ours("the host's own routes")], "heartbeats"),
    ("http", &[Nginx, HaProxy], "web"),
    ("json-api", &[Ours("a shop of the test, in Python")], "web"),
    ("load", &[Linux], "machine"),
    ("memory", &[Linux], "machine"),
    ("ntp", &[Chrony], "ntp"),
    ("pressure", &[Linux], "machine"),
    ("process", &[Linux], "machine"),
    ("prometheus", &[Prometheus], "web"),
    ("queue-depth", &[RabbitMq, Nats, Redis], "queue"),
    ("redis", &[Redis, RedisSentinel], "redis"),
    ("sql", &[Postgres, MariaDb, Sqlite], "sql"),
    ("tcp", &[Redis], "ports"),
    ("tls-certificate", &[Ours("a TLS server of the test, by rustls")], "tls"),
];

impl System {
    const fn name(self) -> &'static str {
        match self {
            Chrony => "chrony",
            Dovecot => "Dovecot",
            Dropbear => "Dropbear",
            Grpc => "gRPC for Python",
            HaProxy => "HAProxy",
            Linux => "Linux",
            MariaDb => "MariaDB",
            Nats => "NATS",
            Nginx => "nginx",
            OpenSsh => "OpenSSH",
            Postgres => "PostgreSQL",
            Prometheus => "Prometheus",
            RabbitMq => "RabbitMQ",
            Redis => "Redis",
            RedisSentinel => "Redis Sentinel",
            Sqlite => "SQLite",
            Ours(what) => what,
        }
    }

    /// What says the version that is installed.
    fn version(self) -> String {
        let said = match self {
            Chrony => said("chronyd", "chrony", &["-v"]),
            Dovecot => said("dovecot", "dovecot-core", &["--version"]),
            Dropbear => said("dropbear", "dropbear-bin", &["-V"]),
            Grpc => read("tests/requirements.txt").split("grpcio==").nth(1).unwrap_or_default().to_owned(),
            HaProxy => said("haproxy", "haproxy", &["-v"]),
            Linux => read("/proc/sys/kernel/osrelease"),
            MariaDb => said("mariadbd", "mariadb-server", &["--version"]),
            Nats => said("nats-server", "nats-server", &["--version"]),
            Nginx => said("nginx", "nginx-light", &["-v"]),
            OpenSsh => said("ssh", "openssh-client", &["-V"]).replace("OpenSSH_", ""),
            Postgres => said("psql", "postgresql", &["--version"]),
            Prometheus => said("prometheus", "prometheus", &["--version"]),
            RabbitMq => said("dpkg-query", "dpkg", &["-W", "-f", "${Version}", "rabbitmq-server"]),
            Redis | RedisSentinel => said("redis-cli", "redis-tools", &["--version"]),
            Sqlite => bundled_sqlite(),
            Ours(_) => return String::new(),
        };
        number(&said).unwrap_or_else(|| panic!("no version of {}: {said}", self.name()))
    }

    fn cell(self) -> String {
        format!("{} {}", self.name(), self.version()).trim().to_owned()
    }
}

fn said(name: &str, package: &str, args: &[&str]) -> String {
    let output = Command::new(program(name, package)).args(args).output().expect("it starts");
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

/// Of the one that the host brings along, by its own word.
fn bundled_sqlite() -> String {
    let file = tempfile::NamedTempFile::new().unwrap();
    let connection =
        Connection::Sqlite(file.path().to_owned(), SqlBounds { pool: 1, rows_max: 1, idle: SqlBounds::IDLE });
    let net = Net::new(Egress::default(), Resolver::default());
    let databases = Databases::new(&net, &[("own".to_owned(), connection)].into());
    let grants = Grants { sql: vec![NamedGrant::sql("own").unwrap()], ..Grants::default() };
    let (database, access) = databases.granted("own", &grants).unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    let work = async {
        let mut session = database.session(access, deadline).await.unwrap();
        session.query("SELECT sqlite_version()", &[], 1 << 10, deadline).await.unwrap()
    };
    format!("{:?}", tokio::runtime::Runtime::new().unwrap().block_on(work))
}

/// The first number with at least one dot: `15.18` of `postgres (PostgreSQL) 15.18 (Debian …)`.
fn number(text: &str) -> Option<String> {
    let words = text.split(|c: char| !(c.is_ascii_digit() || c == '.'));
    words.map(|word| word.trim_matches('.')).find(|word| word.contains('.')).map(str::to_owned)
}

const PAGE: &str = "docs/checks/README.md";
const START: &str = "<!-- tested: written by PROBITY_BLESS=1 cargo test -p probity-tests --test all -- tested:: -->\n";
const END: &str = "<!-- /tested -->\n";

// Every check has an entry, its test is where the entry says, and the table names the systems with a version each.
#[test]
fn every_check_names_its_systems() {
    let checks: Vec<&str> = ENTRIES.iter().map(|(check, ..)| *check).collect();
    assert_eq!(checks, names(), "a check without an entry here, or an entry without a check");
    for (check, _, module) in ENTRIES {
        let tests = read(format!("tests/tests/all/{module}.rs"));
        assert!(tests.contains(&format!("{check}\"")), "tests/tests/all/{module}.rs runs no {check}");
    }
    let page = read(PAGE);
    let (before, rest) = page.split_once(START).expect("the page has the mark of the table");
    let (table, after) = rest.split_once(END).expect("the page has the mark after the table");
    if std::env::var_os("PROBITY_BLESS").is_some() {
        let mut text = format!("{before}{START}| check | tested against |\n| --- | --- |\n");
        for (check, systems, module) in ENTRIES {
            let cells: Vec<String> = systems.iter().map(|system| system.cell()).collect();
            let link = format!("../../tests/tests/all/{module}.rs");
            text += &format!("| [`{check}`]({link}) | {} |\n", cells.join(", "));
        }
        std::fs::write(root().join(PAGE), text + END + after).unwrap();
        return;
    }
    let rows = rows(table);
    assert_eq!(rows.len(), ENTRIES.len() + 1, "{PAGE}: renew the table, see tests/tests/all/tested.rs");
    for (row, (check, systems, _)) in rows[1..].iter().zip(ENTRIES) {
        assert!(row[0].starts_with(&format!("[`{check}`]")), "{row:?}: expected {check}");
        let named = systems.iter().filter(|system| !matches!(system, Ours(_)));
        for system in named {
            let version = row[1].split(&format!("{} ", system.name())).nth(1).and_then(number);
            assert!(version.is_some(), "{check}: no version of {}: {row:?}", system.name());
        }
        let ours = systems.iter().all(|system| row[1].contains(system.name()));
        assert!(ours, "{check}: renew the table: {row:?}");
    }
}
