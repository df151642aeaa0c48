//! The fake of `udp`: the other side is a function of the test.

use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;

use super::host;
use crate::udp::Reply;
use crate::{Error, ErrorKind};

type Answer = Rc<dyn Fn(&[u8]) -> Result<Reply, Error>>;

#[derive(Default)]
pub(crate) struct FakeUdp {
    /// By `host:port`.
    peers: HashMap<String, Answer>,
}

impl fmt::Debug for FakeUdp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.peers.keys()).finish()
    }
}

impl FakeUdp {
    pub(crate) fn insert(&mut self, target: &str, answer: impl Fn(&[u8]) -> Result<Reply, Error> + 'static) {
        self.peers.insert(target.to_owned(), Rc::new(answer));
    }
}

pub(crate) fn exchange(
    name: &str,
    port: u16,
    payload: &[u8],
    max_reply_bytes: u32,
    _timeout_ms: Option<u32>,
) -> Result<Reply, Error> {
    let target = format!("{name}:{port}");
    let found = host::fake(|fake| fake.udp.peers.get(&target).cloned());
    let nobody = || Error::new(ErrorKind::Refused, format!("the test host has nothing at {target}"));
    let reply = found.ok_or_else(nobody)?(payload)?;
    if reply.payload.len() > max_reply_bytes as usize {
        return Err(Error::new(ErrorKind::TooLarge, format!("an answer of {} bytes", reply.payload.len())));
    }
    Ok(reply)
}
