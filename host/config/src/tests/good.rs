//! What valid files mean.

use std::path::{Path, PathBuf};
use std::time::Duration;

use probity_core::check::{Capability, OnUnknown, Probe, Severity, Window};

use super::super::{Config, Connection, Details, Limits, SecretPlace, Timing, Verify, load, parse};
use super::{env, good, read_all, read_file, source};

// An empty file is the defaults, with paths beside the file and the address on loopback.
#[test]
fn empty_file_is_the_defaults() {
    let config = good("");
    assert!(config.server.listen.ip().is_loopback() && config.server.tokens.is_empty());
    assert_eq!(config.server.details, Details::Authorized);
    assert_eq!(config.plugins.dir, Path::new("conf/plugins"));
    assert_eq!(config.state.dir, Path::new("conf/.probity"));
    assert_eq!(config.limits, Limits::DEFAULT);
    assert_eq!(config.defaults.every, Duration::from_secs(30));
    assert!(config.checks.is_empty() && !config.defaults.timeout_is_set);
}

// A check without anything but a name takes the defaults of the file, and its plugin's name from its own.
#[test]
fn check_takes_the_defaults() {
    let config = good(
        "[defaults]\nseverity = \"warning\"\nunhealthy-after = 3\nhealthy-after = 2\non-unknown = \"unhealthy\"\n\
         [limits]\nmemory = \"16MiB\"\n[[check]]\nname = \"a\"",
    );
    let check = &config.checks["a"];
    assert_eq!((check.name.as_str(), check.plugin.as_str()), ("a", "a"));
    assert_eq!((check.severity, check.on_unknown), (Severity::Warning, OnUnknown::Unhealthy));
    assert_eq!((check.unhealthy_after, check.healthy_after), (Window::consecutive(3), 2));
    assert_eq!(check.limits, Limits { memory: 16 << 20, ..Limits::DEFAULT });
    assert!(check.timing.is_none() && check.probes.is_none() && check.stale_after.is_none());
    assert!(!check.timeout_is_set && check.config == serde_json::json!({}));
    assert_eq!(check.origin, "probity.toml:8");
}

// A check's own values win, in `[[check]]` and in `[check.limits]`.
#[test]
fn check_overrides_the_defaults() {
    let config = good(
        "[limits]\ntimeout = \"1s\"\nfuel = 7\n[[check]]\nname = \"a\"\nplugin = \"p\"\nevery = \"1h30m\"\n\
         severity = \"info\"\nprobes = [\"live\", \"startup\"]\ngroups = [\"g\"]\ntimeout = \"250ms\"\nmemory = 131072\n\
         unhealthy-after = { failures = 3, of = 5 }\nstale-after = \"2d\"\n\
         config = { max = 3, list = [1.5, true, 1979-05-27] }\n[check.limits]\nsockets = 2\nlog-bytes = \"1KiB\"",
    );
    let check = &config.checks["a"];
    assert!(matches!(check.timing, Some(Timing::Every(every)) if every == Duration::from_secs(5_400)));
    assert_eq!(check.probes, Some([Probe::Live, Probe::Startup].into()));
    assert_eq!(check.unhealthy_after, Window { failures: 3, of: 5 });
    assert_eq!(check.stale_after, Some(Duration::from_secs(2 * 86_400)));
    let limits = Limits {
        timeout: Duration::from_millis(250),
        memory: 128 << 10,
        fuel: 7,
        sockets: 2,
        log_bytes: 1024,
        ..Limits::DEFAULT
    };
    assert_eq!(check.limits, limits);
    assert!(check.timeout_is_set);
    assert_eq!(check.config, serde_json::json!({"max": 3, "list": [1.5, true, "1979-05-27"]}));
    assert!(config.groups.contains_key("g"));
}

