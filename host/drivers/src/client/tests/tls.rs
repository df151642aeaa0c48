//! Certificates, good and bad, and what was agreed on.

use http_body_util::Full;
use hyper_util::rt::{TokioExecutor, TokioIo};
use probity_config::{Identity, Verify};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use tokio_rustls::TlsAcceptor;

use super::*;

/// An authority of our own and a certificate for `localhost` and 127.0.0.1 that ends in `days`.
pub(super) struct Pki {
    pub(super) authority: String,
    pub(super) config: ServerConfig,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

pub(super) fn pki(days: i64, alpn: &[&str]) -> Pki {
    let mut root = CertificateParams::new(vec![]).unwrap();
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    root.distinguished_name.push(DnType::CommonName, "Probity test authority");
    let issuer = CertifiedIssuer::self_signed(root, KeyPair::generate().unwrap()).unwrap();
    let mut leaf = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    leaf.distinguished_name.push(DnType::CommonName, "probe me");
    let now = std::time::SystemTime::now();
    leaf.not_before = (now - Duration::from_hours(48)).into();
    leaf.not_after =
        if days < 0 { now - Duration::from_hours(24) } else { now + Duration::from_hours(24 * days.unsigned_abs()) }
            .into();
    let key = KeyPair::generate().unwrap();
    let certificate = leaf.signed_by(&key, &issuer).unwrap();
    let mut config = server_builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], private_key(&key))
        .unwrap();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    Pki { authority: issuer.pem(), config, issuer }
}

fn server_builder() -> rustls::ConfigBuilder<ServerConfig, rustls::WantsVerifier> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap()
}

fn private_key(key: &KeyPair) -> PrivateKeyDer<'static> {
    PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()))
}

impl Pki {
    /// A client of this authority.
    fn identity(&self) -> Identity {
        let key = KeyPair::generate().unwrap();
        let mut leaf = CertificateParams::new(vec![]).unwrap();
        leaf.distinguished_name.push(DnType::CommonName, "probe");
        let certificate = leaf.signed_by(&key, &self.issuer).unwrap();
        Identity { certificate: certificate.pem().into_bytes(), key: key.serialize_pem().into_bytes() }
    }

    /// The same server, for clients of this authority only.
    fn mutual(&self) -> ServerConfig {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = leaf.signed_by(&key, &self.issuer).unwrap();
        let builder = server_builder().with_client_cert_verifier(verifier);
        builder.with_single_cert(vec![certificate.der().clone()], private_key(&key)).unwrap()
    }
}

/// A TLS server that speaks what was agreed on; answers `pong`.
pub(super) async fn serve_tls(config: ServerConfig) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let acceptor = TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(stream) = acceptor.accept(stream).await else { continue };
            tokio::spawn(async move {
                let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                let service = hyper::service::service_fn(|_| async {
                    Ok::<_, std::convert::Infallible>(http::Response::new(Full::new(Bytes::from_static(b"pong"))))
                });
                let io = TokioIo::new(stream);
                if is_http2 {
                    let _ = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
                        .serve_connection(io, service)
                        .await;
                } else {
                    let _ = hyper::server::conn::http1::Builder::new().serve_connection(io, service).await;
                }
            });
        }
    });
    base
}

pub(super) fn through_billing() -> Request {
    let mut request = Request::new("GET", "/");
    request.endpoint = Some("billing".to_owned());
    request
}

fn localhost_client(base: &str, authority: &str) -> HttpClient {
    let net = Net::new(Egress::default(), script(&[&["127.0.0.1"]]));
    let billing = HttpConnection { ca: Some(authority.as_bytes().to_vec()), ..connection(base) };
    HttpClient::new(net, &BTreeMap::from([("billing".to_owned(), Connection::Http(billing))]))
}

// A certificate from an unknown authority is `tls` with its word; with the authority given the request works and shows it.
#[tokio::test]
async fn private_authority() {
    let pki = pki(30, &["http/1.1"]);
    let base = serve_tls(pki.config).await;
    let client = localhost_client(&base, &pki.authority);
    let error = send(&client, &Request::new("GET", &base)).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::Tls, Some("unknown-issuer")), "{}", error.message);
    let response = send(&client, &through_billing()).await.unwrap();
    assert_eq!((response.version, response.body.unwrap().as_ref()), ("1.1", b"pong".as_ref()));
    let tls = response.tls.unwrap();
    assert_eq!((tls.protocol, tls.alpn.as_deref(), &tls.verified), ("TLSv1.3", Some("http/1.1"), &Ok(())));
    assert!(tls.cipher.starts_with("TLS13_"), "{}", tls.cipher);
    let leaf = &tls.chain[0];
    assert!(leaf.subject.contains("CN=probe me") && leaf.issuer.contains("Probity test authority"), "{leaf:?}");
    assert_eq!(leaf.dns_names, ["localhost"]);
    assert_eq!(leaf.sha256.len(), 64);
    let now =
        i64::try_from(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()).unwrap();
    let days_left = (leaf.not_after_unix - now) / 86_400;
    assert!((29..=30).contains(&days_left), "{days_left}");
    assert!(response.timing.tls.is_some() && response.timing.dns.is_some());
}

