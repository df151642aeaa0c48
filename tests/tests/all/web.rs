//! The checks that ask over HTTP, in a real host, against servers that others wrote.

use probity_tests::guests::first_party;
use probity_tests::host::Host;
use probity_tests::servers::web::Web;
use serde_json::Value;

/// A host whose check `web` is `plugin`, five times a second, with `before` in front of it.
fn host(plugin: &str, before: &str, grant: &str, config: &str) -> Host {
    let host = Host::start(&format!(
        "{before}[[check]]\nname = \"web\"\nplugin = \"{plugin}\"\nevery = \"200ms\"\ntimeout = \"5s\"\n\
         grants = {{ http = [\"{grant}\"] }}\n[check.config]\n{config}"
    ));
    host.copy_in(plugin, &first_party(plugin));
    host
}

fn wait_for(host: &Host, status: &str, text: &str) -> Value {
    host.wait_until_says("web", status, text)
}

/// The check `http` of one URL.
fn http(url: &str, config: &str) -> Host {
    host("http", "", url, &format!("url = \"{url}\"\n{config}"))
}

// What nginx answers is judged by status, header, body and time.
#[test]
fn nginx_is_judged() {
    let mut nginx = Web::nginx();
    let rules = "expect-headers = { server = \"nginx\", x-served-by = \"nginx\" }\ncontains = [\"status\"]\n\
                 json = [{ pointer = \"/status\", equals = \"ok\" }, { pointer = \"/queue\", at-most = { warn = 7 } }]\n";
    let fine = http(&nginx.url("/health"), rules);
    wait_for(&fine, "healthy", "200 in");
    wait_for(&http(&nginx.url("/health"), &rules.replace("warn = 7", "warn = 6")), "degraded", "/queue");
    wait_for(&http(&nginx.url("/broken"), ""), "unhealthy", "500");
    wait_for(&http(&nginx.url("/nothing"), ""), "unhealthy", "404");
    wait_for(&http(&nginx.url("/slow"), "latency = { warn = \"500ms\" }\n"), "degraded", "latency");
    nginx.kill();
    wait_for(&fine, "unhealthy", "ECONNREFUSED");
}

// Over TLS, nginx is spoken to in HTTP/2, under the authority that the connection names, and nobody else.
#[test]
fn nginx_is_verified() {
    let nginx = Web::nginx_tls(&["localhost"]);
    let with = |name: &str, ca: &str| {
        let before = format!("[connections.shop]\nurl = \"https://{name}:{}\"\n{ca}", nginx.port());
        host("http", &before, "shop", "endpoint = \"shop\"\nurl = \"/health\"\ncertificate-days = { crit = 0 }\n")
    };
    let ca = format!("ca = \"{}\"\n", nginx.ca().display());
    let check = wait_for(&with("localhost", &ca), "healthy", "200 in");
    assert!(check["measurements"]["certificate"]["value"].as_f64().unwrap() > 0.0, "{check}");
    wait_for(&with("127.0.0.1", &ca), "unhealthy", "not valid for 127.0.0.1, only for localhost (wrong-name)");
    wait_for(&with("localhost", ""), "unhealthy", "no trusted authority");
}

// The words of a compressed page are seen, and that it was compressed.
#[test]
fn compressed_pages_are_read() {
    let nginx = Web::nginx();
    let packed = "headers = { accept-encoding = \"gzip\" }\nexpect-headers = { content-encoding = \"gzip\" }\n";
    let fine = http(&nginx.url("/packed"), &format!("{packed}contains = [\"maintenance\"]\n"));
    wait_for(&fine, "healthy", "200 in");
    let wrong = http(&nginx.url("/packed"), &format!("{packed}excludes = [\"maintenance\"]\n"));
    wait_for(&wrong, "unhealthy", "body contains \"maintenance\"");
}

// HAProxy asks as it does unless it is told otherwise, with OPTIONS, and sends nobody to a host that is not ready.
#[test]
fn haproxy_probes_the_host() {
    let mut nginx = Web::nginx();
    let host = http(&nginx.url("/health"), "");
    let haproxy = Web::haproxy_probing(host.address());
    let until = |wanted: u16| {
        let end = std::time::Instant::now() + probity_tests::host::PATIENCE;
        loop {
            let status = match ureq::get(haproxy.url("/live")).call() {
                Ok(answer) => answer.status().as_u16(),
                Err(ureq::Error::StatusCode(status)) => status,
                Err(_) => 0,
            };
            if status == wanted {
                return;
            }
            assert!(std::time::Instant::now() < end, "{status}, not {wanted}\n{}", haproxy.log());
            std::thread::sleep(std::time::Duration::from_millis(50)); // the distance of two looks
        }
    };
    wait_for(&host, "healthy", "200 in");
    until(200);
    nginx.kill();
    wait_for(&host, "unhealthy", "ECONNREFUSED");
    until(503);
}

// A proxy that answers for a dead server is no healthy server.
#[test]
fn haproxy_answers_for_the_dead() {
    let mut nginx = Web::nginx();
    let haproxy = Web::haproxy(&nginx);
    let host = http(&haproxy.url("/health"), "expect-headers = { x-through = \"haproxy\" }\n");
    wait_for(&host, "healthy", "200 in");
    nginx.kill();
    wait_for(&host, "unhealthy", "503");
}

