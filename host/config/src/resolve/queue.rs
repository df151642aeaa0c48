//! `[queues]`: what there is to look at on which broker.

use std::collections::BTreeMap;

use crate::cx::Cx;
use crate::decode::Key;
use crate::errors::{Fault, listed, nearest};
use crate::leaf::Text;
use crate::tree::NodeId;
use crate::valid::{Connection, Queue, QueueSource};
use crate::{is_name, raw};

/// Characters of a queue's, stream's or key's name.
const NAME_CHARS_MAX: usize = 255;

pub(super) fn all(
    raw: &raw::File,
    connections: &BTreeMap<String, Connection>,
    cx: &mut Cx<'_>,
) -> BTreeMap<String, Queue> {
    let mut queues = BTreeMap::new();
    for (name, queue) in &raw.queues {
        let Some(own) = queue.own.0 else { continue };
        if !is_name(name) {
            let help = "use lower-case letters, digits, `-`, `_` and `.`, starting with a letter or digit";
            cx.faults.push(Fault::at(cx.tree.node(own).key, format!("`{name}` is no name for a queue")).help(help));
        }
        if queue.connection.id.is_none() {
            let fault = Fault::at(cx.tree.node(own).place, format!("queue `{name}` without `connection`"));
            cx.faults
                .push(fault.help("name the broker: `connection = \"rabbit\"`, declared as `[connections.rabbit]`"));
        }
        let (Some(connection), Some(id)) = (queue.connection.read(cx), queue.connection.id) else { continue };
        let source = match connections.get(&connection) {
            Some(Connection::Amqp(_)) => amqp(queue, own, cx),
            Some(Connection::Redis(_) | Connection::Sentinel(_)) => redis(queue, own, cx),
            Some(Connection::Nats(_)) => jetstream(queue, own, cx),
            Some(_) => {
                let message = format!("connection `{connection}` is no broker");
                cx.wrong(id, message, "its URL must start with `amqp://`, `nats://` or `redis://`");
                None
            }
            None => {
                if !raw.connections.contains_key(&connection) {
                    undeclared(&connection, id, raw, cx);
                }
                None
            }
        };
        if let Some(source) = source {
            queues.insert(name.clone(), Queue { connection, source });
        }
    }
    queues
}

fn undeclared(connection: &str, id: NodeId, raw: &raw::File, cx: &mut Cx<'_>) {
    let names = || raw.connections.keys().map(String::as_str);
    let hint = match nearest(connection, names()) {
        Some(near) => format!("did you mean `{near}`? "),
        None if raw.connections.is_empty() => String::new(),
        None => format!("there are {}. ", listed(names().take(10))),
    };
    let message = format!("no connection is named {}", cx.typed(id));
    cx.wrong(id, message, format!("{hint}declare it as `[connections.NAME]`"));
}

fn amqp(raw: &raw::Queue, own: NodeId, cx: &mut Cx<'_>) -> Option<QueueSource> {
    let foreign = [
        ("list", &raw.list),
        ("stream", &raw.stream),
        ("group", &raw.group),
        ("consumer", &raw.consumer),
        ("subject", &raw.subject),
    ];
    refuse("an `amqp` queue", &foreign, cx);
    Some(QueueSource::Amqp { queue: required("name", &raw.name, "an `amqp` queue", own, cx)? })
}

fn redis(raw: &raw::Queue, own: NodeId, cx: &mut Cx<'_>) -> Option<QueueSource> {
    refuse("a `redis` queue", &[("name", &raw.name), ("consumer", &raw.consumer), ("subject", &raw.subject)], cx);
    match (raw.list.id, raw.stream.id) {
        (Some(_), Some(stream)) => {
            cx.wrong(stream, "both `list` and `stream` are set", "keep the one that the key holds");
            None
        }
        (Some(_), None) => {
            refuse("a list", &[("group", &raw.group)], cx);
            Some(QueueSource::RedisList { key: name(&raw.list, cx)? })
        }
        (None, Some(_)) => Some(QueueSource::RedisStream { key: name(&raw.stream, cx)?, group: name(&raw.group, cx) }),
        (None, None) => {
            let fault = Fault::at(cx.tree.node(own).place, "a `redis` queue without `list` or `stream`");
            cx.faults.push(fault.help("name the key that holds it: `list = \"jobs\"`"));
            None
        }
    }
}

fn jetstream(raw: &raw::Queue, own: NodeId, cx: &mut Cx<'_>) -> Option<QueueSource> {
    refuse("a `nats` queue", &[("name", &raw.name), ("list", &raw.list), ("group", &raw.group)], cx);
    let stream = required("stream", &raw.stream, "a `nats` queue", own, cx)?;
    let (consumer, subject) = (name(&raw.consumer, cx), name(&raw.subject, cx));
    // They become part of a protocol line, whose words are separated by blanks and whose wildcards would widen it.
    let parts = [(Some(&stream), raw.stream.id, ".*>"), (consumer.as_ref(), raw.consumer.id, ".*>")];
    for (part, id, taken) in parts.into_iter().chain([(subject.as_ref(), raw.subject.id, "*>")]) {
        let odd = |text: &&String| text.chars().any(|c| c.is_whitespace() || taken.contains(c));
        if let (Some(_), Some(id)) = (part.filter(odd), id) {
            let message = format!("{} cannot be a name in NATS", cx.typed(id));
            cx.wrong(id, message, "leave out blanks, `*` and `>`; names of streams and consumers have no `.` either");
        }
    }
    Some(QueueSource::JetStream { stream, consumer, subject })
}

/// Notes keys that mean nothing for this kind of broker.
fn refuse(kind: &str, keys: &[(&str, &Key<Text>)], cx: &mut Cx<'_>) {
    for (key, value) in keys {
        if let Some(id) = value.id {
            cx.wrong(id, format!("{kind} has no `{key}`"), "remove it, or name another connection");
        }
    }
}

fn required(key: &str, value: &Key<Text>, kind: &str, own: NodeId, cx: &mut Cx<'_>) -> Option<String> {
    if value.id.is_none() {
        let fault = Fault::at(cx.tree.node(own).place, format!("{kind} without `{key}`"));
        cx.faults.push(fault.help(format!("say what to look at: `{key} = \"jobs\"`")));
    }
    name(value, cx)
}

fn name(key: &Key<Text>, cx: &mut Cx<'_>) -> Option<String> {
    let (text, id) = (key.read(cx)?, key.id?);
    if text.is_empty() || text.chars().count() > NAME_CHARS_MAX || text.chars().any(char::is_control) {
        let message = format!("{} is no name of a queue", cx.typed(id));
        let help = format!("write 1 to {NAME_CHARS_MAX} characters, no control characters among them");
        cx.wrong(id, message, help);
        return None;
    }
    Some(text)
}
