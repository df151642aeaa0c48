//! Secrets planted in every place that a configuration has for them, and looked for in everything that comes out.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use base64::Engine;
use probity_tests::guests::{self, first_party};
use probity_tests::host::{Answer, Host, TOKEN, binary};
use probity_tests::servers::certificates;
use probity_tests::servers::free_port;
use probity_tests::servers::mariadb::{self, MariaDb};
use probity_tests::servers::nats::{self, Nats};
use probity_tests::servers::postgres::{self, Postgres};
use probity_tests::servers::redis::{self, Redis};

use super::secrets::TELLTALE;

/// Secrets of connections that fail, of headers, tokens, files and the environment. Those of servers that work are theirs.
const PLANTED: [&str; 17] = [
    "planted-postgres",
    "planted-mysql",
    "planted-redis",
    "planted-nats",
    "planted-nats-token",
    "planted-amqp",
    "planted-refused",
    "planted-basic",
    "planted-bearer",
    "planted-api-key",
    "planted-proxy",
    "planted-secret",
    "planted-heartbeat",
    "planted-environment",
    "planted-of-a-file",
    "planted-default",
    "planted-in-what-is-broken",
];

/// Answers every request with the credentials in it, which a careless service does, too.
fn echo() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut lines = BufReader::new(&stream).lines().map_while(Result::ok);
            let head: Vec<String> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
            let value = |name: &str| {
                let line = head.iter().find(|line| line.to_lowercase().starts_with(name));
                line.and_then(|line| line.split_once(": ")).map_or("", |(_, value)| value).to_owned()
            };
            let (authorization, key) = (value("authorization:"), value("x-api-key:"));
            let body = serde_json::json!({ "authorization": authorization, "key": key }).to_string();
            let length = body.len();
            // A client that has gone needs no answer.
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nx-echo: {authorization}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            );
        }
    });
    port
}

/// Tables of the configuration, and the names of its checks.
#[derive(Default)]
struct Plan {
    text: String,
    checks: Vec<String>,
}

impl Plan {
    fn add(&mut self, name: &str, plugin: &str, grants: &str, tables: &str, config: &str) {
        self.text += &format!(
            "{tables}[[check]]\nname = \"{name}\"\nplugin = \"{plugin}\"\nevery = \"200ms\"\ntimeout = \"1s\"\n\
             grants = {{ {grants} }}\n[check.config]\n{config}\n"
        );
        self.checks.push(name.to_owned());
    }

    /// A check through a connection of its own name.
    fn connect(&mut self, name: &str, plugin: &str, url: &str, keys: &str, config: &str) {
        let capability = if plugin == "http" { "http" } else { plugin };
        let table = format!("[connections.{name}]\nurl = \"{url}\"\n{keys}");
        let key = if plugin == "http" { "endpoint" } else { "connection" };
        let grants = format!("{capability} = [\"{name}\"]");
        self.add(name, plugin, &grants, &table, &format!("{key} = \"{name}\"\n{config}"));
    }

    fn queue(&mut self, name: &str, url: &str, keys: &str) {
        let tables =
            format!("[connections.{name}]\nurl = \"{url}\"\n[queues.{name}]\nconnection = \"{name}\"\n{keys}\n");
        self.add(name, "queue-depth", &format!("queue = [\"{name}\"]"), &tables, &format!("queues = [\"{name}\"]"));
    }
}

struct Servers {
    postgres: Postgres,
    mariadb: MariaDb,
    redis: Redis,
    nats: Nats,
}

