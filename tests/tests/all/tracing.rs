//! Runs as traces: what a check, a server that it asks, and a collector are told.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use probity_tests::guests::{self, first_party};
use probity_tests::host::{Answer, Host, PATIENCE, says};
use serde_json::Value;

/// A request as it came: path, headers in lower case, body.
#[derive(Clone, Debug)]
struct Heard {
    path: String,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

/// A server on a socket that takes everything, and keeps it. It ends with the test.
struct Receiver {
    url: String,
    heard: Arc<Mutex<Vec<Heard>>>,
}

impl Receiver {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let heard = Arc::<Mutex<Vec<Heard>>>::default();
        let kept = Arc::clone(&heard);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                // Whoever goes away in the middle is not kept.
                if let Some(heard) = hear(stream) {
                    kept.lock().unwrap_or_else(PoisonError::into_inner).push(heard);
                }
            }
        });
        Self { url, heard }
    }

    fn heard(&self, path: &str) -> Vec<Heard> {
        let heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.iter().filter(|heard| heard.path == path).cloned().collect()
    }

    /// Every span that came, from the body of each request to the collector.
    fn spans(&self) -> Vec<Value> {
        let mut spans = Vec::new();
        for heard in self.heard("/v1/traces") {
            assert_eq!(heard.headers["content-type"], "application/json");
            assert_eq!(heard.headers["x-token"], TOKEN_OF_COLLECTOR);
            assert!(!heard.headers.contains_key("traceparent"), "{heard:?}");
            let body: Value = serde_json::from_slice(&heard.body).unwrap();
            let resource = &body["resourceSpans"][0];
            assert_eq!(attribute(&resource["resource"], "service.name"), "probity");
            spans.extend(resource["scopeSpans"][0]["spans"].as_array().unwrap().iter().cloned());
        }
        spans
    }

    /// The run's span and those of its calls, of the first run of `check` that came.
    fn run_of(&self, check: &str) -> (Value, Vec<Value>) {
        let end = Instant::now() + PATIENCE;
        loop {
            let spans = self.spans();
            let name = format!("run {check}");
            if let Some(run) = spans.iter().find(|span| span["name"] == *name) {
                let is_child =
                    |span: &&Value| span["parentSpanId"] == run["spanId"] && span["traceId"] == run["traceId"];
                return (run.clone(), spans.iter().filter(is_child).cloned().collect());
            }
            assert!(Instant::now() < end, "no span of {check} came: {spans:?}");
            std::thread::sleep(std::time::Duration::from_millis(20)); // the distance of two looks
        }
    }
}

const TOKEN_OF_COLLECTOR: &str = "swordfish-of-collector";

fn hear(stream: TcpStream) -> Option<Heard> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
    reader.get_mut().write_all(answer).ok()?;
    Some(Heard { path, headers, body })
}

fn attribute<'a>(of: &'a Value, key: &str) -> &'a str {
    let attributes = of["attributes"].as_array().unwrap();
    let found = attributes.iter().find(|attribute| attribute["key"] == key);
    found.and_then(|attribute| attribute["value"]["stringValue"].as_str()).unwrap_or_else(|| panic!("no {key}: {of}"))
}

fn nanos(span: &Value, key: &str) -> u64 {
    // 64-bit numbers are texts in this encoding.
    span[key].as_str().unwrap().parse().unwrap()
}

fn tracing(url: &str) -> String {
    format!(
        "[tracing]\nenabled = true\ncollector = \"otel\"\n[connections.otel]\nurl = \"{url}/v1/traces\"\n\
         headers = {{ x-token = \"{TOKEN_OF_COLLECTOR}\" }}\n"
    )
}

fn check(name: &str, grant: &str, config: &str) -> String {
    format!(
        "[[check]]\nname = \"{name}\"\nplugin = \"http\"\nevery = \"200ms\"\ngrants = {{ http = [\"{grant}\"] }}\n\
         [check.config]\n{config}\n"
    )
}

