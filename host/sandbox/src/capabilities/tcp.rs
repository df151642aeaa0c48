//! `tcp`: the contract's sockets, within the run's quota.

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use probity_core::check::Capability;
use probity_drivers::socket::Socket;
use probity_drivers::{CallError, ErrorKind};
use tokio::sync::OwnedSemaphorePermit;
use wasmtime::component::Resource;

use super::bindings::probity::check::tcp::{Host, HostSocket};
use super::bindings::probity::check::types;
use super::{HostError, HostState, small};

/// A guest's socket.
#[derive(Debug)]
pub struct TcpSocket {
    /// Away while a call uses it; lost with a call that the run's end cut off.
    socket: Option<Socket>,
    connect_ms: f64,
    remote: String,
    _place: OwnedSemaphorePermit,
}

impl Host for HostState {}

impl HostSocket for HostState {
    async fn connect(
        &mut self,
        host: String,
        port: u16,
        timeout_ms: Option<u32>,
    ) -> Result<Resource<TcpSocket>, HostError> {
        let env = self.env.clone();
        let deadline = self.deadline(timeout_ms);
        let place = self.quota.socket();
        let target = format!("{host}:{port}");
        let work = async move {
            let place = place?;
            let socket = Socket::connect(&env.services.net, &env.grants, &host, port, deadline).await?;
            Ok(TcpSocket {
                connect_ms: socket.connect_time().as_secs_f64() * 1e3,
                remote: socket.remote_address().to_string(),
                socket: Some(socket),
                _place: place,
            })
        };
        let socket = self.call(Capability::Tcp, "connect", &target, small(work)).await?;
        Ok(self.table.push(socket)?)
    }

    async fn connect_ms(&mut self, socket: Resource<TcpSocket>) -> wasmtime::Result<f64> {
        Ok(self.table.get(&socket)?.connect_ms)
    }

    async fn remote_address(&mut self, socket: Resource<TcpSocket>) -> wasmtime::Result<String> {
        Ok(self.table.get(&socket)?.remote.clone())
    }

    async fn write(&mut self, socket: Resource<TcpSocket>, bytes: Vec<u8>) -> Result<(), HostError> {
        let deadline = self.deadline(None);
        self.on_socket(&socket, "write", move |held| async move { held.write(&bytes, deadline).await }.boxed()).await
    }

    async fn read(
        &mut self,
        socket: Resource<TcpSocket>,
        max: u32,
        timeout_ms: Option<u32>,
    ) -> Result<Vec<u8>, HostError> {
        let deadline = self.deadline(timeout_ms);
        self.on_socket(&socket, "read", move |held| held.read(max as usize, deadline).boxed()).await
    }

    async fn read_until(
        &mut self,
        socket: Resource<TcpSocket>,
        delimiter: Vec<u8>,
        max: u32,
        timeout_ms: Option<u32>,
    ) -> Result<Vec<u8>, HostError> {
        let deadline = self.deadline(timeout_ms);
        let read = self.on_socket(&socket, "read-until", move |held| {
            async move { held.read_until(&delimiter, max as usize, deadline).await }.boxed()
        });
        read.await
    }

    async fn start_tls(
        &mut self,
        socket: Resource<TcpSocket>,
        server_name: Option<String>,
        authority: Option<String>,
        timeout_ms: Option<u32>,
    ) -> Result<types::TlsInfo, HostError> {
        let deadline = self.deadline(timeout_ms);
        let env = self.env.clone();
        let start = self.on_socket(&socket, "start-tls", move |held| {
            async move {
                let authorities = env.authorities(authority.as_deref()).await?;
                held.start_tls(&env.services.inspector, server_name.as_deref(), authorities, deadline).await
            }
            .boxed()
        });
        let info = start.await?;
        self.note(&info.notes);
        Ok(info.into())
    }

    async fn drop(&mut self, socket: Resource<TcpSocket>) -> wasmtime::Result<()> {
        self.table.delete(socket)?;
        Ok(())
    }
}

impl HostState {
    /// Makes one call with the socket, which is away meanwhile.
    async fn on_socket<T: Send + 'static>(
        &mut self,
        socket: &Resource<TcpSocket>,
        operation: &'static str,
        work: impl for<'a> FnOnce(&'a mut Socket) -> BoxFuture<'a, Result<T, CallError>> + Send + 'static,
    ) -> Result<T, HostError> {
        let entry = self.table.get_mut(socket)?;
        let lost = || CallError::new(ErrorKind::Other, "the socket was lost with an earlier call");
        let (held, target) = (entry.socket.take().ok_or_else(lost)?, entry.remote.clone());
        let (held, answer) = self.call_with(Capability::Tcp, operation, &target, held, work).await;
        self.table.get_mut(socket)?.socket = held;
        answer
    }
}

#[cfg(test)]
mod tests {
    use probity_config::Limits;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::capabilities::tests::{answer, state};

    // A conversation through the contract's functions, and the quota of open sockets.
    #[tokio::test]
    async fn a_socket_from_end_to_end() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut host = state(&[], &["127.0.0.1:*"], &[], Limits { sockets: 1, ..Limits::DEFAULT });
        let socket = host.connect("127.0.0.1".into(), port, None).await.unwrap();
        let again = || Resource::new_borrow(socket.rep());
        let (mut peer, _) = listener.accept().await.unwrap();
        host.write(again(), b"PING".to_vec()).await.unwrap();
        let mut heard = [0; 4];
        peer.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"PING");
        let silent = answer(host.read(again(), 10, Some(20)).await.unwrap_err());
        assert_eq!(silent.kind, ErrorKind::Timeout);
        peer.write_all(b"PONG\n").await.unwrap();
        assert_eq!(host.read_until(again(), b"\n".to_vec(), 10, None).await.unwrap(), b"PONG\n");
        let second = answer(host.connect("127.0.0.1".into(), port, None).await.unwrap_err());
        assert_eq!(second.kind, ErrorKind::Quota);
        HostSocket::drop(&mut host, socket).await.unwrap();
        assert_eq!(peer.read(&mut heard).await.unwrap(), 0, "dropping closes");
        let denied = answer(host.connect("db.example".into(), 5432, None).await.unwrap_err());
        assert_eq!(denied.kind, ErrorKind::Denied);
        assert!(host.connect("127.0.0.1".into(), port, None).await.is_ok());
    }
}
