//! What is wrong with files: each error has its place, says what is allowed, and gives no secret away.

use super::{bad, read, read_all};

/// Reads `text`, which must have exactly one error, and checks `line:column`, message and help for what they must say.
#[track_caller]
fn one(text: &str, place: (u32, u32), message: &str, help: &str) {
    let errors = bad(text);
    assert_eq!(errors.len(), 1, "{errors}");
    let error = errors.iter().next().expect("one");
    assert_eq!((error.line, error.column), (Some(place.0), Some(place.1)), "{errors}");
    assert!(error.message.contains(message), "{errors}");
    assert!(error.help.as_deref().unwrap_or_default().contains(help), "{errors}");
}

// An error is shown like a compiler's: what, where, the line with a caret, what to do.
#[test]
fn errors_look_like_rustc() {
    let shown = bad("[[check]]\nname = \"a\"\n\tevry = \"15s\"").to_string();
    let head = "error: unknown key `evry`\n --> probity.toml:3:2\n  |\n3 |  evry = \"15s\"\n  |  ^^^^\nhelp: did you mean \
                `every`? allowed here: `name`, ";
    assert!(shown.starts_with(head), "{shown}");
}

// For machines an error is an object with file, line, column, message and help.
#[test]
fn errors_serialize() {
    let json = serde_json::to_value(bad("[limits]\nfuel = 0")).expect("JSON");
    assert_eq!(json[0]["file"], "probity.toml");
    assert_eq!((&json[0]["line"], &json[0]["column"]), (&2.into(), &8.into()));
    assert_eq!(json[0]["message"], "`0` is no value for `fuel`");
    assert_eq!(json[0]["help"], "`fuel` is a whole number from 1 to 1_000_000_000_000_000");
}

// Unknown keys name the nearest key, also those of other tools, and list what is allowed.
#[test]
fn unknown_keys_name_the_nearest() {
    one("[sever]\nlisten = \"x\"", (1, 2), "unknown key `sever`", "did you mean `server`?");
    one("[server]\nmax_connections = 5", (2, 1), "unknown key `max_connections`", "did you mean `max-connections`?");
    one("[server.auth]\ntoken = []", (2, 1), "unknown key `token`", "did you mean `tokens`?");
    one("[[check]]\nname = \"a\"\ninterval = \"5s\"", (3, 1), "unknown key `interval`", "did you mean `every`?");
    one("[limits]\nzzz = 1", (2, 1), "unknown key `zzz`", "allowed here: `timeout`, `memory`, `fuel`");
    one("[defaults.grants]\nsqll = []", (2, 1), "unknown key `sqll`", "did you mean `sql`?");
    one("[groups.a]\nname = \"a\"\n[[check]]\nname = \"a\"\ngroups = [\"a\"]", (2, 1), "`name`", "`description`");
    one("check = 1", (1, 9), "`check` must be an array of tables", "[[check]]");
    one("[check]\nname = \"a\"", (1, 1), "`check` must be an array of tables", "[[check]]");
    one("server = 1", (1, 10), "`server` must be a table", "[server]");
}

