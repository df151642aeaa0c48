//! The `queue` capability and the `queue-depth` check against real brokers.

use std::time::{Duration, Instant};

use probity_config::{Config, Source};
use probity_drivers::Services;
use probity_tests::guests::first_party;
use probity_tests::host::Host;
use probity_tests::servers::nats::{self, Nats};
use probity_tests::servers::rabbitmq::{self, RabbitMq};
use probity_tests::servers::redis::Redis;
use serde_json::Value;

/// Connection and queue `jobs` as a configuration declares them.
fn declared(url: &str, keys: &str) -> String {
    format!("[connections.broker]\nurl = \"{url}\"\n[queues.jobs]\nconnection = \"broker\"\n{keys}\n")
}

/// A host whose check `depth` looks at `jobs` ten times a second.
fn host(url: &str, keys: &str, thresholds: &str) -> Host {
    let host = Host::start(&format!(
        "{}[[check]]\nname = \"depth\"\nplugin = \"queue-depth\"\nevery = \"100ms\"\ntimeout = \"2s\"\n\
         grants = {{ queue = [\"jobs\"] }}\n[check.config]\nqueues = [\"jobs\"]\n{thresholds}\n",
        declared(url, keys)
    ));
    host.copy_in("queue-depth", &first_party("queue-depth"));
    host
}

fn wait_for(host: &Host, status: &str, text: &str) -> Value {
    host.wait_until_says("depth", status, text)
}

/// Publishes `count` probe messages through the capability's client.
async fn publish(url: &str, keys: &str, count: usize) {
    let source = Source { path: "probity.toml".into(), text: declared(url, keys) };
    let no_file = |_: &std::path::Path| Err(std::io::ErrorKind::NotFound.into());
    let config: Config =
        probity_config::parse(&[source], std::path::Path::new(""), &|_| None, &no_file).expect("it is valid");
    let services = Services::new(&config);
    for _ in 0..count {
        let deadline = Instant::now() + Duration::from_secs(10);
        services.queues.publish("jobs", b"probe", deadline).await.unwrap();
    }
}

/// That the planted password is in nothing that the host emits.
fn keeps(host: &Host, secret: &str) {
    let mut emitted = host.log();
    for path in ["/checks/depth", "/checks", "/health", "/metrics", "/plugins", "/checks/depth/history"] {
        emitted += &host.get(path).body;
    }
    assert!(emitted.contains("depth") && !emitted.contains(secret), "{emitted}");
}

// A list is as long as it is; a stream tells the age of what waits, a group its lag and what is not acknowledged.
#[tokio::test(flavor = "multi_thread")]
async fn redis_lists_and_streams() {
    let redis = Redis::start();
    let list = "list = \"jobs\"";
    publish(&redis.url(), list, 3).await;
    let judged = host(&redis.url(), list, "depth = { warn = 2 }");
    wait_for(&judged, "degraded", "jobs depth 3");

    let unseen = host(&redis.url(), list, "depth = { crit = 100 }\nconsumers = { crit = 1 }");
    wait_for(&unseen, "unknown", "does not tell `consumers`");

    publish(&redis.url(), "stream = \"log\"", 4).await;
    let judged = host(&redis.url(), "stream = \"log\"", "oldest-age = { crit = \"50ms\" }");
    let check = wait_for(&judged, "unhealthy", "jobs oldest age");
    assert_eq!(check["measurements"]["jobs depth"]["value"], 4.0, "{check}");

    let _ = redis.command(&["XGROUP", "CREATE", "log", "workers", "0"]);
    let _ = redis.command(&["XREADGROUP", "GROUP", "workers", "me", "COUNT", "1", "STREAMS", "log", ">"]);
    let judged = host(&redis.url(), "stream = \"log\"\ngroup = \"workers\"", "lag = { warn = 2 }");
    let check = wait_for(&judged, "degraded", "jobs lag 3");
    assert_eq!(check["measurements"]["jobs in flight"]["value"], 1.0, "{check}");
    assert_eq!(check["measurements"]["jobs consumers"]["value"], 1.0, "{check}");
    let missing = host(&redis.url(), "stream = \"log\"\ngroup = \"others\"", "");
    wait_for(&missing, "unhealthy", "no group `others`");
}