// HTTP/2 is spoken where the server offers it.
#[tokio::test]
async fn http2_by_agreement() {
    let pki = pki(30, &["h2", "http/1.1"]);
    let base = serve_tls(pki.config).await;
    let response = send(&localhost_client(&base, &pki.authority), &through_billing()).await.unwrap();
    assert_eq!((response.version, response.body.unwrap().as_ref()), ("2", b"pong".as_ref()));
    assert_eq!(response.tls.unwrap().alpn.as_deref(), Some("h2"));
}

// An expired certificate and one for another name are `tls`, each with its word.
#[tokio::test]
async fn bad_certificates() {
    let expired = pki(-1, &[]);
    let base = serve_tls(expired.config).await;
    let error = send(&localhost_client(&base, &expired.authority), &through_billing()).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::Tls, Some("expired")), "{}", error.message);
    let good = pki(30, &[]);
    let base = serve_tls(good.config).await.replace("localhost", "wrong.example");
    let egress = Egress { allow: vec!["127.0.0.1/32".parse().unwrap()], deny: vec![] };
    let billing = HttpConnection { ca: Some(good.authority.into_bytes()), ..connection(&base) };
    let net = Net::new(egress, script(&[&["127.0.0.1"]]));
    let client = HttpClient::new(net, &BTreeMap::from([("billing".to_owned(), Connection::Http(billing))]));
    let error = send(&client, &through_billing()).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_deref()), (ErrorKind::Tls, Some("wrong-name")), "{}", error.message);
}

// A server that answers the handshake with plain text, or hangs up, is `tls`.
#[tokio::test]
async fn plain_server_on_https() {
    for answer in ["HTTP/1.1 400 Bad Request\r\n\r\n", ""] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://{}/", listener.local_addr().unwrap());
        let server = async {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _hello = stream.read(&mut [0; 4096]).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
        };
        let client = plain_client();
        let request = Request::new("GET", &url);
        let (response, ()) = tokio::join!(send(&client, &request), server);
        let error = response.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Tls, "{answer:?}: {}", error.message);
    }
}

// A server that asks who is there gets the connection's certificate; another client's is refused, and so is none.
#[tokio::test]
async fn client_certificate() {
    let (pki, strangers) = (pki(30, &[]), pki(30, &[]));
    let base = serve_tls(pki.mutual()).await;
    let client = |identity: Option<Identity>| {
        let billing = HttpConnection { ca: Some(pki.authority.clone().into_bytes()), identity, ..connection(&base) };
        let net = Net::new(Egress::default(), script(&[&["127.0.0.1"]]));
        HttpClient::new(net, &BTreeMap::from([("billing".to_owned(), Connection::Http(billing))]))
    };
    let response = send(&client(Some(pki.identity())), &through_billing()).await.unwrap();
    assert_eq!(response.body.unwrap().as_ref(), b"pong");
    for identity in [None, Some(strangers.identity())] {
        let error = send(&client(identity), &through_billing()).await.unwrap_err();
        // The alert, unless the server's hanging up overtook it.
        let is_alert = error.kind == ErrorKind::Tls && error.code.is_some();
        assert!(is_alert || error.kind == ErrorKind::Refused, "{error:?}");
    }
}

// A key that is not the certificate's, or is none, makes the connection unusable, and is in no message.
#[test]
fn unusable_client_certificates() {
    let pki = pki(30, &[]);
    let (own, other) = (pki.identity(), pki.identity());
    let secret = String::from_utf8(own.key.clone()).unwrap().lines().nth(1).unwrap().to_owned();
    let swapped = Identity { certificate: other.certificate.clone(), key: own.key.clone() };
    let broken = Identity { certificate: own.certificate.clone(), key: secret.clone().into_bytes() };
    let empty = Identity { certificate: vec![], key: own.key.clone() };
    for (identity, expected) in [(swapped, "is not the key of"), (broken, "no private key"), (empty, "no certificate")]
    {
        let billing = HttpConnection { identity: Some(identity), ..connection("https://localhost") };
        let shown = format!("{billing:?}");
        let client = client_of(billing);
        let (_, why) = client.unusable().next().unwrap();
        assert!(why.contains(expected), "{why}");
        assert!(!why.contains(&secret) && !shown.contains(&secret) && !format!("{client:?}").contains(&secret));
    }
    let usable = client_of(HttpConnection { identity: Some(own), ..connection("https://localhost") });
    assert_eq!(usable.unusable().count(), 0);
    assert!(!format!("{usable:?}").contains(&secret));
}