// Values that do not fit say so at the value and what would.
#[test]
fn wrong_values_say_what_fits() {
    one("[server]\nheader-timeout = 5", (2, 18), "the unit is missing", "\"15s\"");
    one("[server]\nheader-timeout = \"5 s\"", (2, 18), "` s` is no unit of time", "from 100ms to 5m");
    one("[server]\nheader-timeout = \"0.5s\"", (2, 18), "only whole numbers", "\"250ms\"");
    one("[server]\nheader-timeout = \"1s1m\"", (2, 18), "from large to small", "1h30m");
    one("[server]\nheader-timeout = \"6m\"", (2, 18), "out of bounds", "from 100ms to 5m");
    one("[limits]\nmemory = \"32MB\"", (2, 10), "write `32MiB`", "from 64KiB to 4GiB");
    one("[limits]\nmemory = \"63KiB\"", (2, 10), "out of bounds", "from 64KiB to 4GiB");
    one("[limits]\nmemory = -1", (2, 10), "`-1` is no value for `memory`", "from 64KiB to 4GiB");
    one("[limits]\ntimeout = \"301s\"", (2, 11), "out of bounds", "from 1ms to 5m");
    one("[limits]\nfuel = 1.5", (2, 8), "`1.5` is no value for `fuel`", "a whole number from 1");
    one("[limits]\nfuel = 99999999999999999999", (2, 8), "beyond 64 bits", "");
    one("[state]\ncache = \"yes\"", (2, 9), "`yes` is no value for `cache`", "`true` or `false`");
    one("[server]\ndetails = \"allways\"", (2, 11), "did you mean `always`?", "`never`, `authorized`, `always`");
    one("[server]\nversion = 5", (2, 11), "`5` is no value for `version`", "a string");
    one("[server]\nlisten = \"localhost:80\"", (2, 10), "no address to listen on", "`127.0.0.1:80`");
    one("[server]\nlisten = \":80\"", (2, 10), "no address to listen on", "`0.0.0.0:80`");
    one("[server]\nhosts = [\"a.example:80\"]", (2, 10), "`a.example:80` is no name of a host", "without a port");
    one("[server]\nhosts = [\"10.0.0.0/8\"]", (2, 10), "`10.0.0.0/8` is no name of a host", "`*.example.com`");
    one("[egress]\nallow = [\"10.0.0.0/8\", \"10.0.0.0/33\"]", (2, 24), "`10.0.0.0/33` is no network", "`10.1.0.0/16`");
    one("[plugins.pins]\na = \"ab\"", (2, 5), "the pin of `a` is no SHA-256", "sha256sum a.wasm");
    one("[server.auth]\ntokens = [\"abc\"]", (2, 11), "at least 8 visible", "openssl");
    one("[server.auth]\ntokens = \"${PROBITY_TOKEN}\"", (2, 10), "the value is no value for `tokens`", "an array");
}

