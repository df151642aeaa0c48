//! `udp`: the contract's datagrams, within the run's quota.

use std::time::UNIX_EPOCH;

use probity_core::check::Capability;
use probity_drivers::datagram::{self, Question};

use super::bindings::probity::check::udp::{Host, Reply};
use super::{HostError, HostState, small};

impl Host for HostState {
    async fn exchange(
        &mut self,
        host: String,
        port: u16,
        payload: Vec<u8>,
        max_reply_bytes: u32,
        timeout_ms: Option<u32>,
    ) -> Result<Reply, HostError> {
        let env = self.env.clone();
        let deadline = self.deadline(timeout_ms);
        let place = self.quota.socket();
        let target = format!("{host}:{port}");
        let work = async move {
            let _place = place?;
            let question = Question { host: &host, port, payload: &payload, reply_max: max_reply_bytes };
            datagram::exchange(&env.services.net, &env.grants, question, deadline).await
        };
        let reply = self.call(Capability::Udp, "exchange", &target, small(work)).await?;
        let received = reply.received.duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(Reply {
            payload: reply.payload,
            remote_address: reply.remote.to_string(),
            elapsed_ms: reply.elapsed.as_secs_f64() * 1e3,
            received_unix_ns: u64::try_from(received.as_nanos()).unwrap_or(u64::MAX),
        })
    }
}

#[cfg(test)]
mod tests {
    use probity_config::Limits;
    use probity_config::grants::TcpGrant;
    use probity_drivers::ErrorKind;
    use tokio::net::UdpSocket;

    use super::*;
    use crate::capabilities::tests::{answer, state};

    // An exchange through the contract's function, with the host's clock; it takes a place among the run's sockets.
    #[tokio::test]
    async fn an_exchange_from_end_to_end() {
        let peer = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let port = peer.local_addr().unwrap().port();
        let with = |sockets| {
            let mut host = state(&[], &[], &[], Limits { sockets, ..Limits::DEFAULT });
            let env = std::sync::Arc::get_mut(&mut host.env).unwrap();
            std::sync::Arc::get_mut(&mut env.grants).unwrap().udp = vec![TcpGrant::parse("127.0.0.1:*").unwrap()];
            host
        };
        let mut host = with(1);
        let before = std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let pong = async {
            let (_, from) = peer.recv_from(&mut [0; 16]).await.unwrap();
            peer.send_to(b"pong", from).await.unwrap();
        };
        let (reply, ()) = tokio::join!(host.exchange("127.0.0.1".into(), port, b"ping".into(), 16, None), pong);
        let reply = reply.unwrap();
        assert_eq!((reply.payload.as_slice(), reply.remote_address), (&b"pong"[..], format!("127.0.0.1:{port}")));
        assert!(u128::from(reply.received_unix_ns) >= before.as_nanos() && reply.elapsed_ms > 0.0);
        let silent = answer(host.exchange("127.0.0.1".into(), port, vec![], 16, Some(20)).await.unwrap_err());
        assert_eq!(silent.kind, ErrorKind::Timeout);
        let full = answer(with(0).exchange("127.0.0.1".into(), port, vec![], 16, Some(20)).await.unwrap_err());
        assert_eq!(full.kind, ErrorKind::Quota);
    }
}
