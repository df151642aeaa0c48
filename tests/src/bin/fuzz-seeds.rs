//! Writes what the fuzz targets start from into `fuzz/corpus`: the fixtures as components, the examples' configurations,
//! what real servers and clients say, and the hostile corpus. What a target once found is kept in `fuzz/seeds`, and
//! copied beside.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use probity_tests::hostile;

/// Between two turns of a played server, as in `fuzz/src/lib.rs`.
const TURN: &[u8] = b"\xff\xfe";

fn main() -> io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let write = |target: &str, name: &str, bytes: &[u8]| fs::write(corpus(&root, target)?.join(name), bytes);
    for (name, bytes) in probity_tests::guests::all() {
        write("component_bytes", &name, &bytes)?;
    }
    for (name, case) in hostile::corpus() {
        let Some(plugin) = case.plugin else { continue };
        let bytes = plugin.bytes();
        // libFuzzer would take a large one for the size of all.
        if bytes.len() < 16 << 10 {
            write("component_bytes", &name, &bytes)?;
        }
        if let Some(schema) = plugin.schema {
            write("schemas", &name, format!("{schema}\n{{\"text\":\"aaaa\"}}").as_bytes())?;
        }
    }
    for example in fs::read_dir(root.join("examples"))? {
        let example = example?;
        let file = example.path().join("probity.toml");
        if file.is_file() {
            fs::copy(file, corpus(&root, "configuration")?.join(example.file_name()))?;
        }
    }
    for (at, schema) in SCHEMAS.iter().enumerate() {
        write("schemas", &format!("kit-{at}"), schema.as_bytes())?;
    }
    for (name, bytes) in frames() {
        write("frames", name, &bytes)?;
    }
    for (at, request) in REQUESTS.iter().enumerate() {
        write("requests", &format!("request-{at}"), request)?;
    }
    for (at, name) in NAMES.iter().enumerate() {
        write("names", &format!("name-{at}"), name)?;
    }
    write("state", "header", &[0, 0, 0, 0, 4, 1, 2, 3, 4])?;
    write("state", "page", &[0, 16, 0, 0, 8, 255, 255, 255, 255, 0, 0, 0, 0])?;
    write("state", "cut", &[0, 32, 0, 0, 0, 1])?;
    kept(&root)
}

/// Schemas as the kits make them, with configurations.
const SCHEMAS: [&str; 4] = [
    "{\"type\":\"object\",\"properties\":{\"url\":{\"type\":\"string\",\"format\":\"uri\"}},\"required\":[\"url\"]}\n{\"url\":\"x\"}",
    "{\"$defs\":{\"T\":{\"type\":\"object\",\"properties\":{\"warn\":{\"type\":\"number\"}}}},\"properties\":{\"a\":{\"$ref\":\"#/$defs/T\"}},\"additionalProperties\":false}\n{\"a\":{\"warn\":1}}",
    "{\"anyOf\":[{\"$ref\":\"#\"},{\"properties\":{\"a\":{\"$ref\":\"#\"}}}],\"unevaluatedProperties\":false}\n{\"a\":{\"a\":{}}}",
    "{\"patternProperties\":{\"^[a-z]{1,9}$\":{\"enum\":[1,2]}},\"dependentSchemas\":{\"a\":{\"not\":{}}}}\n{\"a\":1}",
];

const REQUESTS: [&[u8]; 8] = [
    b"GET /ready?verbose HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /health?format=nagios HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"GET http://localhost/metrics HTTP/1.1\r\nHost: x\r\nAccept: text/plain\r\n\r\n",
    b"POST /heartbeats/job HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\n\r\n",
    b"POST /-/reload HTTP/1.0\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nab",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x06\x04\0\0\0\0\0\0\x04\0\0\0\0\0\0\x10\x01\x05\0\0\0\x01\x82\x86\x04\x05/live\x01\x09localhost",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\0\0\x04\x03\0\0\0\0\x01\0\0\0\x08\0\0\x08\x06\0\0\0\0\x0012345678",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\0\0\x04\x08\0\0\0\0\0\x7f\xff\xff\xff\0\0\x01\x09\0\0\0\0\x01a",
];