// What contradicts something else in the file is an error at the later place.
#[test]
fn contradictions_are_errors() {
    one("[server]\ndrain-delay = \"11s\"", (2, 15), "longer than `shutdown-grace`, 10s", "");
    one("[state]\ndir = \"plugins/x\"", (2, 7), "inside the plugin directory", "another directory");
    one("[defaults]\nprobes = [\"ready\", \"live\"]", (2, 20), "`live` is not allowed", "[[check]]");
    one("[[check]]\nevery = \"1s\"", (1, 1), "a check without `name`", "name = ");
    one("[[check]]\nname = \"Orders\"", (2, 8), "`Orders` is no name for a check", "lower-case");
    one("[[check]]\nname = \"_other\"", (2, 8), "no name for a check", "starting with a letter or digit");
    one("[[check]]\nname = \"a\"\nplugin = \"plugins/p.wasm\"", (3, 10), "without `.wasm`", "`plugin = \"p\"`");
    one("[[check]]\nname = \"a\"\nplugin = \"../p\"", (3, 10), "no name of a plugin", "plugins.dir");
    one("[[check]]\nname = \"a\"\nevery = \"99ms\"", (3, 9), "out of bounds", "from 100ms");
    one("[[check]]\nname = \"a\"\ncron = \"* * * *\"", (3, 8), "no cron expression", "five fields");
    one("[[check]]\nname = \"a\"\ncron = \"0 0 30 2 *\"", (3, 8), "never due", "");
    one("[[check]]\nname = \"a\"\ncron = \"0 0 * * *\"\ntimezone = \"Mars/Base\"", (4, 12), "no time zone", "IANA");
    one("[[check]]\nname = \"a\"\ntimezone = \"UTC\"", (3, 12), "`timezone` without `cron`", "");
    one("[[check]]\nname = \"a\"\nevery = \"9s\"\nstale-after = \"8s\"", (4, 15), "shorter than `every`, 9s", "");
    one("[[check]]\nname = \"a\"\nunhealthy-after = 65", (3, 19), "`65` is no value", "failures <= of <= 64");
    one("[[check]]\nname = \"a\"\nunhealthy-after = { failures = 6, of = 5 }", (3, 19), "", "failures <= of <= 64");
    one("[[check]]\nname = \"a\"\ngroups = [\"ready\"]", (3, 11), "no name for a group", "a probe's name");
    one(
        "[[check]]\nname = \"a\"\ngrants = { http = [\"shop\"] }",
        (3, 20),
        "no connection is named `shop`",
        "[connections",
    );
    one(
        "[[check]]\nname = \"a\"\ngrants = { http = [\"Shop\"] }",
        (3, 20),
        "no connection is named `Shop`",
        "https://",
    );
    one("[[check]]\nname = \"a\"\ngrants = { tcp = [\"db\"] }", (3, 19), "tcp grant `db`: the port is missing", "docs");
    one("[[check]]\nname = \"a\"\ngrants = { system = [\"disc\"] }", (3, 22), "disc", "docs");
    one("[[check]]\nname = \"a\"\nconfig = { x = inf }", (3, 16), "`inf` cannot be handed on", "");
    one("[connections.db]\nurl = \"mongodb://db/x\"", (2, 7), "scheme `mongodb` are not offered", "postgres");
    one("[connections.db]\nurl = \"postgres:///x\"", (2, 7), "names no host", "postgres://host");
    one("[connections.db]\nurl = \"sqlite:\"", (2, 7), "names no file", "sqlite:///");
    let db = "[connections.db]\nurl = ";
    one(&format!("{db}\"postgres://u:hunter2@db/x?sslmode=maybe\""), (2, 7), "`sslmode` in the URL", "`verify-full`");
    one(&format!("{db}\"mysql://u:hunter2@db/x?sslmod=disable\""), (2, 7), "not known", "no other parameter");
    one(&format!("{db}\"redis://db?ssl=true\""), (2, 7), "query parameters", "%3F");
    one(&format!("{db}\"redis://db/orders\""), (2, 7), "no database number", "`/0`");
    let own = "client-cert = \"cert.pem\"\nclient-key = \"key.pem\"";
    one(&format!("{db}\"redis://db\"\n{own}"), (3, 15), "only connections over TLS", "`rediss://`");
    one(&format!("{db}\"postgres://db/x?sslmode=disable\"\n{own}"), (3, 15), "over TLS", "sslmode=verify-full");
    one("[connections.db]\nurl = \"redis://db\"\nheaders = { x = \"y\" }", (3, 11), "have headers", "remove");
    one("[connections.x]\nheaders = {}", (1, 1), "connection `x` without `url`", "url = ");
    one("[connections.X]\nurl = \"http://x\"", (1, 14), "`X` is no name for a connection", "lower-case");
    one(
        "[connections.x]\nurl = \"http://x\"\nheaders = { Host = \"y\" }",
        (3, 13),
        "`Host` is set by the host only",
        "`address`",
    );
    one("[connections.x]\nurl = \"http://x\"\nca = \"empty.pem\"", (3, 6), "holds no certificate", "PEM");
    one("[connections.x]\nurl = \"http://x\"\nca = \"no.pem\"", (3, 6), "cannot read `no.pem`", "PEM");
    let x = "[connections.x]\nurl = \"https://x\"\n";
    one(&format!("{x}client-key = \"key.pem\""), (3, 14), "`client-key` without `client-cert`", "client.pem");
    one(&format!("{x}client-cert = \"cert.pem\""), (3, 15), "`client-cert` without `client-key`", "client.key");
    one(&format!("{x}client-cert = \"cert.pem\"\nclient-key = \"empty.pem\""), (4, 14), "no private key", "PEM");
    one(&format!("{x}proxy = \"https://p\""), (3, 9), "not that of an HTTP proxy", "http://proxy:3128");
    one("[connections.x]\nurl = \"redis://x\"\nproxy = \"http://p\"", (3, 9), "have a proxy", "remove `proxy`");
    one(&format!("{x}verify = \"off\""), (3, 10), "`off` is no value for `verify`", "`full`, `chain`");
    one("[connections.x]\nurl = \"http://x\"\nverify = \"none\"", (3, 10), "only `https`", "always verified");
    one("[connections.x]\nurl = \"rediss://x\"\nverify = \"none\"", (3, 10), "only `https`", "always verified");
    one(&format!("{x}address = \"10.0.0.5\""), (3, 11), "no host with a port", "10.0.0.5:8443");
    one(&format!("{x}address = \"10.0.0.5:0\""), (3, 11), "no host with a port", "10.0.0.5:8443");
    one(&format!("{x}address = \"h:1\"\nproxy = \"http://p\""), (4, 9), "both `proxy` and `address`", "keep one");
    one("[connections.x]\nurl = \"redis://x\"\naddress = \"h:1\"", (3, 11), "have an `address`", "`url`");
    let context = "[connections.x]\nurl = \"redis://x\"\ntraceparent = true";
    one(context, (3, 15), "have trace context", "remove `traceparent`");
}

