//! AMQP 0-9-1, as RabbitMQ speaks it: log in, look at one queue or publish one message, log out.

use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt, BufStream};

use super::Stats;
use crate::net::io_error;
use crate::server::{Server, Stream};
use crate::{CallError, ErrorKind};

/// The protocol's ports, without and with TLS.
pub(super) const PORTS: (u16, u16) = (5672, 5671);

/// Bytes of a frame that we take and send. What the methods here carry is far smaller.
const FRAME_BYTES_MAX: u32 = 128 << 10;

const METHOD: u8 = 1;
const HEADER: u8 = 2;
const BODY: u8 = 3;
const HEARTBEAT: u8 = 8;
const FRAME_END: u8 = 0xCE;

/// Class and number of a method.
type Method = (u16, u16);

const CONNECTION_START: Method = (10, 10);
const CONNECTION_START_OK: Method = (10, 11);
const CONNECTION_TUNE: Method = (10, 30);
const CONNECTION_TUNE_OK: Method = (10, 31);
const CONNECTION_OPEN: Method = (10, 40);
const CONNECTION_OPEN_OK: Method = (10, 41);
const CONNECTION_CLOSE: Method = (10, 50);
const CONNECTION_CLOSE_OK: Method = (10, 51);
const CHANNEL_OPEN: Method = (20, 10);
const CHANNEL_OPEN_OK: Method = (20, 11);
const CHANNEL_CLOSE: Method = (20, 40);
const QUEUE_DECLARE: Method = (50, 10);
const QUEUE_DECLARE_OK: Method = (50, 11);
const BASIC_PUBLISH: Method = (60, 40);
const BASIC_RETURN: Method = (60, 50);
const BASIC_ACK: Method = (60, 80);
const CONFIRM_SELECT: Method = (85, 10);
const CONFIRM_SELECT_OK: Method = (85, 11);

/// Declares nothing, only asks.
const PASSIVE: u8 = 1;

/// A message that no queue takes comes back.
const MANDATORY: u8 = 1;

pub(super) async fn inspect(server: &Server, queue: &str, deadline: Instant) -> Result<Stats, CallError> {
    let mut link = Link::open(server, deadline).await?;
    let declare = Arguments::default().short(0).text(queue)?.octet(PASSIVE).long(0);
    link.send(1, QUEUE_DECLARE, declare).await?;
    let mut answer = link.expect(QUEUE_DECLARE_OK).await?;
    answer.text()?;
    let (depth, consumers) = (answer.long()?, answer.long()?);
    link.close().await;
    Ok(Stats { depth: Some(depth.into()), consumers: Some(consumers), ..Stats::default() })
}

pub(super) async fn publish(server: &Server, queue: &str, payload: &[u8], deadline: Instant) -> Result<(), CallError> {
    let mut link = Link::open(server, deadline).await?;
    link.send(1, CONFIRM_SELECT, Arguments::default().octet(0)).await?;
    link.expect(CONFIRM_SELECT_OK).await?;
    // The default exchange leads to the queue of that name.
    let publish = Arguments::default().short(0).text("")?.text(queue)?.octet(MANDATORY);
    let mut bytes = frame(METHOD, 1, &method(BASIC_PUBLISH, &publish));
    let header = Arguments::default().short(BASIC_PUBLISH.0).short(0).long_long(payload.len() as u64).short(0);
    bytes.extend(frame(HEADER, 1, &header.0));
    for chunk in payload.chunks(link.frame_max as usize - 8) {
        bytes.extend(frame(BODY, 1, chunk));
    }
    link.write(&bytes).await?;
    let (method, mut answer) = link.method().await?;
    match method {
        BASIC_ACK => {}
        BASIC_RETURN => {
            let (code, said) = (answer.short()?, answer.text()?);
            return Err(refusal(code, &said, queue));
        }
        _ => {
            return Err(CallError::new(ErrorKind::Remote, format!("the broker did not take the message to `{queue}`")));
        }
    }
    link.close().await;
    Ok(())
}

/// A connection with channel 1 open.
struct Link<'a> {
    server: &'a Server,
    stream: BufStream<Stream>,
    frame_max: u32,
}