/// A client whose connection `billing` verifies as `verify` says, at the address of `base` whatever its name.
fn lenient_client(base: &str, ca: Option<&str>, verify: Verify) -> HttpClient {
    let egress = Egress { allow: vec!["127.0.0.1/32".parse().unwrap()], deny: vec![] };
    let ca = ca.map(|ca| ca.as_bytes().to_vec());
    let billing = HttpConnection { ca, verify, ..connection(base) };
    let net = Net::new(egress, script(&[&["127.0.0.1"]]));
    HttpClient::new(net, &BTreeMap::from([("billing".to_owned(), Connection::Http(billing))]))
}

// What the operator wants overlooked is overlooked, and said; nothing else is.
#[tokio::test]
async fn verification_is_the_operators() {
    let (good, expired, strangers) = (pki(30, &[]), pki(-3, &[]), pki(30, &[]));
    let (good_base, expired_base) = (serve_tls(good.config).await, serve_tls(expired.config).await);
    let elsewhere = good_base.replace("localhost", "wrong.example");
    for (base, ca, verify, code) in [
        (&good_base, &good.authority, Verify::Full, None),
        (&elsewhere, &good.authority, Verify::Full, Some("wrong-name")),
        (&elsewhere, &good.authority, Verify::Chain, None),
        // An authority of the same name with another key.
        (&elsewhere, &strangers.authority, Verify::Chain, Some("bad-certificate")),
        (&expired_base, &expired.authority, Verify::Chain, Some("expired")),
        (&elsewhere, &strangers.authority, Verify::None, None),
        (&expired_base, &strangers.authority, Verify::None, None),
    ] {
        let answer = send(&lenient_client(base, Some(ca), verify), &through_billing()).await;
        match (answer, code) {
            (Ok(response), None) => {
                let tls = response.tls.unwrap();
                assert_eq!(tls.verified, Ok(()));
                let said = tls.notes.join("; ");
                match verify {
                    Verify::Full => assert_eq!(said, ""),
                    Verify::Chain => {
                        assert!(said.contains("`verify = \"chain\"`") && said.contains("not valid for"), "{said}")
                    }
                    Verify::None => {
                        assert!(said.contains("`verify = \"none\"`") && said.contains("otherwise: "), "{said}")
                    }
                }
            }
            (Err(error), Some(code)) => assert_eq!(error.code.as_deref(), Some(code), "{base} {verify:?}"),
            (answer, code) => panic!("{base} {verify:?}: expected {code:?}, was {answer:?}"),
        }
    }
}

// Another address is asked under the name of the URL: that is announced, sent as `Host`, and what the certificate must be
// for. The egress policy judges the address.
#[tokio::test]
async fn another_address_is_asked_under_the_name() {
    let pki = pki(30, &[]);
    let base = serve_tls(pki.config).await;
    let port: u16 = base.rsplit(':').next().unwrap().parse().unwrap();
    let client = |url: &str, address: &str| {
        let billing = HttpConnection {
            ca: Some(pki.authority.clone().into_bytes()),
            address: Some((Host::parse(address).unwrap(), port)),
            ..connection(url)
        };
        // The name leads nowhere.
        let net = Net::new(Egress::default(), script(&[&[]]));
        HttpClient::new(net, &BTreeMap::from([("billing".to_owned(), Connection::Http(billing))]))
    };
    let response = send(&client("https://localhost/", "127.0.0.1"), &through_billing()).await.unwrap();
    assert_eq!(response.remote_address.to_string(), format!("127.0.0.1:{port}"));
    let error = send(&client("https://other.example/", "127.0.0.1"), &through_billing()).await.unwrap_err();
    assert_eq!(error.code.as_deref(), Some("wrong-name"), "{}", error.message);
    let error = send(&client("https://localhost/", "169.254.169.254"), &through_billing()).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Denied, "{}", error.message);
}

// An error that comes after the certificate tells whose it is and until when.
#[tokio::test]
async fn the_certificate_is_told_with_a_refusal() {
    let pki = pki(30, &[]);
    let mut config = pki.mutual();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let base = serve_tls(config).await;
    let error = send(&localhost_client(&base, &pki.authority), &through_billing()).await.unwrap_err();
    assert!(
        !error.message.contains("AlertReceived") && !error.message.contains("CertificateRequired"),
        "{}",
        error.message
    );
}
