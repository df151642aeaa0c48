//! Real handshakes over loopback with certificates that are good, expired, for another name, and self-signed.

use probity_config::Egress;
use probity_config::grants::TlsGrant;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::authorities::provider;
use crate::net::Resolver;
use crate::net::tests::within;

struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut root = CertificateParams::new(vec![]).unwrap();
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(root, KeyPair::generate().unwrap()).unwrap())
    }

    fn inspector(&self) -> Inspector {
        Inspector::trusting(self.authorities())
    }

    fn authorities(&self) -> Authorities {
        Authorities::of([self.0.der().clone()]).unwrap()
    }

    /// A certificate for `name` that ends in so many days, signed by this authority or by itself.
    fn server(&self, name: &str, days: i64, own: bool) -> ServerConfig {
        let mut leaf = CertificateParams::new(vec![name.to_owned()]).unwrap();
        // Another name than the authority's, or it would be taken for signed by that.
        leaf.distinguished_name.push(rcgen::DnType::CommonName, name);
        let now = std::time::SystemTime::now();
        let days_long = Duration::from_secs(86_400 * days.unsigned_abs());
        leaf.not_before = (now - Duration::from_secs(86_400 * 10)).into();
        leaf.not_after = if days < 0 { now - days_long } else { now + days_long }.into();
        let key = KeyPair::generate().unwrap();
        let signed = if own { leaf.self_signed(&key) } else { leaf.signed_by(&key, &self.0) }.unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![signed.der().clone()], key)
            .unwrap()
    }
}

/// A server that shakes hands with whoever comes; its port.
async fn serve(config: ServerConfig) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            // Until the other side hangs up.
            let _ = stream.read(&mut [0; 1]).await;
        }
    });
    port
}

async fn inspect(inspector: &Inspector, port: u16, server_name: Option<&str>) -> Result<TlsInfo, CallError> {
    let net = Net::new(Egress::default(), Resolver::default());
    let grants = Grants { tls: vec![TlsGrant::parse("127.0.0.1:*").unwrap()], ..Grants::default() };
    let target = Target { host: "127.0.0.1", port, server_name };
    inspector.inspect(&net, &grants, target, None, within(3_000)).await
}

// A certificate that is good for the name that was asked for is verified, and what it says is there.
#[tokio::test]
async fn good_certificate_is_verified() {
    let authority = Authority::new();
    let port = serve(authority.server("shop.test", 30, false)).await;
    let info = inspect(&authority.inspector(), port, Some("shop.test")).await.unwrap();
    assert_eq!((&info.verified, info.protocol), (&Ok(()), "TLSv1.3"));
    assert_eq!(info.chain[0].dns_names, ["shop.test"]);
}

// Each way of being bad is an answer that says which, with the chain all the same.
#[tokio::test]
async fn bad_certificates_are_answers() {
    let authority = Authority::new();
    let expired = authority.server("shop.test", -1, false);
    let other = authority.server("other.test", 30, false);
    let own = authority.server("shop.test", 30, true);
    for (config, why) in [(expired, "expired"), (other, "not valid for"), (own, "no trusted authority")] {
        let port = serve(config).await;
        let info = inspect(&authority.inspector(), port, Some("shop.test")).await.unwrap();
        let verdict = info.verified.unwrap_err();
        assert!(verdict.contains(why), "{why}: {verdict}");
        assert_eq!(info.chain.len(), 1);
    }
}

// Without a name the certificate is compared with the address that was asked for.
#[tokio::test]
async fn host_is_the_name_by_default() {
    let authority = Authority::new();
    let port = serve(authority.server("127.0.0.1", 30, false)).await;
    assert_eq!(inspect(&authority.inspector(), port, None).await.unwrap().verified, Ok(()));
}

// A peer that speaks something else is `tls`; one that says nothing is a timeout; one not granted is denied.
#[tokio::test]
async fn no_handshake_is_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"220 mail.test ESMTP\r\n").await.unwrap();
        let _ = stream.read(&mut [0; 1024]).await;
    });
    let inspector = Authority::new().inspector();
    assert_eq!(inspect(&inspector, port, None).await.unwrap_err().kind, ErrorKind::Tls);
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let net = Net::new(Egress::default(), Resolver::default());
    let port = silent.local_addr().unwrap().port();
    let target = Target { host: "127.0.0.1", port, server_name: None };
    let grants = Grants { tls: vec![TlsGrant::parse("127.0.0.1:*").unwrap()], ..Grants::default() };
    let late = inspector.inspect(&net, &grants, target, None, within(100)).await.unwrap_err();
    assert_eq!(late.kind, ErrorKind::Timeout);
    let denied = inspector.inspect(&net, &Grants::default(), target, None, within(100)).await.unwrap_err();
    assert_eq!(denied.kind, ErrorKind::Denied);
    assert!(denied.message.contains(&format!("grants = {{ tls = [\"127.0.0.1:{port}\"] }}")), "{}", denied.message);
}

// Authorities that are given are trusted, and no others.
#[tokio::test]
async fn given_authorities_alone_are_trusted() {
    let (own, system) = (Authority::new(), Authority::new());
    let net = Net::new(Egress::default(), Resolver::default());
    let grants = Grants { tls: vec![TlsGrant::parse("127.0.0.1:*").unwrap()], ..Grants::default() };
    for (signer, trusted) in [(&own, true), (&system, false)] {
        let port = serve(signer.server("shop.test", 30, false)).await;
        let target = Target { host: "127.0.0.1", port, server_name: Some("shop.test") };
        let looked = system.inspector().inspect(&net, &grants, target, Some(own.authorities()), within(3_000)).await;
        assert_eq!(looked.unwrap().verified.is_ok(), trusted);
    }
}

// A server that wants to see a client's certificate, and hangs up without one, has shown its own: that is the answer.
#[tokio::test]
async fn what_was_shown_before_the_end_is_known() {
    let authority = Authority::new();
    let mut clients = rustls::RootCertStore::empty();
    clients.add(authority.0.der().clone()).unwrap();
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let mut leaf = CertificateParams::new(vec!["shop.test".to_owned()]).unwrap();
        leaf.distinguished_name.push(rcgen::DnType::CommonName, "shop.test");
        let key = KeyPair::generate().unwrap();
        let certificate = leaf.signed_by(&key, &authority.0).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let verifier =
            rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(clients.clone()), provider()).build();
        let config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(&[version])
            .unwrap()
            .with_client_cert_verifier(verifier.unwrap())
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        let info = inspect(&authority.inspector(), serve(config).await, Some("shop.test")).await.unwrap();
        assert_eq!((&info.verified, info.chain[0].dns_names[0].as_str()), (&Ok(()), "shop.test"));
        if version.version == rustls::ProtocolVersion::TLSv1_2 {
            assert_eq!(info.protocol, "TLSv1.2");
            assert!(info.notes[0].starts_with("the handshake ended after the certificate: "), "{:?}", info.notes);
        }
    }
}