// Tokens come from an endpoint that is named in full, and their secret goes nowhere in the clear.
#[test]
fn token_endpoints_are_whole() {
    let with = |oauth2: &str| format!("[connections.x]\nurl = \"https://x\"\noauth2 = {{ {oauth2} }}");
    let (id, secret) = ("client-id = \"a\"", "client-secret = \"${PROBITY_TOKEN}\"");
    let url = "token-url = \"https://login/token\"";
    one(&with(&format!("{id}, {secret}")), (3, 10), "`oauth2` without `token-url`", "https://");
    one(&with(&format!("{url}, {secret}")), (3, 10), "`oauth2` without `client-id`", "client-id = ");
    one(&with(&format!("{url}, {id}")), (3, 10), "`oauth2` without `client-secret`", "${CLIENT_SECRET}");
    one(&with(&format!("{id}, {secret}, token-url = \"http://login/\"")), (3, 77), "in the clear", "https://");
    one(&with(&format!("{id}, {secret}, token-url = \"https://u:p@login/\"")), (3, 77), "not the URL", "without user");
    let both = with(&format!("{url}, {id}, {secret}")) + "\nheaders = { authorization = \"x\" }";
    one(&both, (3, 10), "both `oauth2` and an `authorization` header", "keep one");
    let redis = "[connections.x]\nurl = \"redis://x\"\noauth2 = { token-url = \"https://l\", client-id = \"a\", client-secret = \"b\" }";
    one(redis, (3, 10), "have `oauth2`", "remove `oauth2`");
}

// Spans go to an endpoint that is declared, and only where runs are traces.
#[test]
fn collectors_are_endpoints() {
    let at = |line: &str, message: &str, help: &str| {
        let declared = "[connections.otel]\nurl = \"http://o/v1/traces\"\n[connections.db]\nurl = \"redis://db\"\n";
        one(&format!("{declared}[tracing]\n{line}"), (6, 13), message, help);
    };
    at("collector = \"otel\"", "no traces to send", "enabled = true");
    at("collector = \"otle\"\nenabled = true", "no connection is named `otle`", "[connections.otel]");
    at("collector = \"db\"\nenabled = true", "does not speak HTTP", "[connections.otel]");
}

// A URL of sentinels names them and the primary; what is wrong with it is said without quoting it.
#[test]
fn sentinels_need_a_primary() {
    for (url, message) in [
        ("redis+sentinel://a:1,b:2", "what the sentinels call the primary"),
        ("redis+sentinel://a/m/first", "no database number"),
        ("redis+sentinel://a,b:port/m", "one of the hosts"),
        ("redis+sentinel://a,/m", "one of the hosts"),
        ("redis+sentinel://a/m?timeout=3", "only `sentinel-user`"),
        ("redis+sentinel:///m", "names no host"),
    ] {
        one(&format!("[connections.x]\nurl = \"{url}\""), (2, 7), message, "redis+sentinel://");
    }
}

// A queue names a broker and what to look at there, in that broker's words.
#[test]
fn queues_fit_their_broker() {
    let rabbit = "[connections.rabbit]\nurl = \"amqp://r\"\n[connections.web]\nurl = \"http://w\"\n\
                  [connections.cache]\nurl = \"redis://c\"\n[connections.bus]\nurl = \"nats://n\"\n[queues.jobs]\n";
    let at_9 = |line: &str, column, message: &str, help: &str| {
        one(&format!("{rabbit}connection = \"rabbit\"\n{line}"), (11, column), message, help);
    };
    at_9("name = \"a\\nb\"", 8, "is no name of a queue", "control characters");
    one(&format!("{rabbit}name = \"a\""), (9, 1), "queue `jobs` without `connection`", "[connections.rabbit]");
    one(&format!("{rabbit}connection = \"rabbit\""), (9, 1), "without `name`", "name = ");
    one(&format!("{rabbit}connection = \"rabit\"\nname = \"a\""), (10, 14), "no connection is named", "`rabbit`");
    one(&format!("{rabbit}connection = \"web\"\nname = \"a\""), (10, 14), "is no broker", "amqp://");
    one(&format!("{rabbit}connection = \"cache\""), (9, 1), "without `list` or `stream`", "list = ");
    one(
        &format!("{rabbit}connection = \"cache\"\nlist = \"a\"\ngroup = \"g\""),
        (12, 9),
        "a list has no `group`",
        "remove it",
    );
    one(&format!("{rabbit}connection = \"bus\"\nstream = \"A b\""), (11, 10), "cannot be a name in NATS", "blanks");
}