// A cron expression is due when it says, in its zone.
#[test]
fn cron_is_read_in_its_zone() {
    let config = good("[[check]]\nname = \"a\"\ncron = \"30 6 * * MON-FRI\"\ntimezone = \"UTC\"");
    let Some(Timing::Cron(cron)) = &config.checks["a"].timing else { panic!("a cron timing") };
    let at = |day: i8, hour: i8, minute: i8| {
        let time =
            jiff::civil::date(2026, 11, day).at(hour, minute, 0, 0).to_zoned(cron.zone.clone()).expect("in range");
        u64::try_from(time.timestamp().as_millisecond()).expect("after 1970")
    };
    // 2026-11-20 is a Friday: after 06:30, Monday is next.
    assert_eq!(cron.next_after(at(20, 6, 31)), Some(at(23, 6, 30)));
    assert_eq!(cron.next_after(at(20, 6, 30) - 1), Some(at(20, 6, 30)));
    assert_eq!(cron.next_after(at(20, 6, 30)), Some(at(23, 6, 30)));
}

// Placeholders bring values in, also for numbers; what they bring in is not looked at again; `$$` is a dollar.
#[test]
fn placeholders_are_filled() {
    let config = good(
        "[server]\nversion = \"$$5 ${EMPTY:-none} ${NESTED} ${file:secret.txt} $x\"\nmax-connections = \"${MAX}\"\n\
         [state]\ncache = \"${NO_SUCH:-false}\"",
    );
    assert_eq!(config.server.version.as_deref(), Some("$5 none ${PROBITY_TOKEN} battery-staple $x"));
    assert_eq!((config.server.max_connections, config.state.cache), (77, false));
    assert_eq!(config.files, [PathBuf::from("probity.toml"), PathBuf::from("conf/secret.txt")]);
}

// What came from the environment or a file, tokens, and credentials of connections, whole and in part, are redacted.
#[test]
fn secrets_are_known() {
    let config = good(
        "[server.auth]\ntokens = [\"typed-token\", \"${PROBITY_TOKEN}\"]\n[connections.a]\nurl = \"${PAYMENTS_URL}\"\n\
         [connections.b]\nurl = \"http://b\"\nheaders = { Authorization = \"Bearer typed-bearer\", Accept = \"text/plain\" }\n\
         [[check]]\nname = \"a\"\nconfig = { password = \"typed-password\", x = \"${file:secret.txt}\" }",
    );
    for secret in [
        "typed-token",
        "token-of-the-environment",
        "pa%24sw0rd",
        "pa$sw0rd",
        "cHJvYml0eTpwYSRzdzByZA==",
        "typed-bearer",
        "typed-password",
        "battery-staple",
    ] {
        assert_eq!(config.secrets.redact(secret), "[redacted]", "{secret}");
    }
    assert_eq!(config.secrets.redact("text/plain"), "text/plain");
    assert!(config.server.tokens[0].matches(b"typed-token"));
}

// Credentials in a URL become a header; neither they nor headers are printed.
#[test]
fn url_credentials_become_a_header() {
    let config = good("[connections.a]\nurl = \"${PAYMENTS_URL}\"\nheaders = { X-Site = \"nowhere-else\" }");
    let Connection::Http(connection) = &config.connections["a"] else { panic!("an endpoint") };
    assert_eq!(connection.url.as_str(), "https://payments.internal/api");
    let basic = ("authorization".to_owned(), "Basic cHJvYml0eTpwYSRzdzByZA==".to_owned());
    assert!(connection.headers.contains(&basic) && connection.headers.len() == 2);
    let printed = format!("{config:?}");
    assert!(!printed.contains("cHJvYml0eT") && !printed.contains("nowhere-else") && !printed.contains("sw0rd"));
}

// What is granted to all is granted to a check that says nothing of grants; one that does, even nothing, has its own only.
#[test]
fn default_grants_reach_checks_that_say_nothing() {
    let config = good(
        "[defaults.grants]\nsystem = [\"memory\"]\n[[check]]\nname = \"silent\"\n\
         [[check]]\nname = \"none\"\ngrants = {}\n[[check]]\nname = \"own\"\ngrants = { system = [\"cpu\", \"load\"] }",
    );
    let granted = |name: &str| config.checks[name].grants.system.len();
    assert_eq!([granted("silent"), granted("none"), granted("own")], [1, 0, 2]);
    assert_eq!(config.checks["silent"].grants, config.defaults.grants);
}

