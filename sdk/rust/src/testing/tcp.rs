//! The fake of `tcp`: the other side follows a script.

use std::cell::RefCell;
use std::collections::VecDeque;

use super::host;
use crate::http::TlsInfo;
use crate::{Error, ErrorKind};

/// What the other side of a fake connection does, in order.
///
/// ```
/// # use probity_check::testing::Script;
/// let smtp = Script::new().sends(b"220 mail\r\n").expects(b"QUIT\r\n").sends(b"221 bye\r\n");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Script {
    connect_ms: f64,
    steps: VecDeque<Step>,
}

#[derive(Clone, Debug, PartialEq)]
enum Step {
    /// Bytes the check can read.
    Send(Vec<u8>),
    /// Bytes the check must have written before the script goes on.
    Expect(Vec<u8>),
    /// The check must begin TLS before the script goes on.
    StartTls(TlsInfo),
    /// Reading fails.
    Fail(Error),
}

impl Script {
    /// Accepts at once, says nothing, closes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how long connecting took, in milliseconds.
    #[must_use]
    pub fn connect_ms(mut self, ms: f64) -> Self {
        self.connect_ms = ms;
        self
    }

    /// Then sends these bytes.
    #[must_use]
    pub fn sends(mut self, bytes: &[u8]) -> Self {
        self.steps.push_back(Step::Send(bytes.to_vec()));
        self
    }

    /// Then waits for exactly these bytes; until they came, reading times out.
    #[must_use]
    pub fn expects(mut self, bytes: &[u8]) -> Self {
        self.steps.push_back(Step::Expect(bytes.to_vec()));
        self
    }

    /// Then shakes hands when the check begins TLS, and shows this session; until then reading times out.
    #[must_use]
    pub fn starts_tls(mut self, info: TlsInfo) -> Self {
        self.steps.push_back(Step::StartTls(info));
        self
    }

    /// Then fails reading with this error, for good.
    #[must_use]
    pub fn fails(mut self, error: Error) -> Self {
        self.steps.push_back(Step::Fail(error));
        self
    }
}

/// A connection to a [`Script`].
#[derive(Debug)]
pub(crate) struct TcpSocket {
    target: String,
    connect_ms: f64,
    steps: RefCell<VecDeque<Step>>,
    /// What the check wrote and the other side has not read.
    unread: RefCell<Vec<u8>>,
}

impl TcpSocket {
    pub(crate) fn connect(name: &str, port: u16, _timeout_ms: Option<u32>) -> Result<Self, Error> {
        let target = format!("{name}:{port}");
        let found = host::fake(|fake| fake.tcp.get(&target).cloned());
        let script = found
            .unwrap_or_else(|| Err(Error::new(ErrorKind::Refused, format!("the test host has nothing at {target}"))))?;
        Ok(Self {
            target,
            connect_ms: script.connect_ms,
            steps: RefCell::new(script.steps),
            unread: RefCell::default(),
        })
    }

    pub(crate) fn connect_ms(&self) -> f64 {
        self.connect_ms
    }

    pub(crate) fn remote_address(&self) -> String {
        self.target.clone()
    }

    #[expect(clippy::unnecessary_wraps, reason = "the signature of the component side")]
    pub(crate) fn write(&self, bytes: &[u8]) -> Result<(), Error> {
        self.unread.borrow_mut().extend_from_slice(bytes);
        host::fake(|fake| {
            let written = fake.tcp_written.entry(self.target.clone()).or_default();
            written.extend_from_slice(bytes);
        });
        Ok(())
    }

    pub(crate) fn read(&self, max: u32, _timeout_ms: Option<u32>) -> Result<Vec<u8>, Error> {
        self.take_expected();
        let mut steps = self.steps.borrow_mut();
        let sent = match steps.front_mut() {
            None => return Ok(Vec::new()),
            Some(Step::Expect(bytes)) => {
                let waits = format!("the script waits for {:?}", String::from_utf8_lossy(bytes));
                return Err(Error::new(ErrorKind::Timeout, waits));
            }
            Some(Step::StartTls(_)) => return Err(Error::new(ErrorKind::Timeout, "the script waits for TLS to begin")),
            Some(Step::Fail(error)) => return Err(error.clone()),
            Some(Step::Send(bytes)) => bytes,
        };
        let read: Vec<u8> = sent.drain(..sent.len().min(max as usize)).collect();
        if sent.is_empty() {
            steps.pop_front();
        }
        Ok(read)
    }

    pub(crate) fn start_tls(
        &self,
        _server_name: Option<&str>,
        _authority: Option<&str>,
        _timeout_ms: Option<u32>,
    ) -> Result<TlsInfo, Error> {
        self.take_expected();
        let mut steps = self.steps.borrow_mut();
        match steps.front() {
            Some(Step::StartTls(info)) => {
                let info = info.clone();
                steps.pop_front();
                Ok(info)
            }
            Some(Step::Send(_)) => Err(Error::new(ErrorKind::Protocol, "the script said something that is not read")),
            _ => Err(Error::new(ErrorKind::Tls, "the script does not shake hands here")),
        }
    }

    /// Lets the other side read what it waits for, once the check wrote all of it.
    fn take_expected(&self) {
        let mut steps = self.steps.borrow_mut();
        let mut unread = self.unread.borrow_mut();
        while let Some(Step::Expect(expected)) = steps.front() {
            if !unread.starts_with(expected) {
                return;
            }
            unread.drain(..expected.len());
            steps.pop_front();
        }
    }

    pub(crate) fn read_until(&self, delimiter: &[u8], max: u32, timeout_ms: Option<u32>) -> Result<Vec<u8>, Error> {
        let mut read = Vec::new();
        while !read.ends_with(delimiter) {
            if read.len() >= max as usize {
                return Err(Error::new(ErrorKind::TooLarge, format!("no delimiter within {max} bytes")));
            }
            let next = self.read(1, timeout_ms)?;
            if next.is_empty() {
                return Err(Error::new(ErrorKind::Protocol, "the stream ended before the delimiter"));
            }
            read.extend(next);
        }
        Ok(read)
    }
}
