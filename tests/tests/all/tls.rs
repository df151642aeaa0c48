//! Certificates of a real server, good and bad, as the first-party check `tls-certificate` sees them.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use probity_tests::host::{Host, first_party};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection};

const DAY: Duration = Duration::from_secs(86_400);

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut root = CertificateParams::new(vec![]).unwrap();
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(root, KeyPair::generate().unwrap()).unwrap()
}

/// A certificate for `name`, signed by `authority` or by itself.
fn certificate(name: &str, until: SystemTime, authority: Option<&Authority>) -> (rcgen::Certificate, KeyPair) {
    let mut leaf = CertificateParams::new(vec![name.to_owned()]).unwrap();
    leaf.distinguished_name.push(DnType::CommonName, name);
    leaf.not_before = (SystemTime::now() - 30 * DAY).into();
    leaf.not_after = until.into();
    let key = KeyPair::generate().unwrap();
    let signed = authority.map_or_else(|| leaf.self_signed(&key), |authority| leaf.signed_by(&key, authority));
    (signed.unwrap(), key)
}

/// A server that shakes hands with whoever comes; its port.
fn serve((certificate, key): &(rcgen::Certificate, KeyPair)) -> u16 {
    serve_chain(vec![certificate.der().clone()], key)
}

/// The same with more certificates than its own.
fn serve_chain(chain: Vec<CertificateDer<'static>>, key: &KeyPair) -> u16 {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let config = Arc::new(config);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let Ok(mut session) = ServerConnection::new(Arc::clone(&config)) else { return };
            // Ends when the host hangs up.
            while session.complete_io(&mut stream).is_ok_and(|(read, _)| read > 0) {}
        }
    });
    port
}

fn check(name: &str, port: u16, more: &str) -> String {
    format!(
        "[[check]]\nname = \"{name}\"\nplugin = \"tls-certificate\"\nevery = \"200ms\"\n\
         grants = {{ tls = [\"127.0.0.1:{port}\", \"certificate:stored\"] }}\n[check.config]\n{more}\n"
    )
}

// Good, soon over, expired, for another name, self-signed: each is told apart over real handshakes.
#[test]
fn certificates_are_told_apart() {
    let (root, now) = (authority(), SystemTime::now());
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("plugins")).unwrap();
    let bundle = dir.path().join("root.pem");
    std::fs::write(&bundle, root.pem()).unwrap();
    let servers = [
        ("good", certificate("shop.test", now + 90 * DAY, Some(&root)), "healthy", "valid for 89 days"),
        ("soon", certificate("shop.test", now + 5 * DAY, Some(&root)), "degraded", "expires in 4 days"),
        ("expired", certificate("shop.test", now - 2 * DAY, Some(&root)), "unhealthy", "expired"),
        ("other", certificate("other.test", now + 90 * DAY, Some(&root)), "unhealthy", "not valid for"),
        ("own", certificate("shop.test", now + 90 * DAY, None), "unhealthy", "no trusted authority"),
    ];
    let mut config = "[certificates.stored]\nfile = \"stored.pem\"\n".to_owned();
    for (name, pair, ..) in &servers {
        let port = serve(pair);
        config += &check(name, port, &format!("host = \"127.0.0.1\"\nport = {port}\nserver-name = \"shop.test\""));
    }
    let host = Host::start_with(dir, &config, &[("SSL_CERT_FILE", bundle.to_str().unwrap().to_owned())]);
    host.copy_in("tls-certificate", &first_party("tls-certificate"));
    for (name, _, status, text) in &servers {
        let check = host.wait_until(name, status);
        assert!(check["message"].as_str().unwrap().contains(text), "{name}: {}", check["message"]);
    }
}