// Tables of several files merge, checks add up in order, and each keeps its own origin.
#[test]
fn several_files_make_one_configuration() {
    let config = read_all(&[
        ("probity.toml", "[server]\nversion = \"1\"\n[limits]\nfuel = 5\n[[check]]\nname = \"a\""),
        (
            "probity.d/b.toml",
            "[limits]\nmemory = \"1MiB\"\n\n[[check]]\nname = \"b\"\n[connections.x]\nurl = \"http://x\"",
        ),
        ("probity.d/c.toml", "check = [{ name = \"c\", grants = { http = [\"x\"] } }]"),
    ])
    .expect("valid together");
    assert_eq!((config.limits.fuel, config.limits.memory), (5, 1 << 20));
    let origins: Vec<&str> = config.checks.values().map(|check| check.origin.as_str()).collect();
    assert_eq!(origins, ["probity.toml:5", "probity.d/b.toml:4", "probity.d/c.toml:1"]);
    assert_eq!(config.checks["c"].limits.fuel, 5);
    assert_eq!(config.checks["c"].grants.http.len(), 1);
}

// Networks, pins and addresses of every form are taken.
#[test]
fn networks_pins_and_addresses_are_read() {
    let pin = "AB".repeat(32);
    let config = good(&format!(
        "[server]\nlisten = \"[::1]:0\"\n[egress]\nallow = [\"10.1.2.3/16\", \"fd00::/8\"]\ndeny = [\"10.1.2.3\"]\n\
         [plugins.pins]\n\"a.b\" = \"{pin}\""
    ));
    let shown = |networks: &[ipnet::IpNet]| networks.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(shown(&config.egress.allow), ["10.1.0.0/16", "fd00::/8"]);
    assert_eq!(shown(&config.egress.deny), ["10.1.2.3/32"]);
    assert_eq!(config.plugins.pins["a.b"], pin.to_lowercase());
    assert_eq!(config.server.listen, "[::1]:0".parse().expect("an address"));
}

// What is odd but allowed is a warning with its place.
#[test]
fn odd_values_are_warnings() {
    let config = good("[groups.empty]\n[[check]]\nname = \"a\"\nevery = \"1s\"\ntimeout = \"5s\"");
    assert_eq!(config.warnings.len(), 2, "{:?}", config.warnings);
    assert!(config.warnings.iter().any(|warning| warning.starts_with("probity.toml:2: check `a` may take 5s")));
    assert!(config.warnings.iter().any(|warning| warning.starts_with("probity.toml:1: no check is in group `empty`")));
}

// The scheme says what a connection is; passwords of all kinds are secrets, printed nowhere.
#[test]
fn schemes_make_kinds() {
    let config = good(
        "[connections.pg]\nurl = \"postgres://me:swordfish1@db/orders?sslmode=require\"\n\
         [connections.my]\nurl = \"mariadb://me:swordfish2@db\"\n[connections.lite]\nurl = \"sqlite:data/x.db\"\n\
         [connections.cache]\nurl = \"rediss://:swordfish3@cache\"\n[connections.rabbit]\nurl = \"amqp://db/%2f\"\n\
         [connections.nats]\nurl = \"nats://db:4222\"",
    );
    let kinds: Vec<Option<&str>> =
        config.connections.values().map(|connection| connection.capability().map(Capability::as_str)).collect();
    assert_eq!(kinds, [Some("redis"), Some("sql"), Some("sql"), None, Some("sql"), None]);
    assert!(!format!("{config:?}").contains("swordfish"));
    for secret in ["swordfish1", "swordfish2", "swordfish3"] {
        assert!(!config.secrets.redact(&format!("login {secret}")).contains(secret));
    }
    let Connection::Sqlite(file, bounds) = &config.connections["lite"] else { panic!("a file") };
    assert!(file.ends_with("data/x.db") && file.parent().is_some());
    assert_eq!((bounds.pool, bounds.rows_max), (4, 1000));
}