// What a grant names must be declared: a secret, a queue.
#[test]
fn grants_name_what_is_declared() {
    let secret = "[secrets.webhook]\nvalue = \"${PROBITY_TOKEN}\"\n[[check]]\nname = \"a\"\n";
    one(
        &format!("{secret}grants = {{ secrets = [\"webhok\"] }}"),
        (5, 23),
        "`secrets` grants `webhok`, which is not declared",
        "did you mean `webhook`? declare it as `[secrets.NAME]`",
    );
    one(&format!("{secret}grants = {{ secrets = [\"webhook:write\"] }}"), (5, 23), "`NAME:reveal`", "docs");
    one("[secrets.webhook]\nvalue = \"abc\"", (2, 9), "shorter than 5 bytes", "longer");
    one("[secrets.webhook]", (1, 1), "secret `webhook` without `value`", "${WEBHOOK_KEY}");
}

// The same thing said twice names both places.
#[test]
fn repetitions_name_both_places() {
    let twice = "[[check]]\nname = \"a\"\n[[check]]\nname = \"a\"";
    let errors = bad(twice);
    assert!(errors.to_string().contains(" --> probity.toml:4:8\n"), "{errors}");
    assert!(errors.to_string().contains("probity.toml:2:8: first declared here"), "{errors}");

    let files = [("probity.toml", "[limits]\nfuel = 1"), ("probity.d/x.toml", "\n[limits]\nfuel = 1")];
    let errors = read_all(&files).expect_err("set twice").to_string();
    assert!(errors.contains("`fuel` is set in two files\n --> probity.d/x.toml:3:1\n"), "{errors}");
    assert!(errors.contains("probity.toml:2:1: first set here"), "{errors}");

    let both = bad("[[check]]\nname = \"a\"\nevery = \"5s\"\ncron = \"0 0 * * *\"").to_string();
    assert!(both.contains("probity.toml:4:1") && both.contains("probity.toml:3:1: `every` is set here"), "{both}");

    let limits = bad("[[check]]\nname = \"a\"\nfuel = 5\n[check.limits]\nfuel = 6").to_string();
    assert!(limits.contains("`fuel` is set twice for this check\n --> probity.toml:5:1"), "{limits}");
}

// All errors of all tables are reported at once, in the order of the file.
#[test]
fn all_errors_are_reported() {
    let errors =
        bad("[server]\nlisten = 1\nfoo = 1\n[limits]\nfuel = 0\nmemory = 1\n[[check]]\n[[check]]\nname = \"A\"\nx = 1");
    let lines: Vec<Option<u32>> = errors.iter().map(|error| error.line).collect();
    assert_eq!(lines, [2, 3, 5, 6, 7, 9, 10].map(Some), "{errors}");
}

// A thousand errors are a hundred and a note.
#[test]
fn errors_are_bounded() {
    let errors = bad(&"[[check]]\n".repeat(1_000));
    assert_eq!(errors.len(), 101);
    assert!(errors.to_string().ends_with("error: 900 further errors are not shown"));
}

// What is no TOML has its place, and nothing is guessed from the rest.
#[test]
fn syntax_errors_have_places() {
    one("[server]\nlisten = 127.0.0.1", (2, 15), "not TOML", "quotes");
    one("[server]\nlisten = \"a\"\nlisten = \"b\"", (3, 1), "duplicate key", "once");
    one("[[check]]\ngrants = { http = [\"x\"] }\n[[check]\n", (3, 9), "unclosed", "close it");
    one(&format!("a = {}1", "[".repeat(500)), (1, 85), "recursion", "less deeply");
}

// A placeholder that cannot be filled says which and how to write it.
#[test]
fn placeholders_that_fail_say_why() {
    one("[server]\nversion = \"${NO_SUCH}\"", (2, 11), "`NO_SUCH` is not set", "${NO_SUCH:-default}");
    one("[server]\nversion = \"${1x}\"", (2, 11), "not the name of an environment variable", "$$");
    one("[server]\nversion = \"${MAX\"", (2, 11), "`${` without its `}`", "$$");
    one("[server]\nversion = \"${file:no}\"", (2, 11), "cannot read `conf/no`", "relative paths");
}

