//! Who has a place among the connections, and who gives way when all are taken. Pure: no sockets, no clock.
//!
//! When every place is taken, the connection that was idle for longest gives its place to the new one. When all are
//! busy, the new one gets a place of the reserve: it may ask for a probe and nothing else, and its place is the next
//! newcomer's. So a newcomer always gets in, and what others do with their connections never keeps a probe waiting.

use std::collections::{BTreeMap, BTreeSet};

/// Places beside `server.max-connections` that only answer probes.
pub(super) const RESERVE_MAX: usize = 32;

/// Connections that one newcomer looks at for one that is idle.
const LOOKS_MAX: usize = 1_024;

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doing {
    /// It is being answered, or an answer is on its way.
    Busy,
    /// Nothing since then, in milliseconds.
    Idle(u64),
}

/// What a place is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Everything.
    Regular,
    /// One probe.
    Reserve,
}

/// A newcomer's place.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Admission<T> {
    pub(super) id: u64,
    pub(super) place: Place,
    /// Who has to go for it. It has no place any more.
    pub(super) gives_way: Option<T>,
}

/// The places, with `T` in each that is taken.
#[derive(Debug)]
pub(super) struct Places<T> {
    max: usize,
    next: u64,
    taken: BTreeMap<u64, (u64, T)>,
    /// The same as (since when idle, at the latest look; who).
    by_idleness: BTreeSet<(u64, u64)>,
    reserve: BTreeMap<u64, T>,
}

impl<T> Places<T> {
    /// `max` regular places, all free.
    pub(super) fn new(max: usize) -> Self {
        Self { max, next: 0, taken: BTreeMap::new(), by_idleness: BTreeSet::new(), reserve: BTreeMap::new() }
    }

    /// A place for a newcomer at `now`, in milliseconds. `doing` says what a connection does.
    pub(super) fn admit(&mut self, guest: T, now: u64, doing: impl Fn(&T) -> Doing) -> Admission<T> {
        let id = self.next;
        self.next += 1;
        let gives_way = if self.taken.len() < self.max { None } else { self.give_way(now, doing) };
        if self.taken.len() < self.max {
            self.taken.insert(id, (now, guest));
            self.by_idleness.insert((now, id));
            return Admission { id, place: Place::Regular, gives_way };
        }
        let gives_way = if self.reserve.len() < RESERVE_MAX { None } else { self.reserve.pop_first() };
        self.reserve.insert(id, guest);
        Admission { id, place: Place::Reserve, gives_way: gives_way.map(|(_, guest)| guest) }
    }

    /// Takes the place from the connection that was idle for longest, if one is idle.
    pub(super) fn give_way(&mut self, now: u64, doing: impl Fn(&T) -> Doing) -> Option<T> {
        for _ in 0..LOOKS_MAX {
            let (known, id) = *self.by_idleness.first()?;
            let (since, guest) = self.taken.get_mut(&id)?;
            let actual = match doing(guest) {
                Doing::Busy => now,
                Doing::Idle(actual) if actual <= known => {
                    self.by_idleness.pop_first();
                    return self.taken.remove(&id).map(|(_, guest)| guest);
                }
                Doing::Idle(actual) => actual,
            };
            *since = actual;
            self.by_idleness.pop_first();
            self.by_idleness.insert((actual, id));
            // The rest was seen to be busy just now.
            if known >= now {
                return None;
            }
        }
        None
    }

    /// The regular connections.
    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.taken.values().map(|(_, guest)| guest)
    }

    /// A connection ended. It may have given way before.
    pub(super) fn leave(&mut self, id: u64) {
        if let Some((since, _)) = self.taken.remove(&id) {
            self.by_idleness.remove(&(since, id));
        }
        self.reserve.remove(&id);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// A connection that a test moves.
    type Guest<'a> = (&'static str, &'a Cell<Doing>);

    fn doing(guest: &Guest<'_>) -> Doing {
        guest.1.get()
    }

    fn name(admission: &Admission<Guest<'_>>) -> Option<&'static str> {
        admission.gives_way.map(|(name, _)| name)
    }

    // Who was idle for longest goes first, whatever the order of arrival.
    #[test]
    fn the_longest_idle_one_gives_way() {
        let (first, second) = (Cell::new(Doing::Idle(0)), Cell::new(Doing::Idle(1)));
        let new = Cell::new(Doing::Idle(100));
        let mut places = Places::new(2);
        assert_eq!(name(&places.admit(("first", &first), 0, doing)), None);
        assert_eq!(name(&places.admit(("second", &second), 1, doing)), None);
        first.set(Doing::Idle(50));
        let admission = places.admit(("new", &new), 100, doing);
        assert_eq!((name(&admission), admission.place), (Some("second"), Place::Regular));
        let admission = places.admit(("newer", &new), 101, doing);
        assert_eq!(name(&admission), Some("first"));
    }

    // Who is being answered keeps its place: then a newcomer may ask for a probe, and is the next to go.
    #[test]
    fn busy_ones_stay_and_the_reserve_turns_over() {
        let busy = Cell::new(Doing::Busy);
        let mut places = Places::new(2);
        places.admit(("a", &busy), 0, doing);
        places.admit(("b", &busy), 0, doing);
        for _ in 0..RESERVE_MAX {
            let admission = places.admit(("probe", &busy), 5, doing);
            assert_eq!((name(&admission), admission.place), (None, Place::Reserve));
        }
        let admission = places.admit(("last", &busy), 6, doing);
        assert_eq!((name(&admission), admission.place), (Some("probe"), Place::Reserve));
    }

    // A place is free again when its connection ends; one that gave way has none to give back.
    #[test]
    fn places_come_back() {
        let idle = Cell::new(Doing::Idle(0));
        let mut places = Places::new(1);
        let first = places.admit(("first", &idle), 0, doing);
        let second = places.admit(("second", &idle), 1, doing);
        assert_eq!(name(&second), Some("first"));
        places.leave(first.id);
        assert_eq!(name(&places.admit(("third", &idle), 2, doing)), Some("second"));
        places.leave(second.id);
        assert_eq!((places.taken.len(), places.by_idleness.len()), (1, 1));
    }

    // Among many that are busy the one that is idle is found.
    #[test]
    fn the_only_idle_one_is_found() {
        let (busy, idle) = (Cell::new(Doing::Busy), Cell::new(Doing::Idle(7)));
        let mut places = Places::new(500);
        for at in 0..500 {
            places.admit(("busy", if at == 250 { &idle } else { &busy }), at, doing);
        }
        // It arrived at 250 and says 7: what it says counts.
        let admission = places.admit(("new", &busy), 600, doing);
        assert_eq!(
            (admission.place, admission.gives_way.map(|(_, cell)| cell.get())),
            (Place::Regular, Some(Doing::Idle(7)))
        );
        assert_eq!(places.admit(("newer", &busy), 601, doing).place, Place::Reserve);
    }
}