// Only a server on this machine, or the word for it, goes without TLS; a client certificate is a word for it as well.
#[test]
fn tls_is_the_rule() {
    let encrypted = |url: &str, more: &str| {
        let config = good(&format!("[connections.a]\nurl = \"{url}\"\n{more}"));
        match &config.connections["a"] {
            Connection::Postgres(server, _)
            | Connection::MySql(server, _)
            | Connection::Redis(server)
            | Connection::Amqp(server)
            | Connection::Nats(server) => server.tls,
            _ => panic!("{url} is no server"),
        }
    };
    for url in ["postgres://db.internal/x", "postgres://10.0.0.1/x?sslmode=prefer", "rediss://127.0.0.1", "amqps://h"] {
        assert!(encrypted(url, ""), "{url}");
    }
    assert!(encrypted("mysql://127.0.0.1/x?ssl-mode=VERIFY_IDENTITY", ""));
    assert!(encrypted("postgres://localhost/x", "client-cert = \"cert.pem\"\nclient-key = \"key.pem\""));
    for url in ["postgres://127.0.0.1/x", "postgres://localhost/x", "mysql://[::1]/x", "redis://h", "nats://h"] {
        assert!(!encrypted(url, ""), "{url}");
    }
    assert!(!encrypted("postgres://db.internal/x?sslmode=disable", ""));
}

// A certificate file is read, and listed among the files.
#[test]
fn certificate_is_read() {
    let pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    let read_file = |path: &Path| if path.ends_with("ca.pem") { Ok(pem.to_owned()) } else { read_file(path) };
    let text = "[connections.a]\nurl = \"https://a\"\nca = \"/etc/ca.pem\"";
    let config = parse(&[source("probity.toml", text)], Path::new("conf"), &env, &read_file).expect("valid");
    let Connection::Http(connection) = &config.connections["a"] else { panic!("an endpoint") };
    assert_eq!(connection.ca.as_deref(), Some(pem.as_bytes()));
    assert!(config.files.contains(&PathBuf::from("/etc/ca.pem")));
}

// Client certificate and proxy are read; key and password are not printed, and cut out of whatever quotes them.
#[test]
fn client_certificate_and_proxy_are_read() {
    let key = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIswordfish++\n-----END PRIVATE KEY-----\n";
    let certificate = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    let read_file = |path: &Path| match path.to_str() {
        Some("conf/client.pem") => Ok(certificate.to_owned()),
        Some("conf/client.key") => Ok(key.to_owned()),
        _ => read_file(path),
    };
    let text = "[connections.a]\nurl = \"https://a\"\nclient-cert = \"client.pem\"\nclient-key = \"client.key\"\n\
                proxy = \"http://me:sw%C3%B6rdfish@proxy:3128\"";
    let config = parse(&[source("probity.toml", text)], Path::new("conf"), &env, &read_file).expect("valid");
    let Connection::Http(connection) = &config.connections["a"] else { panic!("an endpoint") };
    let identity = connection.identity.as_ref().expect("an identity");
    assert_eq!((&identity.certificate[..], &identity.key[..]), (certificate.as_bytes(), key.as_bytes()));
    assert_eq!(connection.proxy.as_ref().and_then(|proxy| proxy.port()), Some(3128));
    assert!(config.files.contains(&PathBuf::from("conf/client.key")));
    assert!(!format!("{config:?}").contains("rdfish"));
    for quoted in ["MC4CAQAwBQYDK2VwBCIEIswordfish++", "sw%C3%B6rdfish", "swördfish"] {
        assert!(!config.secrets.redact(&format!("it says {quoted} there")).contains("rdfish"), "{quoted}");
    }
}

