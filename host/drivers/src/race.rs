//! A race of connections to the addresses of one name, so that one that is dead costs a quarter of a second and not the
//! check: Happy Eyeballs (RFC 8305).
//!
//! Families take turns, the one that the resolver prefers first. Each attempt has a head start of [`ATTEMPT_DELAY`]; one
//! that fails gives it up. The first connection wins and the others are closed. Both families come in one answer of the
//! system's resolver, so there is no resolution delay. Whoever calls has judged every address before.

use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::future::Either;
use futures_util::stream::FuturesUnordered;

/// How long an attempt is alone before the next one begins beside it.
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// `addresses` in the order to try them: families by turns, each in the resolver's order.
pub(super) fn order(addresses: &[IpAddr]) -> Vec<IpAddr> {
    let Some(first) = addresses.first() else { return Vec::new() };
    let (one, other): (Vec<IpAddr>, Vec<IpAddr>) =
        addresses.iter().partition(|address| address.is_ipv4() == first.is_ipv4());
    let (mut one, mut other) = (one.into_iter(), other.into_iter());
    let mut order = Vec::with_capacity(addresses.len());
    while order.len() < addresses.len() {
        order.extend(one.next());
        order.extend(other.next());
    }
    order
}

/// One race.
pub(super) struct Race<'a, C, E> {
    addresses: &'a [SocketAddr],
    connect: C,
    /// Of the addresses that were tried: why it failed, if it did.
    tried: Vec<Option<E>>,
}

impl<'a, T, E, F, C> Race<'a, C, E>
where
    F: Future<Output = Result<T, E>>,
    C: FnMut(SocketAddr) -> F,
{
    pub(super) const fn new(addresses: &'a [SocketAddr], connect: C) -> Self {
        Self { addresses, connect, tried: Vec::new() }
    }

    /// The first connection; none when every attempt failed. May be dropped, and the race asked how far it came.
    pub(super) async fn run(&mut self) -> Option<(T, SocketAddr)> {
        let mut attempts = FuturesUnordered::new();
        loop {
            if let Some(&address) = self.addresses.get(self.tried.len()) {
                let (at, attempt) = (self.tried.len(), (self.connect)(address));
                self.tried.push(None);
                attempts.push(async move { (at, address, attempt.await) });
            }
            let is_last = self.tried.len() >= self.addresses.len();
            let delay = async {
                match is_last {
                    true => std::future::pending().await,
                    false => tokio::time::sleep(ATTEMPT_DELAY).await,
                }
            };
            match futures_util::future::select(attempts.next(), pin!(delay)).await {
                Either::Left((Some((_, address, Ok(connection))), _)) => return Some((connection, address)),
                Either::Left((Some((at, _, Err(error))), _)) => self.tried[at] = Some(error),
                Either::Left((None, _)) => return None,
                Either::Right(((), _)) => {}
            }
        }
    }

    /// The addresses that were tried and said nothing yet.
    pub(super) fn silent(&self) -> impl Iterator<Item = SocketAddr> {
        self.addresses.iter().zip(&self.tried).filter(|(_, failed)| failed.is_none()).map(|(address, _)| *address)
    }

    /// Why those failed that did, in the order of their addresses.
    pub(super) fn into_failed(self) -> Vec<E> {
        self.tried.into_iter().flatten().collect()
    }

    /// Those that failed, in their order, and why.
    pub(super) fn failed(&self) -> impl Iterator<Item = (SocketAddr, &E)> {
        self.addresses.iter().zip(&self.tried).filter_map(|(address, failed)| Some((*address, failed.as_ref()?)))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::io;
    use std::time::Instant;

    use super::*;

    fn addresses(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    // Families take turns and begin with the resolver's choice; within one, the resolver's order stays.
    #[test]
    fn families_take_turns() {
        let ordered = order(&addresses(&["2001:db8::1", "2001:db8::2", "2001:db8::3", "192.0.2.1", "192.0.2.2"]));
        assert_eq!(ordered, addresses(&["2001:db8::1", "192.0.2.1", "2001:db8::2", "192.0.2.2", "2001:db8::3"]));
        assert_eq!(order(&addresses(&["192.0.2.1", "2001:db8::1"])), addresses(&["192.0.2.1", "2001:db8::1"]));
        assert!(order(&[]).is_empty());
    }

    /// Where an attempt leads, by the address's last byte: 1 never answers, 2 fails at once, 3 connects at once.
    async fn attempt(address: SocketAddr, begun: &RefCell<Vec<(u8, Instant)>>) -> io::Result<u8> {
        let IpAddr::V4(ip) = address.ip() else { panic!("{address}") };
        let kind = ip.octets()[3];
        begun.borrow_mut().push((kind, Instant::now()));
        match kind {
            1 => std::future::pending().await,
            2 => Err(io::ErrorKind::ConnectionRefused.into()),
            kind => Ok(kind),
        }
    }

    /// Races to addresses of these kinds: who won, which were tried, and how long it took.
    async fn raced(kinds: &[u8]) -> (Option<u8>, Vec<u8>, Duration) {
        let addresses: Vec<SocketAddr> = kinds.iter().map(|kind| SocketAddr::from(([192, 0, 2, *kind], 80))).collect();
        let (begun, start) = (RefCell::new(Vec::new()), Instant::now());
        let mut race = Race::new(&addresses, |address| attempt(address, &begun));
        let won = tokio::time::timeout(Duration::from_secs(1), race.run()).await.ok().flatten();
        let failed = race.failed().count();
        let silent = race.silent().count();
        drop(race);
        let tried: Vec<u8> = begun.into_inner().into_iter().map(|(kind, _)| kind).collect();
        assert_eq!(failed, tried.iter().filter(|kind| **kind == 2).count());
        assert_eq!(silent + failed, tried.len());
        (won.map(|(kind, _)| kind), tried, start.elapsed())
    }

    // A silent address has a quarter of a second, a refusing one nothing, and nobody is asked once one has answered.
    #[tokio::test]
    async fn a_dead_address_costs_its_head_start() {
        let (won, tried, took) = raced(&[1, 3, 3]).await;
        assert_eq!((won, tried), (Some(3), vec![1, 3]));
        assert!(took >= ATTEMPT_DELAY && took < ATTEMPT_DELAY * 3, "{took:?}");
        let (won, tried, took) = raced(&[2, 2, 3]).await;
        assert_eq!((won, tried), (Some(3), vec![2, 2, 3]));
        assert!(took < ATTEMPT_DELAY, "{took:?}");
        // The silent one stays in the race when the other refuses.
        let (won, tried, took) = raced(&[1, 2]).await;
        assert_eq!((won, tried), (None, vec![1, 2]));
        assert!(took >= Duration::from_secs(1), "{took:?}");
        assert_eq!(raced(&[2, 2]).await.0, None);
    }
}