/// Succeeding and failing checks over all of them.
fn plan(servers: &Servers, dir: &Path) -> Plan {
    let (echo, closed) = (echo(), free_port());
    let mut plan = Plan::default();
    let Servers { postgres, mariadb, redis, nats } = servers;
    let wrong = |url: String, right: &str, planted: &str| url.replace(right, planted);
    plan.connect("pg", "sql", &postgres.url(), "", "");
    plan.connect("pg-wrong", "sql", &wrong(postgres.url(), postgres::PASSWORD, "planted-postgres"), "", "");
    let query = "mode = \"query\"\nquery = \"SELECT * FROM \\\"${PLANTED_ENVIRONMENT}\\\"\"\n";
    plan.connect("pg-query", "sql", &postgres.url(), "", query);
    plan.connect("my", "sql", &mariadb.url(), "", "");
    plan.connect("my-wrong", "sql", &wrong(mariadb.url(), mariadb::PASSWORD, "planted-mysql"), "", "");
    plan.connect("cache", "redis", &redis.url(), "", "");
    plan.connect("cache-wrong", "redis", &wrong(redis.url(), redis::PASSWORD, "planted-redis"), "", "");
    plan.queue("bus", &nats.url(), "stream = \"JOBS\"");
    plan.queue("bus-wrong", &wrong(nats.url(), nats::PASSWORD, "planted-nats"), "stream = \"JOBS\"");
    let token = format!("nats://planted-nats-token@{}", nats.url().rsplit('@').next().unwrap());
    plan.queue("bus-token", &token, "stream = \"JOBS\"");
    plan.queue("rabbit", &format!("amqp://u:planted-amqp@127.0.0.1:{closed}"), "name = \"jobs\"");
    plan.connect("refused", "sql", &format!("mysql://u:planted-refused@127.0.0.1:{closed}/x"), "", "");
    let asks = "url = \"/\"\njson = [{ pointer = \"/authorization\", equals = \"x\" }, { pointer = \"/key\", equals = \"x\" }]";
    plan.connect("basic", "http", &format!("http://u:planted-basic@127.0.0.1:{echo}"), "", asks);
    let bearer =
        "headers = { Authorization = \"Bearer planted-bearer\", X-Api-Key = \"${file:key.txt}planted-api-key\" }\n";
    plan.connect("bearer", "http", &format!("http://127.0.0.1:{echo}"), bearer, asks);
    plan.connect("fine", "http", &format!("http://127.0.0.1:{echo}/"), bearer, "url = \"/\"");
    let proxy = format!("proxy = \"http://u:planted-proxy@127.0.0.1:{echo}\"\n");
    plan.connect("proxied", "http", "http://127.0.0.1:1", &proxy, asks);
    let files = certificates::write(dir, &["localhost"]);
    plan.connect("mutual", "http", &format!("https://127.0.0.1:{echo}"), &files.mutual(), "url = \"/\"");
    let url = format!("postgres://u@127.0.0.1:{}/x", postgres.port());
    plan.connect("mutual-pg", "sql", &url, &files.mutual(), "");
    let tcp = format!("tcp = [\"127.0.0.1:{echo}\"]");
    let config =
        format!("host = \"127.0.0.1\"\nport = {echo}\nsend = \"\\r\\n\\r\\n\"\nexpect = \"${{file:secret.txt}}\"");
    plan.add("file", "tcp", &tcp, "", &config);
    let url = format!("${{NOBODY_SETS_THIS:-mysql://u:planted-default@127.0.0.1:{closed}/x}}");
    plan.connect("default", "sql", &url, "", "");
    let secret = "[secrets.webhook]\nvalue = \"planted-secret\"\n[heartbeats.backup]\ntoken = \"planted-heartbeat\"\n";
    plan.add("tell", "tell", "secrets = [\"webhook:reveal\"]", secret, "");
    let config = "name = \"backup\"\nperiod = \"1h\"";
    plan.add("backup", "heartbeat", "heartbeats = [\"backup\"]", "", config);
    plan
}

/// Every event from now on.
fn listen(host: &Host) -> Arc<Mutex<String>> {
    let mut stream = TcpStream::connect(host.address()).unwrap();
    write!(stream, "GET /events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {TOKEN}\r\n\r\n").unwrap();
    let heard = Arc::new(Mutex::new(String::new()));
    let kept = Arc::clone(&heard);
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = stream.read(&mut buffer) {
            kept.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..read]));
        }
    });
    heard
}

/// What the program prints with these arguments, whatever it thinks of them.
fn prints(host: &Host, args: &[&str]) -> String {
    let mut command = Command::new(binary());
    command.args(args).current_dir(host.dir()).env("PLANTED_ENVIRONMENT", "planted-environment");
    command.env("PROBITY_TOKEN", TOKEN).env("RUST_LOG", "trace").env("PROBITY_LOG", "trace");
    let output = command.output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// The bytes of every file below `dir` that the host wrote, by name.
fn written(dir: &Path, into: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(dir).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            written(&path, into);
        } else if !path.extension().is_some_and(|kind| ["toml", "pem", "key", "txt"].iter().any(|own| kind == *own)) {
            into.push((
                path.display().to_string(),
                String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned(),
            ));
        }
    }
}

