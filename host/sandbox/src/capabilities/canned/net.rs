//! `tcp`, `udp`, `tls` and `dns` from a script.

use base64::prelude::{BASE64_STANDARD, Engine};
use probity_core::check::Capability;
use probity_drivers::{CallError, ErrorKind};
use wasmtime::component::Resource;

use super::super::HostError;
use super::super::bindings::probity::check::{dns, tcp, tls, types, udp};
use super::super::tcp::TcpSocket;
use super::{Actor, Answer, disguise, misfit, peek};

/// A conversation with a scripted peer.
struct Conversation {
    asked: String,
    line: u32,
    says: Vec<u8>,
    hears: Option<Vec<u8>>,
    heard: Vec<u8>,
    connect_ms: f64,
}

impl tcp::Host for Actor<'_> {}

impl tcp::HostSocket for Actor<'_> {
    async fn connect(
        &mut self,
        host: String,
        port: u16,
        _timeout_ms: Option<u32>,
    ) -> Result<Resource<TcpSocket>, HostError> {
        let target = format!("{host}:{port}");
        let asked = format!("tcp {target}");
        let hint = || format!("[[case.tcp]]\nto = {target:?}\nsays = \"…\"");
        let (line, answer) = self.play((Capability::Tcp, "connect"), &target, &asked, hint)?;
        let Answer::Peer { says, hears, connect_ms } = answer else { return Err(misfit()) };
        let conversation = Conversation { asked: target, line, says, hears, heard: Vec::new(), connect_ms };
        let resource = self.0.table.push(conversation)?;
        Ok(disguise(&resource))
    }

    async fn connect_ms(&mut self, socket: Resource<TcpSocket>) -> wasmtime::Result<f64> {
        Ok(self.0.table.get::<Conversation>(&peek(&socket))?.connect_ms)
    }

    async fn remote_address(&mut self, socket: Resource<TcpSocket>) -> wasmtime::Result<String> {
        Ok(self.0.table.get::<Conversation>(&peek(&socket))?.asked.clone())
    }

    async fn write(&mut self, socket: Resource<TcpSocket>, bytes: Vec<u8>) -> Result<(), HostError> {
        let target = self.0.table.get::<Conversation>(&peek(&socket))?.asked.clone();
        self.0.table.get_mut::<Conversation>(&peek(&socket))?.heard.extend_from_slice(&bytes);
        self.0.call_now(Capability::Tcp, "write", &target, |_| Ok(()))
    }

    async fn read(
        &mut self,
        socket: Resource<TcpSocket>,
        max: u32,
        _timeout_ms: Option<u32>,
    ) -> Result<Vec<u8>, HostError> {
        let peer = self.0.table.get_mut::<Conversation>(&peek(&socket))?;
        let (target, take) = (peer.asked.clone(), peer.says.len().min(max as usize));
        let bytes: Vec<u8> = peer.says.drain(..take).collect();
        self.0.call_now(Capability::Tcp, "read", &target, |_| match max {
            0 => Err(CallError::new(ErrorKind::InvalidArgument, "max is 0")),
            _ => Ok(bytes),
        })
    }

    async fn read_until(
        &mut self,
        socket: Resource<TcpSocket>,
        delimiter: Vec<u8>,
        max: u32,
        _timeout_ms: Option<u32>,
    ) -> Result<Vec<u8>, HostError> {
        let peer = self.0.table.get_mut::<Conversation>(&peek(&socket))?;
        let target = peer.asked.clone();
        let at = peer.says.windows(delimiter.len().max(1)).position(|window| window == delimiter);
        let answer = match at.map(|at| at + delimiter.len()) {
            _ if delimiter.is_empty() => Err(CallError::new(ErrorKind::InvalidArgument, "the delimiter is empty")),
            Some(end) if end > max as usize => {
                Err(CallError::new(ErrorKind::TooLarge, format!("the delimiter is not within {max} bytes")))
            }
            Some(end) => Ok(peer.says.drain(..end).collect()),
            None => Err(CallError::new(ErrorKind::Protocol, "the stream ended before the delimiter")),
        };
        self.0.call_now(Capability::Tcp, "read-until", &target, |_| answer)
    }

    /// The handshake of the `tls` entry for the same peer.
    async fn start_tls(
        &mut self,
        socket: Resource<TcpSocket>,
        server_name: Option<String>,
        authority: Option<String>,
        _timeout_ms: Option<u32>,
    ) -> Result<types::TlsInfo, HostError> {
        let target = self.0.table.get::<Conversation>(&peek(&socket))?.asked.clone();
        self.handshake((Capability::Tcp, "start-tls"), &target, server_name.as_deref(), authority.as_deref())
    }

    async fn drop(&mut self, socket: Resource<TcpSocket>) -> wasmtime::Result<()> {
        let peer: Conversation = self.0.table.delete(disguise(&socket))?;
        if let Some(wanted) = peer.hears.filter(|wanted| *wanted != peer.heard)
            && let Ok(script) = self.script()
        {
            let (wanted, heard) = (told(&wanted), told(&peer.heard));
            script.differs(peer.line, format!("what {} heard: expected {wanted}, was {heard}", peer.asked));
        }
        Ok(())
    }
}