// A server that also sends an old cross-signature, expired and needed by nobody, is healthy: that is a detail. What is needed
// and ends first is named.
#[test]
fn unneeded_certificates_are_a_detail() {
    let now = SystemTime::now();
    let params = |name: &str, until: SystemTime| {
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_before = (now - 900 * DAY).into();
        params.not_after = until.into();
        params
    };
    let root_key = KeyPair::generate().unwrap();
    let same_key = KeyPair::from_pem(&root_key.serialize_pem()).unwrap();
    let root = CertifiedIssuer::self_signed(params("Root X1", now + 900 * DAY), root_key).unwrap();
    let old = CertifiedIssuer::self_signed(params("Root X3", now - 301 * DAY), KeyPair::generate().unwrap()).unwrap();
    let cross = params("Root X1", now - 301 * DAY).signed_by(&same_key, &old).unwrap();
    let between =
        CertifiedIssuer::signed_by(params("R3", now + 40 * DAY), KeyPair::generate().unwrap(), &root).unwrap();
    let (leaf, key) = certificate("shop.test", now + 80 * DAY, Some(&between));
    let port = serve_chain(vec![leaf.der().clone(), between.der().clone(), cross.der().clone()], &key);
    let server = format!("host = \"127.0.0.1\"\nport = {port}\nserver-name = \"shop.test\"\nauthority = \"stored\"\n");
    let config = "[certificates.stored]\nfile = \"stored.pem\"\n".to_owned()
        + &check("fine", port, &server)
        + &check("soon", port, &(server.clone() + "days-left = { warn = 50 }\n"));
    let host = Host::start(&config);
    std::fs::write(host.dir().join("stored.pem"), root.pem()).unwrap();
    host.copy_in("tls-certificate", &first_party("tls-certificate"));
    let fine = host.wait_until("fine", "healthy");
    assert!(fine["message"].as_str().unwrap().contains("CN=R3 is valid for 39 days"), "{fine}");
    let noted = fine["details"]["noted by the host"].as_str().unwrap_or_default();
    assert!(noted.contains("also sends CN=Root X1 signed by CN=Root X3, which expired on "), "{fine}");
    let soon = host.wait_until("soon", "degraded");
    assert!(soon["message"].as_str().unwrap().contains("CN=R3 expires in 39 days"), "{soon}");
}

// A stored certificate is read anew at each run: renewing the file is enough.
#[test]
fn renewed_file_is_seen() {
    let now = SystemTime::now();
    let config =
        "[certificates.stored]\nfile = \"stored.pem\"\n".to_owned() + &check("file", 1, "certificate = \"stored\"");
    let host = Host::start(&config);
    host.copy_in("tls-certificate", &first_party("tls-certificate"));
    host.wait_until("file", "unknown");
    let file = host.dir().join("stored.pem");
    std::fs::write(&file, certificate("gateway.test", now + 2 * DAY, None).0.pem()).unwrap();
    host.wait_until("file", "unhealthy");
    std::fs::write(&file, certificate("gateway.test", now + 90 * DAY, None).0.pem()).unwrap();
    let healthy = host.wait_until("file", "healthy");
    assert!(healthy["message"].as_str().unwrap().starts_with("stored: CN=gateway.test"), "{healthy}");
}

// A server of a private authority is trusted where that is named, and read anew; without it, or its grant, it is not.
#[test]
fn private_authority_is_trusted_where_named() {
    let (root, now) = (authority(), SystemTime::now());
    let port = serve(&certificate("shop.test", now + 90 * DAY, Some(&root)));
    let server = format!("host = \"127.0.0.1\"\nport = {port}\nserver-name = \"shop.test\"\n");
    let named = server.clone() + "authority = \"stored\"";
    let config = "[certificates.stored]\nfile = \"stored.pem\"\n".to_owned()
        + &check("named", port, &named)
        + &check("system", port, &server)
        + &check("ungranted", port, &named).replace(", \"certificate:stored\"", "");
    let host = Host::start(&config);
    host.copy_in("tls-certificate", &first_party("tls-certificate"));
    host.wait_until("named", "unknown");
    std::fs::write(host.dir().join("stored.pem"), root.pem()).unwrap();
    host.wait_until("named", "healthy");
    let system = host.wait_until("system", "unhealthy");
    assert!(system["message"].as_str().unwrap().contains("no trusted authority"), "{system}");
    let ungranted = host.wait_until("ungranted", "unknown");
    assert!(ungranted["message"].as_str().unwrap().contains("tls = [\"certificate:stored\"]"), "{ungranted}");
}
