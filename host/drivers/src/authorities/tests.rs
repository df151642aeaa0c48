//! Chains as servers send them, judged without any server.

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};

use super::*;

const DAY: u64 = 86_400;

/// The moment of all judgements here.
const NOW: u64 = 1_800_000_000;

fn at(seconds: u64) -> UnixTime {
    UnixTime::since_unix_epoch(Duration::from_secs(seconds))
}

/// A name with its key, which may be certified more than once.
struct Party {
    name: &'static str,
    key: KeyPair,
    is_authority: bool,
}

impl Party {
    fn authority(name: &'static str) -> Self {
        Self { name, key: KeyPair::generate().unwrap(), is_authority: true }
    }

    fn server(name: &'static str) -> Self {
        Self { is_authority: false, ..Self::authority(name) }
    }

    fn params(&self, days: i64) -> CertificateParams {
        let names = if self.is_authority { vec![] } else { vec![self.name.to_owned()] };
        let mut params = CertificateParams::new(names).unwrap();
        params.distinguished_name.push(DnType::CommonName, self.name);
        if self.is_authority {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        }
        let day = |days: i64| {
            let seconds = i64::try_from(NOW).unwrap() + days * i64::try_from(DAY).unwrap();
            std::time::UNIX_EPOCH + Duration::from_secs(u64::try_from(seconds).unwrap())
        };
        params.not_before = day(-1000).into();
        params.not_after = day(days).into();
        params
    }

    /// Certified by itself.
    fn own(&self, days: i64) -> CertificateDer<'static> {
        self.params(days).self_signed(&self.key).unwrap().der().clone()
    }

    /// Certified by `issuer`.
    fn by(&self, issuer: &Self, days: i64) -> CertificateDer<'static> {
        let signer = Issuer::new(issuer.params(1), &issuer.key);
        self.params(days).signed_by(&self.key, &signer).unwrap().der().clone()
    }
}

fn judge(roots: Vec<CertificateDer<'static>>, chain: &[CertificateDer<'static>], name: &str) -> Judgement {
    let authorities = Authorities::of(roots).unwrap();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    authorities.judge(&chain[0], &chain[1..], &name, at(NOW))
}

fn wrong(judgement: &Judgement) -> Option<&'static str> {
    judgement.whole().err().map(|error| super::super::tls_words::code(&error).unwrap_or("other"))
}

// An old cross-signature that has expired is sent and not needed: the path is the way that holds.
#[test]
fn unneeded_certificates_are_not_in_the_path() {
    let (root, old, between, shop) = (
        Party::authority("Root X1"),
        Party::authority("Old Root X3"),
        Party::authority("R3"),
        Party::server("shop.test"),
    );
    let (leaf, r3, cross) = (shop.by(&between, 80), between.by(&root, 400), root.by(&old, -301));
    for sent in [[leaf.clone(), r3.clone(), cross.clone()], [leaf.clone(), cross.clone(), r3.clone()]] {
        let judgement = judge(vec![root.own(3000)], &sent, "shop.test");
        assert_eq!(wrong(&judgement), None);
        let seen = Seen { judgement, sent: sent.to_vec(), proven: None };
        assert_eq!(seen.needed(), [leaf.clone(), r3.clone()]);
        assert_eq!(seen.unneeded().collect::<Vec<_>>(), [&cross]);
    }
    // Whoever trusts the old root only needs the cross-signature, which has expired.
    let judgement = judge(vec![old.own(3000)], &[leaf.clone(), r3.clone(), cross.clone()], "shop.test");
    assert_eq!(wrong(&judgement), Some("expired"));
    assert_eq!(judgement.path.unwrap(), [leaf, r3, cross]);
}

// A certificate that has ended, or has not begun, is found with the path that it breaks.
#[test]
fn broken_paths_are_found() {
    let (root, between, shop, old) =
        (Party::authority("Root"), Party::authority("Between"), Party::server("shop.test"), Party::authority("Old"));
    let (leaf, middle, stray) = (shop.by(&between, 80), between.by(&root, -3), root.by(&old, -300));
    let judgement = judge(vec![root.own(3000)], &[leaf.clone(), middle.clone(), stray], "shop.test");
    assert_eq!(wrong(&judgement), Some("expired"));
    assert_eq!(judgement.path.unwrap(), [leaf, middle]);
    let future = {
        let mut params = shop.params(90);
        params.not_before = (std::time::UNIX_EPOCH + Duration::from_secs(NOW + DAY)).into();
        params.signed_by(&shop.key, &Issuer::new(root.params(1), &root.key)).unwrap().der().clone()
    };
    let judgement = judge(vec![root.own(3000)], std::slice::from_ref(&future), "shop.test");
    assert_eq!((wrong(&judgement), judgement.path), (Some("not-valid-yet"), Some(vec![future])));
}

// Who is configured as an authority is trusted as itself, also where it may sign others; its name and its time count.
#[test]
fn configured_certificates_are_trusted_as_themselves() {
    let shop = Party::server("shop.test");
    let mut params = shop.params(30);
    // As `openssl req -x509` makes it.
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let own = params.self_signed(&shop.key).unwrap().der().clone();
    let judgement = judge(vec![own.clone()], std::slice::from_ref(&own), "shop.test");
    assert_eq!((wrong(&judgement), judgement.path), (None, Some(vec![own.clone()])));
    assert_eq!(wrong(&judge(vec![own.clone()], &[own], "other.test")), Some("wrong-name"));
    let late = shop.own(-2);
    assert_eq!(wrong(&judge(vec![late.clone()], &[late], "shop.test")), Some("expired"));
    // Another certificate for the same name and key is not the one that was configured, and nobody signed it.
    let (root, stranger) = (Party::authority("Root"), shop.own(90));
    assert_eq!(wrong(&judge(vec![root.own(90)], &[stranger], "shop.test")), Some("unknown-issuer"));
}

// Nobody is trusted for another name, or without a way to an authority; what was sent is kept.
#[test]
fn strangers_are_not_trusted() {
    let (root, other, shop) = (Party::authority("Root"), Party::authority("Other"), Party::server("shop.test"));
    let leaf = shop.by(&root, 30);
    let judgement = judge(vec![root.own(90)], std::slice::from_ref(&leaf), "other.test");
    assert_eq!(wrong(&judgement), Some("wrong-name"));
    assert_eq!(judgement.path.as_deref(), Some(std::slice::from_ref(&leaf)));
    let judgement = judge(vec![other.own(90)], std::slice::from_ref(&leaf), "shop.test");
    assert_eq!((wrong(&judgement), &judgement.path), (Some("unknown-issuer"), &None));
    let garbage = CertificateDer::from(vec![1, 2, 3]);
    assert!(judge(vec![other.own(90)], &[garbage], "shop.test").whole().is_err());
}
