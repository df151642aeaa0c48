//! Whatever a broker, a Redis or a name server sends is an answer or an error of the call; never a panic, a hang, or more
//! memory than the call may use. The first byte chooses the protocol.
#![no_main]

use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use libfuzzer_sys::fuzz_target;
use probity_config::{Source, parse};
use probity_drivers::Services;
use probity_drivers::resolve::Question;
use probity_fuzz::Played;
use tokio::runtime::Runtime;

/// How long a call may take: then it says that it timed out.
const CALL_MAX: Duration = Duration::from_millis(100);

static RUNTIME: LazyLock<Runtime> = LazyLock::new(probity_fuzz::runtime);
static SERVER: LazyLock<Played> = LazyLock::new(Played::tcp);
static NAMES: LazyLock<Played> = LazyLock::new(Played::udp);

fn services() -> Services {
    let address = SERVER.address;
    let text = format!(
        "[connections]\nr = {{ url = \"redis://{address}\" }}\na = {{ url = \"amqp://{address}\" }}\n\
         n = {{ url = \"nats://{address}\" }}\n[queues]\nlist = {{ connection = \"r\", list = \"x\" }}\n\
         stream = {{ connection = \"r\", stream = \"x\", group = \"g\" }}\namqp = {{ connection = \"a\", name = \"q\" }}\n\
         nats = {{ connection = \"n\", stream = \"s\", consumer = \"c\", subject = \"s\" }}\n"
    );
    let source = Source { path: "probity.toml".into(), text };
    let config = parse(&[source], Path::new("/"), &|_| None, &|_| Err(std::io::ErrorKind::NotFound.into()));
    Services::new(&config.unwrap_or_else(|errors| panic!("{errors}")))
}

fuzz_target!(|bytes: &[u8]| {
    let Some((kind, script)) = bytes.split_first() else { return };
    let deadline = Instant::now() + CALL_MAX;
    if kind % 6 == 5 {
        NAMES.play(script);
        RUNTIME.block_on(async {
            let question = Question::new("name.example", "TXT").expect("that is a question");
            // Either is fine.
            let _ = question.ask(&[NAMES.address], deadline).await;
        });
        return;
    }
    SERVER.play(script);
    RUNTIME.block_on(async {
        // Made anew each time: a connection that is kept would get the rest of another script.
        let queues = services().queues;
        let queue = ["list", "stream", "amqp", "nats"][usize::from(kind % 4)];
        // Either is fine.
        if kind % 6 == 4 {
            let _ = queues.publish(queue, b"payload", deadline).await;
        } else {
            let _ = queues.inspect(queue, 64 << 10, deadline).await;
        }
    });
});