// An address, how much is verified and where tokens come from are read; the secret is not printed, and cut out of whatever
// quotes it.
#[test]
fn terms_of_an_endpoint_are_read() {
    let text = "[connections.a]\nurl = \"https://a\"\nverify = \"chain\"\naddress = \"[fd00::5]:8443\"\n\
                [connections.a.oauth2]\ntoken-url = \"http://localhost:8080/token\"\nclient-id = \"me\"\n\
                client-secret = \"swordfish & more\"\nscope = \"read\"\nsecret-in = \"body\"\n\
                [connections.b]\nurl = \"https://b\"";
    let config = parse(&[source("probity.toml", text)], Path::new("conf"), &env, &read_file).expect("valid");
    let Connection::Http(connection) = &config.connections["a"] else { panic!("an endpoint") };
    let address = connection.address.as_ref().expect("an address");
    assert_eq!((address.0.to_string().as_str(), address.1, connection.verify), ("[fd00::5]", 8443, Verify::Chain));
    let oauth2 = connection.oauth2.as_ref().expect("tokens");
    assert_eq!((oauth2.scope.as_deref(), oauth2.secret_in), (Some("read"), SecretPlace::Body));
    assert!(!format!("{config:?}").contains("swordfish"));
    for quoted in ["swordfish & more", "swordfish+%26+more", "bWU6c3dvcmRmaXNoKyUyNittb3Jl"] {
        assert!(config.secrets.redact(&format!("it says {quoted} there")).contains("[redacted]"), "{quoted}");
    }
    let Connection::Http(plain) = &config.connections["b"] else { panic!("an endpoint") };
    assert!(plain.oauth2.is_none() && plain.address.is_none() && plain.verify == Verify::Full);
}

// The file and the sorted fragments beside it are loaded; hidden files and others are not.
#[test]
fn file_and_fragments_are_loaded() {
    let dir = tempfile::tempdir().expect("a directory");
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).expect("written");
    std::fs::create_dir(dir.path().join("shop.d")).expect("created");
    write("shop.toml", "[limits]\nfuel = 5");
    write("shop.d/b.toml", "[[check]]\nname = \"b\"");
    write("shop.d/a.toml", "[[check]]\nname = \"a\"\nconfig = { key = \"${file:secret}\" }");
    write("shop.d/.a.toml.swp", "][");
    write("shop.d/.hidden.toml", "][");
    write("shop.d/README", "][");
    write("secret", "swordfish\n");
    let config = load(Some(&dir.path().join("shop.toml"))).expect("valid");
    let names: Vec<_> = config.files.iter().map(|file| file.strip_prefix(dir.path()).expect("inside")).collect();
    assert_eq!(names, ["shop.toml", "shop.d/a.toml", "shop.d/b.toml", "secret"].map(Path::new));
    assert_eq!(config.checks["a"].config["key"], "swordfish");
    assert_eq!(config.plugins.dir, dir.path().join("plugins"));
}

// A file that is named but missing, or no text, is an error that names it.
#[test]
fn unreadable_files_are_errors() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("no.toml");
    let missing = load(Some(&path)).expect_err("missing").to_string();
    assert!(missing.contains("no.toml") && missing.contains("cannot read"), "{missing}");
    std::fs::write(&path, b"[server]\nversion = \"\xff\"").expect("written");
    let binary = load(Some(&path)).expect_err("binary");
    let error = binary.iter().next().expect("one error");
    assert_eq!((error.line, error.column), (Some(2), Some(12)));
    let directory = load(Some(dir.path())).expect_err("a directory").to_string();
    assert!(directory.contains("not a regular file"), "{directory}");
}

// The defaults can be had without a file.
#[test]
fn defaults_need_no_file() {
    let config = Config::default_in(Path::new("/srv"));
    assert!(config.files.is_empty());
    assert_eq!(config.plugins.dir, Path::new("/srv/plugins"));
}

// A secret typed in place is redacted like one brought in; the names in grants are not.
#[test]
fn named_secrets_are_redacted() {
    let config = good(
        "[secrets.webhook]\nvalue = \"typed-in-place\"\n[[check]]\nname = \"a\"\n\
         grants = { secrets = [\"webhook:reveal\"] }",
    );
    assert_eq!(config.named_secrets["webhook"].expose(), "typed-in-place");
    assert_eq!(config.secrets.redact("webhook is typed-in-place"), "webhook is [redacted]");
    assert!(!format!("{config:?}").contains("typed-in-place"));
}