/// The scenario of the documentation: log in, act, verify, clean up.
const SCENARIO: &str = r#"
endpoint = "shop"
[[check.config.steps]]
name = "login"
method = "POST"
url = "/login"
json = { user = "probe", password = "PASSWORD" }
capture = { token = "/token" }
[[check.config.steps]]
name = "order"
method = "POST"
url = "/orders"
headers = { authorization = "Bearer {{token}}" }
json = { item = 1, note = "probe {{run-id}}" }
status = [201]
capture = { id = "/order/id" }
[[check.config.steps]]
name = "verify"
url = "/orders/{{id}}"
headers = { authorization = "Bearer {{token}}" }
expect = [{ pointer = "/id", equals = "{{id}}" }, { pointer = "/note", equals = "probe {{run-id}}" }]
[[check.config.steps]]
name = "cancel"
method = "DELETE"
url = "/orders/{{id}}"
headers = { authorization = "Bearer {{token}}" }
always = true
"#;

// Log in, act, verify, clean up: the shop that forgets orders is found out, and nothing is left in one that does not.
#[test]
fn scenarios_are_played() {
    let shop = Web::shop();
    let before = format!("[connections.shop]\nurl = \"{}\"\n", shop.url(""));
    let good = host("json-api", &before, "shop", &SCENARIO.replace("PASSWORD", "swordfish"));
    let check = wait_for(&good, "healthy", "4 steps in");
    assert!(check["measurements"]["verify latency"]["value"].as_f64().unwrap() > 0.0, "{check}");
    let wrong = host("json-api", &before, "shop", &SCENARIO.replace("PASSWORD", "carp"));
    wait_for(&wrong, "unhealthy", "login: status 401");
    drop(wrong);
    drop(good);
    // Whatever run was cut off with the host may have left one; those that ended left none.
    let count = http(&shop.url("/count"), "json = [{ pointer = \"/orders\", at-most = { crit = 1 } }]\n");
    wait_for(&count, "healthy", "200 in");
    let lost = ureq::post(shop.url("/lose")).send_empty().unwrap();
    assert_eq!(lost.status(), 200);
    let forgetful = host("json-api", &before, "shop", &SCENARIO.replace("PASSWORD", "swordfish"));
    wait_for(&forgetful, "unhealthy", "verify: status 404");
}

// A registry says by RDAP how long a domain lasts, and whether it is held back.
#[test]
fn registrations_are_judged() {
    let registry = Web::shop();
    let of = |domain: &str| {
        let config = format!("domain = \"{domain}\"\nrdap-url = \"{}\"\n", registry.url(""));
        host("domain-expiry", "", &registry.url("/*"), &config)
    };
    let check = wait_for(&of("good.example"), "healthy", "registered for 400 more days");
    let days = check["measurements"]["registered"]["value"].as_f64().unwrap();
    assert!((399.9..400.2).contains(&days), "{check}");
    wait_for(&of("soon.example"), "unhealthy", "less than 7");
    wait_for(&of("held.example"), "unhealthy", "server hold");
    wait_for(&of("gone.example"), "unhealthy", "is not registered");
}

// The page of a real Prometheus is read: values, labels, growth; and the host's own page is read by it.
#[test]
fn prometheus_is_read_and_reads() {
    let port = probity_tests::servers::free_port();
    let url = format!("http://127.0.0.1:{port}/metrics");
    let host = host(
        "prometheus",
        "",
        &url,
        &format!(
            "url = \"{url}\"\n[[check.config.metrics]]\nmetric = \"prometheus_build_info\"\nat-least = {{ crit = 1 }}\n\
             [[check.config.metrics]]\nname = \"scrapes\"\nmetric = \"prometheus_http_requests_total\"\n\
             labels = {{ handler = \"/metrics\", code = \"200\" }}\nrate = true\nat-least = {{ crit = 0.1 }}\n"
        ),
    );
    wait_for(&host, "unhealthy", "ECONNREFUSED");
    let prometheus = Web::prometheus_at(port, host.address());
    let check = wait_for(&host, "healthy", "scrapes");
    assert_eq!(check["measurements"]["prometheus_build_info"]["value"], 1.0, "{check}");
    // By whatever Prometheus took from the host, calls into `http` were timed.
    let asked = prometheus
        .url("/api/v1/query?query=probity_capability_call_duration_seconds_count%7Bcapability%3D%22http%22%7D");
    let end = std::time::Instant::now() + probity_tests::host::PATIENCE;
    loop {
        let answer = ureq::get(&asked).call().unwrap().body_mut().read_to_string().unwrap();
        let json: Value = serde_json::from_str(&answer).unwrap();
        let count = json["data"]["result"][0]["value"][1].as_str().and_then(|text| text.parse::<f64>().ok());
        if count.is_some_and(|count| count >= 1.0) {
            return;
        }
        assert!(std::time::Instant::now() < end, "{answer}\n{}", prometheus.log());
        std::thread::sleep(std::time::Duration::from_millis(50)); // the distance of two looks
    }
}