impl<'a> Link<'a> {
    async fn open(server: &'a Server, deadline: Instant) -> Result<Self, CallError> {
        let stream = server.connect(deadline).await?;
        let stream = BufStream::with_capacity(8 << 10, 4 << 10, stream);
        let mut link = Self { server, stream, frame_max: FRAME_BYTES_MAX };
        link.write(b"AMQP\x00\x00\x09\x01").await?;
        link.expect(CONNECTION_START).await?;
        let user = server.user.as_deref().unwrap_or("guest");
        let password = server.password.as_deref().unwrap_or("guest");
        let start_ok = Arguments::default()
            .table(&properties())
            .text("PLAIN")?
            .long_text(format!("\0{user}\0{password}").as_bytes())
            .text("en_US")?;
        link.send(0, CONNECTION_START_OK, start_ok).await?;
        let mut tune = link.expect(CONNECTION_TUNE).await?;
        tune.short()?;
        let frame_max = match tune.long()? {
            0 => FRAME_BYTES_MAX,
            offered => offered.clamp(4 << 10, FRAME_BYTES_MAX),
        };
        link.frame_max = frame_max;
        // One channel, and no heartbeat: the connection is gone before one would be due.
        link.send(0, CONNECTION_TUNE_OK, Arguments::default().short(1).long(frame_max).short(0)).await?;
        let host = if server.path.is_empty() { "/" } else { &server.path };
        link.send(0, CONNECTION_OPEN, Arguments::default().text(host)?.text("")?.octet(0)).await?;
        link.expect(CONNECTION_OPEN_OK).await?;
        link.send(1, CHANNEL_OPEN, Arguments::default().text("")?).await?;
        link.expect(CHANNEL_OPEN_OK).await?;
        Ok(link)
    }

    /// Says goodbye, so that the broker does not log a client that vanished. What it answers changes nothing any more.
    async fn close(mut self) {
        let goodbye = Arguments::default().short(200).short_text("done").short(0).short(0);
        if self.send(0, CONNECTION_CLOSE, goodbye).await.is_ok() {
            let _ = self.expect(CONNECTION_CLOSE_OK).await;
        }
    }

    async fn send(&mut self, channel: u16, name: Method, arguments: Arguments) -> Result<(), CallError> {
        self.write(&frame(METHOD, channel, &method(name, &arguments))).await
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), CallError> {
        let written = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        written.await.map_err(|error| io_error(&error, "send to the broker"))
    }

    async fn expect(&mut self, expected: Method) -> Result<Fields, CallError> {
        let (method, fields) = self.method().await?;
        if method == expected { Ok(fields) } else { Err(protocol("it answers what was not asked")) }
    }

    /// The next method; one that closes channel or connection is an error.
    async fn method(&mut self) -> Result<(Method, Fields), CallError> {
        loop {
            let (kind, payload) = self.frame().await?;
            if kind == HEARTBEAT || kind == HEADER || kind == BODY {
                continue;
            }
            let mut fields = Fields { bytes: payload, at: 0 };
            let method = (fields.short()?, fields.short()?);
            if method == CONNECTION_CLOSE || method == CHANNEL_CLOSE {
                let (code, said) = (fields.short()?, fields.text()?);
                let error = refusal(code, self.server.quoted(&said), "");
                // The connection itself is closed for what is wrong with the login or the virtual host.
                let is_login = method == CONNECTION_CLOSE && matches!(code, 403 | 530);
                return Err(if is_login { CallError { kind: ErrorKind::Auth, ..error } } else { error });
            }
            return Ok((method, fields));
        }
    }

    async fn frame(&mut self) -> Result<(u8, Vec<u8>), CallError> {
        let mut head = [0; 7];
        self.read(&mut head).await?;
        if head.starts_with(b"AMQP") {
            return Err(protocol("it speaks another version of AMQP"));
        }
        let size = u32::from_be_bytes([head[3], head[4], head[5], head[6]]);
        if !matches!(head[0], METHOD | HEADER | BODY | HEARTBEAT) || size > self.frame_max {
            return Err(protocol("it sends what is no frame"));
        }
        let mut payload = vec![0; size as usize + 1];
        self.read(&mut payload).await?;
        if payload.pop() != Some(FRAME_END) {
            return Err(protocol("a frame does not end where it said"));
        }
        Ok((head[0], payload))
    }

    async fn read(&mut self, into: &mut [u8]) -> Result<(), CallError> {
        self.stream.read_exact(into).await.map(|_| ()).map_err(|error| match error.kind() {
            std::io::ErrorKind::UnexpectedEof => CallError::new(ErrorKind::Refused, "the broker closed the connection"),
            _ => io_error(&error, "read from the broker"),
        })
    }
}

/// What the broker is told about us: that it may say why it refuses a login.
fn properties() -> Vec<u8> {
    let capability = b"\x1Cauthentication_failure_closet\x01";
    let mut bytes = b"\x07productS\x00\x00\x00\x07probity".to_vec();
    bytes.extend_from_slice(b"\x0CcapabilitiesF");
    bytes.extend_from_slice(&u32::try_from(capability.len()).unwrap_or_default().to_be_bytes());
    bytes.extend_from_slice(capability);
    bytes
}