// A run and its call are spans of one trace, whose id is the run's; the server that was asked hears the call's span, if its
// connection says so, and nobody else does.
#[test]
fn a_run_is_a_trace() {
    let receiver = Receiver::start();
    let url = &receiver.url;
    let config = tracing(url)
        + &format!("[connections.told]\nurl = \"{url}\"\ntraceparent = true\n")
        + &format!("[connections.untold]\nurl = \"{url}\"\n")
        + &check("told", "told", "endpoint = \"told\"\nurl = \"/told\"")
        + &check("untold", "untold", "endpoint = \"untold\"\nurl = \"/untold\"")
        + &check("bare", &format!("{url}/bare"), &format!("url = \"{url}/bare\""));
    let host = Host::start(&config);
    host.copy_in("http", &first_party("http"));
    let (run, calls) = receiver.run_of("told");
    assert_eq!(attribute(&run, "probity.run.id").replace('-', ""), run["traceId"].as_str().unwrap());
    assert_eq!((attribute(&run, "probity.check"), attribute(&run, "probity.status")), ("told", "healthy"));
    assert!(run.get("status").is_none() && run.get("parentSpanId").is_none(), "{run}");
    let [call] = calls.as_slice() else { panic!("one call: {calls:?}") };
    assert_eq!((call["name"].as_str(), attribute(call, "probity.capability")), (Some("http.send"), "http"));
    assert_eq!(attribute(call, "probity.target"), "told:/told");
    // The start of a run is known to the millisecond, and its calls are placed after it.
    let (from, to) = (nanos(&run, "startTimeUnixNano"), nanos(&run, "endTimeUnixNano"));
    let (began, ended) = (nanos(call, "startTimeUnixNano"), nanos(call, "endTimeUnixNano"));
    assert!(from <= began && began < ended && ended <= to + 1_000_000, "{run} {call}");

    let told: Vec<String> = receiver.heard("/told").iter().map(|heard| heard.headers["traceparent"].clone()).collect();
    let expected = format!("00-{}-{}-01", run["traceId"].as_str().unwrap(), call["spanId"].as_str().unwrap());
    assert!(told.contains(&expected), "{expected}: {told:?}");
    for check in ["untold", "bare"] {
        receiver.run_of(check);
        let heard = receiver.heard(&format!("/{check}"));
        assert!(!heard.is_empty() && heard.iter().all(|heard| !heard.headers.contains_key("traceparent")), "{heard:?}");
    }
    host.wait_for("/metrics", |answer| answer.body.contains("probity_trace_runs_total{result=\"sent\"}"));
    assert!(!host.log().contains(TOKEN_OF_COLLECTOR));
}

// A call that failed says how, and a run that is unhealthy is marked as one.
#[test]
fn failures_are_marked() {
    let receiver = Receiver::start();
    let closed = format!("http://127.0.0.1:{}/", probity_tests::servers::free_port());
    let host = Host::start(&(tracing(&receiver.url) + &check("closed", &closed, &format!("url = \"{closed}\""))));
    host.copy_in("http", &first_party("http"));
    let (run, calls) = receiver.run_of("closed");
    assert_eq!((&run["status"]["code"], attribute(&run, "probity.status")), (&2.into(), "unhealthy"));
    assert!(run["status"]["message"].as_str().unwrap().contains("ECONNREFUSED"), "{run}");
    assert_eq!((&calls[0]["status"]["code"], attribute(&calls[0], "error.type")), (&2.into(), "refused"));
}

// The last runs before the end of the host are sent as well.
#[test]
fn the_end_loses_nothing() {
    let receiver = Receiver::start();
    let mut host =
        Host::start(&(tracing(&receiver.url) + "[[check]]\nname = \"once\"\nplugin = \"says\"\nevery = \"1h\"\n"));
    host.copy_in("says", &says("hello"));
    host.wait_until("once", "healthy");
    host.terminate();
    assert!(host.ended().success());
    receiver.run_of("once");
}

// A collector that accepts and says nothing costs spans, which are counted, and no check anything.
#[test]
fn a_hanging_collector_costs_spans_only() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let checks = (0..100).map(|at| format!("[[check]]\nname = \"c{at}\"\nplugin = \"says\"\nevery = \"100ms\"\n"));
    let config = tracing(&format!("http://{}", silent.local_addr().unwrap())) + &checks.collect::<String>();
    let host = Host::start(&config);
    host.copy_in("says", &says("hello"));
    let dropped = |answer: &Answer| answer.body.contains("probity_trace_runs_total{result=\"dropped\"}");
    host.wait_for("/metrics", dropped);
    let runs = host.wait_until("c7", "healthy")["counters"]["runs"].as_u64();
    host.wait_for("/checks/c7", |answer| answer.json()["counters"]["runs"].as_u64() > runs);
}

/// Says what `context.traceparent` answers.
const ASKS: &str = r#"
(import "probity:check/context@0.1.0" "traceparent" (func $traceparent (param i32)))
(data (i32.const 1024) "none")
(func (export "probity:check/checker@0.1.0#run") (param i32 i32) (result i32)
  (call $traceparent (i32.const 2048))
  (if (i32.eqz (i32.load8_u (i32.const 2048)))
    (then (return (call $say (i32.const 0) (i32.const 1024) (i32.const 4)))))
  (call $say (i32.const 0) (i32.load (i32.const 2052)) (i32.load (i32.const 2056))))
"#;

// A check is told its own trace where runs are traces, and none where they are not.
#[test]
fn a_check_is_told_its_trace() {
    let check = "[[check]]\nname = \"asks\"\nevery = \"100ms\"\n";
    let host = Host::start(check);
    host.copy_in("asks", &guests::encode(ASKS).expect("the text is a guest"));
    host.wait_for_message("asks", "none");
    host.reconfigure(&format!("[tracing]\nenabled = true\n{check}"));
    let answer = host.wait_for("/checks/asks", |answer| answer.json()["message"] != "none").json();
    let trace = answer["run_id"].as_str().unwrap().replace('-', "");
    let message = answer["message"].as_str().unwrap();
    assert!(message.starts_with(&format!("00-{trace}-")) && message.ends_with("-01"), "{answer}");
}