/// Everything that comes out of a host and of the program, with where it did.
fn everything(host: &Host, plan: &Plan, events: &Mutex<String>) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let mut paths: Vec<String> = [
        "/",
        "/live",
        "/ready?verbose",
        "/startup?verbose",
        "/health",
        "/checks",
        "/plugins",
        "/metrics",
        "/heartbeats",
        "/heartbeats/backup",
        "/nowhere",
    ]
    .map(str::to_owned)
    .to_vec();
    paths.extend(
        ["health+json", "spring", "microprofile", "xabaril", "nagios", "text"]
            .map(|dialect| format!("/health?format={dialect}")),
    );
    paths.extend(
        ["sql", "redis", "http", "tcp", "queue-depth", "tell", "heartbeat"].map(|plugin| format!("/plugins/{plugin}")),
    );
    paths.extend(plan.checks.iter().flat_map(|check| [format!("/checks/{check}"), format!("/checks/{check}/history")]));
    all.extend(paths.into_iter().map(|path| (path.clone(), host.get(&path).body)));
    for check in &plan.checks {
        all.push((format!("run {check}"), host.post(&format!("/checks/{check}/run")).body));
        for output in ["human", "json"] {
            all.push((format!("probity explain {check}"), prints(host, &["explain", check, "--output", output])));
            all.push((format!("probity run {check}"), prints(host, &["run", "--check", check, "--output", output])));
        }
    }
    let url = host.url("/");
    for args in [
        &["validate"][..],
        &["validate", "--output", "json"],
        &["inspect", "plugins/sql.wasm"],
        &["run", "--check", "pg-wrong", "--output", "nagios"],
        &["status", "--url", &url],
        &["schema"],
    ] {
        all.push((format!("probity {}", args.join(" ")), prints(host, args)));
    }
    all.push(("log".to_owned(), host.log()));
    all.push(("/events".to_owned(), events.lock().unwrap().clone()));
    written(host.dir(), &mut all);
    all
}

/// What must not be found: every secret, as it is and as base64 makes it.
fn needles(dir: &Path) -> Vec<String> {
    let servers = [postgres::PASSWORD, mariadb::PASSWORD, redis::PASSWORD, nats::PASSWORD, TOKEN, "key-of-a-file"];
    let mut needles: Vec<String> = PLANTED.iter().chain(&servers).map(|secret| (*secret).to_owned()).collect();
    let basic = |pair: &str| base64::engine::general_purpose::STANDARD.encode(pair);
    needles.extend(["u:planted-basic", "u:planted-proxy"].map(basic));
    let key = std::fs::read_to_string(dir.join("client.key")).unwrap();
    needles.extend(key.lines().filter(|line| !line.starts_with("-----")).map(str::to_owned));
    needles
}

// Whatever holds a secret, nothing that comes out does: no answer, event, metric, log line at its finest, file, or word of
// the program; neither of checks that work, nor of those that fail, nor of a configuration that cannot be read.
#[test]
fn secrets_never_come_out() {
    let servers =
        Servers { postgres: Postgres::start(), mariadb: MariaDb::start(), redis: Redis::start(), nats: Nats::start() };
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("plugins")).unwrap();
    std::fs::write(dir.path().join("secret.txt"), "planted-of-a-file").unwrap();
    std::fs::write(dir.path().join("key.txt"), "key-of-a-file").unwrap();
    for plugin in ["sql", "redis", "http", "tcp", "queue-depth", "heartbeat"] {
        std::fs::write(dir.path().join(format!("plugins/{plugin}.wasm")), first_party(plugin)).unwrap();
    }
    std::fs::write(dir.path().join("plugins/tell.wasm"), guests::encode(TELLTALE).unwrap()).unwrap();
    let plan = plan(&servers, dir.path());
    let env = [("PLANTED_ENVIRONMENT", "planted-environment".to_owned()), ("PROBITY_LOG", "trace".to_owned())];
    let host = Host::start_with(dir, &plan.text, &env);
    let events = listen(&host);
    let said = host.post_text("/heartbeats/backup/fail", "exit 1 with planted-heartbeat");
    for check in &plan.checks {
        let has_run = |answer: &Answer| answer.status == 200 && answer.json()["counters"]["runs"].as_u64() > Some(1);
        host.wait_for(&format!("/checks/{check}"), has_run);
    }
    for check in ["pg", "my", "cache", "fine", "tell"] {
        host.wait_until(check, "healthy");
    }
    for check in ["pg-wrong", "my-wrong", "cache-wrong", "bus-wrong", "refused", "basic", "bearer", "mutual", "file"] {
        host.wait_until(check, "unhealthy");
    }
    let mut all = everything(&host, &plan, &events);
    all.push(("heartbeat".to_owned(), said.body));
    host.reconfigure(&format!(
        "{}\n[connections.x]\nurl = \"postgres://u:planted-in-what-is-broken@h/x?y\"\n",
        plan.text
    ));
    all.push(("reload".to_owned(), host.post("/-/reload").body));
    all.push(("probity validate (broken)".to_owned(), prints(&host, &["validate"])));
    all.push(("log after reload".to_owned(), host.log()));
    assert!(
        all.iter().any(|(_, text)| text.contains("[redacted]")),
        "nothing was taken out: is there a secret at all?"
    );
    for needle in needles(host.dir()) {
        for (place, text) in &all {
            let at = text.find(&needle);
            let shown = at.map(|at| {
                text[text.floor_char_boundary(at.saturating_sub(200))..].chars().take(400).collect::<String>()
            });
            assert!(at.is_none(), "{needle} in {place}: …{}…", shown.unwrap_or_default());
        }
    }
}