/// A reply code with its text, such as `NOT_FOUND - no queue 'jobs' in vhost '/'`.
fn refusal(code: u16, said: &str, queue: &str) -> CallError {
    let word = said.split(' ').next().unwrap_or_default();
    let message = if queue.is_empty() { said.to_owned() } else { format!("`{queue}`: {said}") };
    let native = if word.is_empty() { code.to_string() } else { word.to_owned() };
    CallError::new(ErrorKind::Remote, message).with_code(native)
}

fn protocol(what: &str) -> CallError {
    CallError::new(ErrorKind::Protocol, format!("not AMQP 0-9-1: {what}"))
}

fn frame(kind: u8, channel: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind];
    bytes.extend_from_slice(&channel.to_be_bytes());
    bytes.extend_from_slice(&u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes());
    bytes.extend_from_slice(payload);
    bytes.push(FRAME_END);
    bytes
}

fn method((class, number): Method, arguments: &Arguments) -> Vec<u8> {
    [&class.to_be_bytes()[..], &number.to_be_bytes(), &arguments.0].concat()
}

/// Arguments of a method, written one after the other.
#[derive(Default)]
struct Arguments(Vec<u8>);

impl Arguments {
    fn octet(mut self, value: u8) -> Self {
        self.0.push(value);
        self
    }

    fn short(mut self, value: u16) -> Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    fn long(mut self, value: u32) -> Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    fn long_long(mut self, value: u64) -> Self {
        self.0.extend_from_slice(&value.to_be_bytes());
        self
    }

    /// At most 255 bytes.
    fn text(self, text: &str) -> Result<Self, CallError> {
        if text.len() > usize::from(u8::MAX) {
            let message = "names of AMQP have at most 255 bytes".to_owned();
            return Err(CallError::new(ErrorKind::InvalidArgument, message));
        }
        Ok(self.short_text(text))
    }

    /// The same for a text that is known to be short.
    fn short_text(mut self, text: &str) -> Self {
        self.0.push(u8::try_from(text.len()).unwrap_or_default());
        self.0.extend_from_slice(text.as_bytes());
        self
    }

    fn long_text(self, bytes: &[u8]) -> Self {
        let mut arguments = self.long(u32::try_from(bytes.len()).unwrap_or_default());
        arguments.0.extend_from_slice(bytes);
        arguments
    }

    fn table(self, fields: &[u8]) -> Self {
        self.long_text(fields)
    }
}

/// Fields of a method, read one after the other.
struct Fields {
    bytes: Vec<u8>,
    at: usize,
}

impl Fields {
    fn take(&mut self, count: usize) -> Result<&[u8], CallError> {
        let taken = self.bytes.get(self.at..self.at + count).ok_or_else(|| protocol("a method is cut off"))?;
        self.at += count;
        Ok(taken)
    }

    fn short(&mut self) -> Result<u16, CallError> {
        let bytes = self.take(2)?;
        Ok(u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    fn long(&mut self) -> Result<u32, CallError> {
        let bytes = self.take(4)?;
        Ok(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    fn text(&mut self) -> Result<String, CallError> {
        let length = usize::from(self.take(1)?[0]);
        Ok(String::from_utf8_lossy(self.take(length)?).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    // Lengths in the properties are those of what follows; brokers close the connection over less.
    #[test]
    fn properties_are_well_formed() {
        let mut fields = Fields { bytes: properties(), at: 0 };
        assert_eq!(fields.text().unwrap(), "product");
        assert_eq!(fields.take(1).unwrap(), b"S");
        let length = fields.long().unwrap() as usize;
        assert_eq!(fields.take(length).unwrap(), b"probity");
        assert_eq!(fields.text().unwrap(), "capabilities");
        assert_eq!(fields.take(1).unwrap(), b"F");
        assert_eq!(fields.long().unwrap() as usize, fields.bytes.len() - fields.at);
        assert_eq!(fields.text().unwrap(), "authentication_failure_close");
        assert_eq!(fields.take(2).unwrap(), b"t\x01");
        assert_eq!(fields.at, fields.bytes.len());
    }

    // The first word of what a broker says is the code.
    #[test]
    fn refusals_have_a_word() {
        let error = refusal(404, "NOT_FOUND - no queue 'jobs' in vhost '/'", "");
        assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::Remote, Some("NOT_FOUND")));
        assert_eq!(refusal(312, "", "jobs").code.as_deref(), Some("312"));
    }

    proptest! {
        // No bytes of a method make reading it panic.
        #[test]
        fn any_fields_are_survived(bytes: Vec<u8>) {
            let mut fields = Fields { bytes, at: 0 };
            while fields.short().is_ok() && fields.text().is_ok() && fields.long().is_ok() {}
        }
    }
}