impl udp::Host for Actor<'_> {
    async fn exchange(
        &mut self,
        host: String,
        port: u16,
        payload: Vec<u8>,
        max_reply_bytes: u32,
        _timeout_ms: Option<u32>,
    ) -> Result<udp::Reply, HostError> {
        let target = format!("{host}:{port}");
        let hint = || format!("[[case.udp]]\nto = {target:?}\nsays-base64 = \"…\"");
        let (line, answer) = self.play((Capability::Udp, "exchange"), &target, &format!("udp {target}"), hint)?;
        let Answer::Peer { says, hears, connect_ms } = answer else { return Err(misfit()) };
        let script = self.script()?;
        if let Some(wanted) = hears.filter(|wanted| *wanted != payload) {
            script.differs(line, format!("what {target} heard: expected {}, was {}", told(&wanted), told(&payload)));
        }
        if says.len() > max_reply_bytes as usize {
            return Err(CallError::new(
                ErrorKind::TooLarge,
                format!("the answer has more than {max_reply_bytes} bytes"),
            )
            .into());
        }
        let received_unix_ns = script.now().saturating_mul(1_000_000);
        Ok(udp::Reply { payload: says, remote_address: target, elapsed_ms: connect_ms, received_unix_ns })
    }
}

/// Bytes as a case writes them: text, or base64.
fn told(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => format!("{text:?}"),
        Err(_) => format!("base64 {:?}", BASE64_STANDARD.encode(bytes)),
    }
}

impl Actor<'_> {
    fn handshake(
        &mut self,
        what: (Capability, &'static str),
        target: &str,
        server_name: Option<&str>,
        authority: Option<&str>,
    ) -> Result<types::TlsInfo, HostError> {
        let hint = || format!("[[case.tls]]\nto = {target:?}\nnot-after = 2027-01-01T00:00:00Z");
        let (line, answer) = self.play(what, target, &format!("tls {target}"), hint)?;
        let Answer::Tls(info, wanted) = answer else { return Err(misfit()) };
        let script = self.script()?;
        let sides = [("server name", &wanted.server_name, server_name), ("authority", &wanted.authority, authority)];
        for (what, wanted, given) in sides {
            if let Some(wanted) = wanted.as_deref().filter(|wanted| given != Some(wanted)) {
                let given = given.map_or("not given".to_owned(), |given| format!("{given:?}"));
                script.differs(line, format!("{what} for {target}: expected {wanted:?}, was {given}"));
            }
        }
        Ok(info)
    }
}

impl tls::Host for Actor<'_> {
    async fn inspect(
        &mut self,
        host: String,
        port: u16,
        server_name: Option<String>,
    ) -> Result<types::TlsInfo, HostError> {
        self.handshake((Capability::Tls, "inspect"), &format!("{host}:{port}"), server_name.as_deref(), None)
    }

    async fn inspect_trusting(
        &mut self,
        host: String,
        port: u16,
        server_name: Option<String>,
        authority: String,
    ) -> Result<types::TlsInfo, HostError> {
        let target = format!("{host}:{port}");
        self.handshake((Capability::Tls, "inspect-trusting"), &target, server_name.as_deref(), Some(&authority))
    }

    async fn inspect_named(&mut self, name: String) -> Result<Vec<types::Certificate>, HostError> {
        let hint = || format!("[[case.tls]]\nnamed = {name:?}\nnot-after = 2027-01-01T00:00:00Z");
        match self.play((Capability::Tls, "inspect-named"), &name, &format!("tls named {name}"), hint)?.1 {
            Answer::Certificates(chain) => Ok(chain),
            _ => Err(misfit()),
        }
    }
}

impl dns::Host for Actor<'_> {
    async fn resolve(
        &mut self,
        name: String,
        record_type: String,
        server: Option<String>,
    ) -> Result<Vec<dns::Answer>, HostError> {
        let at = server.as_ref().map(|server| format!(" at {server}")).unwrap_or_default();
        let asked = format!("dns {} {name}{at}", record_type.to_uppercase());
        let hint = || {
            let server = server.as_ref().map(|server| format!("server = {server:?}\n")).unwrap_or_default();
            format!("[[case.dns]]\nname = {name:?}\ntype = {record_type:?}\n{server}answers = [\"…\"]")
        };
        match self.play((Capability::Dns, "resolve"), &name, &asked, hint)?.1 {
            Answer::Records(records) => Ok(records),
            _ => Err(misfit()),
        }
    }
}