// Secrets, typed or brought in, are in no rendering of any error, wherever the error is.
#[test]
fn errors_give_no_secret_away() {
    for text in [
        "[server.auth]\ntokens = [\"hunter2\", \"swordfish x\"]",
        "[server.auth]\ntokens = [\n  \"swordfish swordfish\",\n]",
        "[server.auth]\ntokn = [\"swordfish\"]",
        "[server]\nauth = { tokns = [\"swordfish\"] }",
        "[server.auth]\ntokens = [\n  swordfish\n]",
        "[server.auth]\ntokens = \"swordfish\"",
        "[server.auth]\ntokens = [\"\"\"\nswordfish = swordfish\"\"\" 5]",
        "[server.auth]\ntokens = [\n  swordfish = \"swordfish\"]",
        "[server]\nversion = \"1\" # password = swordfish\npassword = 'swordfish'",
        "[connections.x]\nurl = \"https://me:swordfish@x:port/\"",
        "[connections.x]\nurl = \"https://me:swordfish/@x/#y\"\npasswort = \"swordfish\"",
        "[connections.x]\nurl = \"me:swordfish@x\"",
        "[connections.x]\nurl = \"${NOT_A_URL}\"",
        "[connections.x]\nurl = \"${DATABASE_URL}\"\nheaders = { a = \"b\" }",
        "[connections.x]\nurl = \"http://x\"\nca = \"empty.pem\"",
        "[connections.x]\nurl = \"http://x\"\nclient-cert = \"cert.pem\"\nclient-key = \"empty.pem\"",
        "[connections.x]\nurl = \"http://x\"\nproxy = \"https://me:swordfish@p\"",
        "[connections.x]\nurl = \"http://x\"\nproxy = \"http://me:swordfish@p:port\"",
        "[connections.x]\nurl = \"http://x\"\nheaders = { authorization = \"Bearer swordfish\\n\" }",
        "[connections.x]\nurl = \"http://x\"\n[connections.x.headers]\nX-Anything = \"swordfish\\n\"",
        "[connections.x]\nurl = \"http://x\"\nheaders = { X-Anything = swordfish }",
        "[[check]]\nname = \"a\"\ngrants = { http = [\"https://u:swordfish@x/[\", \"u:swordfish@x\"] }\nx = 1",
        "[[check]]\nname = \"${NOT_A_TIME}\"\nevery = \"${NOT_A_TIME}\"\ncron = \"${NOT_A_TIME}\"",
        "[[check]]\nname = \"a\"\nx = 1\n[check.config]\nmy_pasword = swordfish",
        "[server]\nlisten = \"${PROBITY_TOKEN}\"\ndetails = \"${PROBITY_TOKEN}\"\nversion = 1",
        "[server.auth]\ntokens = [\"${NO_SUCH:-swordfish}\", \"${NO_SUCH:-sword fish}\"]",
    ] {
        let Err(errors) = read(text) else {
            assert!(text.contains("NO_SUCH") || text.contains("u:swordfish"), "accepted: {text}");
            continue;
        };
        let all = format!("{errors}\n{errors:?}\n{}", serde_json::to_string(&errors).expect("JSON"));
        for secret in ["swordfish", "sword fish", "hunter2", "fifteen-seconds", "of-the-environment"] {
            assert!(!all.contains(secret), "`{secret}` in\n{errors}\nof\n{text}");
        }
    }
}

// What is no secret is shown as typed: placeholders keep their names even where values are masked.
#[test]
fn placeholders_are_shown() {
    let shown = bad("[server.auth]\ntokens = \"${PROBITY_TOKEN}${file:/run/secrets/payments}\"").to_string();
    assert!(shown.contains("tokens = \"${PROBITY_TOKEN}${file:/run/secrets/payments}\""), "{shown}");
}

// What the client would refuse to send is refused where it is typed, in whatever case.
#[test]
fn reserved_headers_are_refused_where_they_are_typed() {
    let names = ["Proxy-Authorization", "proxy-connection", "TRAILER", "keep-alive", "te", "expect", "http2-settings"];
    for name in names {
        let text = format!("[connections.x]\nurl = \"http://x\"\nheaders = {{ {name} = \"y\" }}");
        one(&text, (3, 13), &format!("`{name}` is set by the host only"), "`proxy`");
    }
    one("[connections.x]\nurl = \"http://x\"\nheaders = { \"a b\" = \"y\" }", (3, 13), "not a header name", "letters");
}