// A stream tells what it keeps, a consumer what it has not been given; a wrong password and a restart tell themselves.
#[tokio::test(flavor = "multi_thread")]
async fn nats_streams_and_consumers() {
    let mut nats = Nats::start();
    let created =
        nats.request("$JS.API.STREAM.CREATE.JOBS", r#"{"name":"JOBS","subjects":["jobs.>"],"storage":"file"}"#);
    assert!(created.contains("\"created\""), "{created}");
    let stream = "stream = \"JOBS\"\nsubject = \"jobs.probe\"";
    publish(&nats.url(), stream, 3).await;
    let watched = host(&nats.url(), stream, "oldest-age = { crit = \"50ms\" }");
    let check = wait_for(&watched, "unhealthy", "jobs oldest age");
    assert_eq!(check["measurements"]["jobs depth"]["value"], 3.0, "{check}");

    let consumer = r#"{"stream_name":"JOBS","config":{"durable_name":"worker","ack_policy":"explicit"}}"#;
    let created = nats.request("$JS.API.CONSUMER.DURABLE.CREATE.JOBS.worker", consumer);
    assert!(created.contains("num_pending"), "{created}");
    let lagging = host(&nats.url(), "stream = \"JOBS\"\nconsumer = \"worker\"", "lag = { warn = 2 }");
    let check = wait_for(&lagging, "degraded", "jobs lag 3");
    assert!(check["measurements"]["jobs oldest age"]["value"].as_f64().unwrap() > 0.0, "{check}");

    // To a user who may not read messages NATS does not tell how old one is: that is no judgement, and the right is named.
    let blind = nats.url().replace(nats::USER, nats::BLIND);
    let consumer = "stream = \"JOBS\"\nconsumer = \"worker\"";
    let unseen = host(&blind, consumer, "oldest-age = { crit = \"1h\" }");
    wait_for(&unseen, "unknown", "to a user who may ask `$JS.API.STREAM.MSG.GET.*`");
    wait_for(&host(&blind, consumer, "lag = { warn = 2 }"), "degraded", "jobs lag 3");

    let missing = host(&nats.url(), "stream = \"OTHER\"", "");
    wait_for(&missing, "unhealthy", "stream not found (10059)");
    let wrong = "carp-of-nats";
    let refused = host(&nats.url().replace(nats::PASSWORD, wrong), stream, "");
    wait_for(&refused, "unhealthy", "auth: connection `broker`: Authorization Violation");
    keeps(&refused, wrong);
    keeps(&lagging, nats::PASSWORD);

    nats.kill();
    wait_for(&lagging, "unhealthy", "ECONNREFUSED");
    nats.restart();
    wait_for(&lagging, "degraded", "jobs lag 3");
}

// TLS is turned on within the protocol, before the password is sent, and the server must be who the URL says.
#[test]
fn nats_over_tls() {
    let nats = Nats::start_tls(&["localhost"], false);
    let start = |url: &str, ca: &str| {
        let host = Host::start(&format!(
            "[connections.broker]\nurl = \"{url}\"\n{ca}[queues.jobs]\nconnection = \"broker\"\nstream = \"OTHER\"\n\
             [[check]]\nname = \"depth\"\nplugin = \"queue-depth\"\nevery = \"100ms\"\ngrants = {{ queue = [\"jobs\"] }}\n\
             [check.config]\nqueues = [\"jobs\"]\n"
        ));
        host.copy_in("queue-depth", &first_party("queue-depth"));
        host
    };
    let ca = nats.certificates().trusted();
    wait_for(&start(&nats.tls_url("localhost"), &ca), "unhealthy", "stream not found (10059)");
    wait_for(&start(&nats.tls_url("127.0.0.1"), &ca), "unhealthy", "(wrong-name)");
    wait_for(&start(&nats.tls_url("localhost"), ""), "unhealthy", "(unknown-issuer)");
}

// A queue tells messages and consumers; a missing one, a wrong password and a restart tell themselves.
#[tokio::test(flavor = "multi_thread")]
async fn rabbitmq_queues() {
    let mut rabbit = RabbitMq::start();
    let jobs = "name = \"jobs\"";
    publish(&rabbit.url(), jobs, 3).await;
    let watched = host(&rabbit.url(), jobs, "depth = { warn = 2 }");
    let check = wait_for(&watched, "degraded", "jobs depth 3");
    assert_eq!(check["measurements"]["jobs consumers"]["value"], 0.0, "{check}");
    keeps(&watched, rabbitmq::PASSWORD);
    let unseen = host(&rabbit.url(), jobs, "oldest-age = { warn = \"1h\" }");
    wait_for(&unseen, "unknown", "does not tell `oldest-age`");

    let missing = host(&rabbit.url(), "name = \"others\"", "");
    wait_for(&missing, "unhealthy", "no queue 'others' in vhost 'shop' (NOT_FOUND)");
    let elsewhere = host(&rabbit.url().replace("/shop", "/%2F"), jobs, "");
    wait_for(&elsewhere, "unhealthy", "auth: ");
    let wrong = "carp-of-rabbit";
    let refused = host(&rabbit.url().replace(rabbitmq::PASSWORD, wrong), jobs, "");
    wait_for(&refused, "unhealthy", "(ACCESS_REFUSED)");
    keeps(&refused, wrong);

    rabbit.kill();
    wait_for(&watched, "unhealthy", "ECONNREFUSED");
    rabbit.restart();
    // The messages of the probe are not kept through a crash, the queue is.
    wait_for(&watched, "healthy", "jobs: 0 messages wait");
}

// A broker that accepts and says nothing costs a run its time, and no more.
#[test]
fn silent_brokers_time_out() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    for (scheme, keys) in [("amqp", "name = \"jobs\""), ("nats", "stream = \"JOBS\""), ("redis", "list = \"jobs\"")] {
        let host = host(&format!("{scheme}://u:swordfish@127.0.0.1:{port}"), keys, "");
        wait_for(&host, "unhealthy", "jobs: timeout: ");
        keeps(&host, "swordfish");
    }
}