const NAMES: [&[u8]; 6] = [
    b"orders-backlog\nprobity:check/http@0.1.0",
    b"_other\nwasi:http/outgoing-handler@0.2.9",
    b"a\x1b[31m\nurl=<https://example.com/a>",
    b"..data\nintegrity=<sha256-abc>",
    b"Upper case\nunlocked-dep=<a:b@{>=1.0.0}>",
    b"\xff\xfe\nlocked-dep=<a:b/c@1.0.0>",
];

/// What servers say, with the byte that chooses the protocol before it.
fn frames() -> Vec<(&'static str, Vec<u8>)> {
    let amqp = |class: u16, method: u16, channel: u16, arguments: &[u8]| {
        let length = u32::try_from(arguments.len() + 4).unwrap_or(0);
        let ids = [class.to_be_bytes(), method.to_be_bytes()].concat();
        [&[1][..], &channel.to_be_bytes(), &length.to_be_bytes(), &ids, arguments, &[0xCE]].concat()
    };
    let login = [
        amqp(10, 10, 0, b"\0\x09\0\0\0\0\0\0\0\x05PLAIN\0\0\0\x05en_US"),
        amqp(10, 30, 0, b"\x07\xff\0\x02\0\0\0\x3c"),
        amqp(10, 41, 0, b"\0"),
        amqp(20, 11, 1, b"\0\0\0\0"),
        amqp(50, 11, 1, b"\x01q\0\0\0\x07\0\0\0\x02"),
        amqp(10, 51, 0, b""),
    ];
    let closed = amqp(10, 50, 0, b"\x01\x93\x0eACCESS_REFUSED\0\x0a\0\x0b");
    let nats: [&[u8]; 3] = [
        b"INFO {\"server_id\":\"x\",\"max_payload\":1048576,\"tls_available\":false}\r\n",
        b"PONG\r\n",
        b"MSG _INBOX.x 1 44\r\n{\"state\":{\"messages\":7,\"consumer_count\":1},\"x\":1}\r\n",
    ];
    let scripted = |kind: u8, turns: &[&[u8]]| [&[kind][..], &turns.join(TURN)].concat();
    let login: Vec<&[u8]> = login.iter().map(Vec::as_slice).collect();
    vec![
        ("redis-list", scripted(0, &[b":12\r\n"])),
        ("redis-stream", scripted(1, &[b"*1\r\n%2\r\n+name\r\n$1\r\ng\r\n+lag\r\n:5\r\n", b"*0\r\n"])),
        ("redis-error", scripted(0, &[b"-NOPERM this user has no permissions\r\n"])),
        ("amqp", scripted(2, &login)),
        ("amqp-closed", scripted(2, &[login[0], &closed])),
        ("nats", scripted(3, &nats)),
        ("nats-error", scripted(3, &[nats[0], b"-ERR 'Authorization Violation'\r\n"])),
        ("publish", scripted(4, &[b":1\r\n"])),
        ("dns", [&[5][..], b"\x81\x80\0\x01\0\x01\0\0\0\0\x04name\x07example\0\0\x10\0\x01\xc0\x0c\0\x10\0\x01\0\0\0\x3c\0\x04\x03abc"].concat()),
        ("dns-truncated", [&[5][..], b"\x83\x80\0\x01\0\0\0\0\0\0\x04name\x07example\0\0\x10\0\x01"].concat()),
    ]
}

/// What targets found once.
fn kept(root: &Path) -> io::Result<()> {
    for target in fs::read_dir(root.join("fuzz/seeds"))?.flatten().filter(|entry| entry.path().is_dir()) {
        let to = corpus(root, &target.file_name().to_string_lossy())?;
        for seed in fs::read_dir(target.path())?.flatten() {
            fs::copy(seed.path(), to.join(seed.file_name()))?;
        }
    }
    Ok(())
}

fn corpus(root: &Path, target: &str) -> io::Result<PathBuf> {
    let dir = root.join("fuzz/corpus").join(target);
    fs::create_dir_all(&dir)?;
    Ok(dir)
}