// Sentinels are asked one by one, with credentials of their own or none; the URL's are for the servers.
#[test]
fn sentinels_are_told_from_servers() {
    let config = good(
        "[connections.cache]\nurl = \"rediss+sentinel://me:sword%20fish@a:1,10.0.0.2,[::1]:3/my%2Dmaster/7?\
         sentinel-password=carp%20of%20it\"",
    );
    let Connection::Sentinel(connection) = &config.connections["cache"] else { panic!("sentinels") };
    let urls: Vec<&str> = connection.sentinels.iter().map(|one| one.url.as_str()).collect();
    assert_eq!(
        urls,
        ["rediss://:carp%20of%20it@a:1", "rediss://:carp%20of%20it@10.0.0.2", "rediss://:carp%20of%20it@[::1]:3"]
    );
    assert_eq!((connection.primary.as_str(), connection.server.url.path()), ("my-master", "/7"));
    assert_eq!(connection.server.url.username(), "me");
    assert!(!format!("{config:?}").contains("fish") && !format!("{config:?}").contains("carp"));
    for secret in ["sword fish", "carp of it"] {
        assert!(!config.secrets.redact(&format!("login {secret}")).contains(secret));
    }
}

// A token of NATS stands where others have a user, and is a secret all the same.
#[test]
fn tokens_of_nats_are_redacted() {
    let config =
        good("[connections.bus]\nurl = \"nats://token-of-nats@n\"\n[connections.r]\nurl = \"redis://user-name@r\"");
    assert_eq!(config.secrets.redact("user-name token-of-nats"), "user-name [redacted]");
}

// A queue is what its connection's broker calls it.
#[test]
fn queues_are_of_their_broker() {
    use super::super::QueueSource;
    let config = good(
        "[connections.rabbit]\nurl = \"amqp://r\"\n[connections.cache]\nurl = \"redis://c\"\n\
         [connections.bus]\nurl = \"nats://n\"\n[queues.a]\nconnection = \"rabbit\"\nname = \"jobs\"\n\
         [queues.b]\nconnection = \"cache\"\nstream = \"orders\"\ngroup = \"workers\"\n\
         [queues.c]\nconnection = \"bus\"\nstream = \"ORDERS\"\nsubject = \"orders.probe\"",
    );
    assert_eq!(config.queues["a"].source, QueueSource::Amqp { queue: "jobs".into() });
    let source = QueueSource::RedisStream { key: "orders".into(), group: Some("workers".into()) };
    assert_eq!((config.queues["b"].connection.as_str(), &config.queues["b"].source), ("cache", &source));
    let source =
        QueueSource::JetStream { stream: "ORDERS".into(), consumer: None, subject: Some("orders.probe".into()) };
    assert_eq!(config.queues["c"].source, source);
}

// Each value of a check's configuration has the line that it stands on, and what is missing has that of what it is missing from.
#[test]
fn values_of_a_check_have_lines() {
    let config = good(
        "[[check]]\nname = \"a\"\n[check.config]\nunpiad = 1\nlist = [\n  { x = 1 },\n  2,\n]\n[check.config.oldest]\nwarn = \"5m\"\n",
    );
    let place = |pointer| config.checks["a"].place_of(pointer);
    for (pointer, line) in [
        ("", 3),
        ("/unpiad", 4),
        ("/list/0/x", 6),
        ("/list/1", 7),
        ("/oldest", 9),
        ("/oldest/warn", 10),
        ("/oldest/gone", 9),
    ] {
        assert_eq!(place(pointer), format!("probity.toml:{line}"), "{pointer}");
    }
    let config = good("[[check]]\nname = \"a\"\nconfig = { x = 1 }\n[[check]]\nname = \"b\"\n");
    assert_eq!(config.checks["a"].place_of("/x"), "probity.toml:3");
    assert_eq!(config.checks["b"].place_of("/x"), "probity.toml:4");
}
