//! What is kept, when it expires, and what a damaged file does.

use std::cell::Cell;
use std::fs::File;
use std::io;
use std::path::PathBuf;

use redb::backends::FileBackend;
use redb::{Builder, Database, DatabaseError, StorageBackend};

use super::*;
use crate::{Push, Report};

/// So many milliseconds after a beginning, by both clocks.
fn at(ms: u64) -> Moment {
    Moment { unix_ms: ms, monotonic_ms: ms }
}

fn set(store: &StateStore, check: &str, value: &[u8]) {
    store.set(check, "key", value.to_vec(), None, at(0), 1 << 20).unwrap();
}

fn get(store: &StateStore, check: &str) -> Option<Vec<u8>> {
    store.get(check, "key", at(0))
}

fn beat(store: &StateStore, at: u64) {
    store.heartbeats().push("backup", Report { push: Push::Ok, run: None, message: format!("at {at}") }, at, 5);
}

fn beats(store: &StateStore) -> Vec<u64> {
    store.heartbeats().pulse("backup").recent().map(|beat| beat.at_unix_ms).collect()
}

fn set_aside(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.to_string_lossy().contains(".damaged-")).collect()
}

// What was flushed is there after a restart, what expired is not.
#[test]
fn state_survives_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.redb");
    let store = StateStore::open(&path).unwrap();
    store.set("a", "kept", b"1".to_vec(), None, at(0), 100).unwrap();
    store.set("a", "short", b"2".to_vec(), Some(10), at(0), 100).unwrap();
    store.flush().unwrap();
    drop(store);
    let store = StateStore::open(&path).unwrap();
    assert_eq!(store.get("a", "kept", at(20)), Some(b"1".to_vec()));
    assert_eq!(store.keys("a", "", at(20)), ["kept"]);
}

// A value lives for as long as it was to, whatever the clock is set to meanwhile: back by two hours it is not kept alive, forth
// by as much it is not ended.
#[test]
fn a_clock_that_is_set_changes_no_life() {
    const HOURS_MS: u64 = 2 * 3_600_000;
    let store = StateStore::in_memory();
    let began = Moment { unix_ms: 10 * HOURS_MS, monotonic_ms: 5_000 };
    store.set("a", "key", b"1".to_vec(), Some(1_000), began, 100).unwrap();
    for unix_ms in [began.unix_ms - HOURS_MS, began.unix_ms, began.unix_ms + HOURS_MS] {
        let after = |ms: u64| Moment { unix_ms: unix_ms + ms, monotonic_ms: began.monotonic_ms + ms };
        assert_eq!(store.get("a", "key", after(999)), Some(b"1".to_vec()), "{unix_ms}");
        assert_eq!(store.ttl_ms("a", "key", after(400)), Some(600), "{unix_ms}");
        assert_eq!(store.get("a", "key", after(1_000)), None, "{unix_ms}");
        assert!(store.keys("a", "", after(1_000)).is_empty(), "{unix_ms}");
    }
}

// What was left of a value's life when the host ended goes on after the restart.
#[test]
fn lives_go_on_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.redb");
    let store = StateStore::open(&path).unwrap();
    let minute = Some(60_000);
    store.set("a", "key", b"1".to_vec(), minute, Moment::now(), 100).unwrap();
    store.flush().unwrap();
    drop(store);
    let store = StateStore::open(&path).unwrap();
    let now = Moment::now();
    assert!(store.ttl_ms("a", "key", now).is_some_and(|left| (30_000..=60_000).contains(&left)));
    let later = Moment { monotonic_ms: now.monotonic_ms + 60_000, ..now };
    assert_eq!(store.get("a", "key", later), None);
}

// The quota counts the whole check, and replacing a value frees the old one.
#[test]
fn quota_is_per_check() {
    let store = StateStore::in_memory();
    store.set("a", "k", vec![0; 90], None, at(0), 100).unwrap();
    store.set("a", "k", vec![0; 99], None, at(0), 100).unwrap();
    assert_eq!(store.set("a", "l", vec![0; 1], None, at(0), 100).unwrap_err().kind, ErrorKind::Quota);
    store.set("b", "l", vec![0; 99], None, at(0), 100).unwrap();
}

/// What the disk of this test's thread does.
#[derive(Clone, Copy, Debug, Default)]
enum Fault {
    #[default]
    None,
    /// No file may grow, which is what `ENOSPC` comes to.
    Full,
    /// So many changes still work.
    After(u32),
}

thread_local! {
    static FAULT: Cell<Fault> = const { Cell::new(Fault::None) };
}

#[derive(Debug)]
struct Failing(FileBackend);

impl Failing {
    fn make(file: File) -> Result<Database, DatabaseError> {
        Builder::new().create_with_backend(Self(FileBackend::new(file)?))
    }

    fn change(grows: bool) -> io::Result<()> {
        match FAULT.get() {
            Fault::Full if grows => Err(io::ErrorKind::StorageFull.into()),
            Fault::After(0) => Err(io::Error::other("EIO")),
            Fault::After(left) => {
                FAULT.set(Fault::After(left - 1));
                Ok(())
            }
            Fault::None | Fault::Full => Ok(()),
        }
    }
}

impl StorageBackend for Failing {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        Self::change(len > self.0.len()?)?;
        self.0.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        Self::change(false)?;
        self.0.sync_data()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        Self::change(false)?;
        self.0.write(offset, data)
    }

    fn close(&self) -> io::Result<()> {
        self.0.close()
    }
}

// A disk that was full once is written again when there is room, and nothing of what checks and jobs said is missing.
#[test]
fn a_full_disk_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.redb");
    let store = StateStore::open_by(&path, Failing::make).unwrap();
    set(&store, "before", b"1");
    beat(&store, 1);
    store.flush().unwrap();
    FAULT.set(Fault::Full);
    set(&store, "meanwhile", &[7; 900_000]);
    set(&store, "before", b"2");
    beat(&store, 2);
    for _ in 0..3 {
        store.flush().unwrap_err();
        assert!((1..=3).contains(&store.pending()), "{}", store.pending());
    }
    FAULT.set(Fault::None);
    store.flush().unwrap();
    assert_eq!(store.pending(), 0);
    drop(store);
    let store = StateStore::open(&path).unwrap();
    assert_eq!((get(&store, "before"), beats(&store)), (Some(b"2".to_vec()), vec![2, 1]));
    assert_eq!(get(&store, "meanwhile"), Some(vec![7; 900_000]));
    assert!(set_aside(dir.path()).is_empty());
}

// Whichever write of a flush is the one that fails, what was written before and what is in memory comes through.
#[test]
fn an_error_at_any_write_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut reached = false;
    for nth in 0..200 {
        let path = dir.path().join(format!("{nth}.redb"));
        let store = StateStore::open_by(&path, Failing::make).unwrap();
        set(&store, "before", b"1");
        store.flush().unwrap();
        set(&store, "after", &[7; 10_000]);
        beat(&store, 1);
        FAULT.set(Fault::After(nth));
        reached = store.flush().is_ok();
        // The next one may fail as well, in opening the file.
        let _ = store.flush();
        FAULT.set(Fault::None);
        store.flush().unwrap();
        drop(store);
        let store = StateStore::open(&path).unwrap();
        assert_eq!(get(&store, "before"), Some(b"1".to_vec()), "{nth}");
        assert_eq!((get(&store, "after"), beats(&store)), (Some(vec![7; 10_000]), vec![1]), "{nth}");
        if reached {
            break;
        }
    }
    assert!(reached, "a flush has fewer writes than that");
}

/// xorshift64: the same damages each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

const CHECKS: usize = 40;

fn value(check: usize, size: usize) -> Vec<u8> {
    format!("value {check} ").into_bytes().into_iter().cycle().take(size * check).collect()
}

/// The bytes of a file after an orderly end, and of one after `kill -9`.
fn good_files(dir: &Path) -> [Vec<u8>; 2] {
    let path = dir.join("good.redb");
    let store = StateStore::open(&path).unwrap();
    for size in [10, 50, 20] {
        for check in 0..CHECKS {
            set(&store, &format!("check-{check}"), &value(check, size));
        }
        beat(&store, size as u64);
        store.flush().unwrap();
    }
    let killed = std::fs::read(&path).unwrap();
    drop(store);
    [std::fs::read(&path).unwrap(), killed]
}

fn damage(bytes: &mut Vec<u8>, dice: &mut Dice) {
    let at = |dice: &mut Dice, len: usize| {
        // The head, where a page's order and the layout are, as often as all the rest.
        if dice.below(2) == 0 { dice.below(len.min(4096)) } else { dice.below(len) }
    };
    for _ in 0..=dice.below(3) {
        let place = at(dice, bytes.len().max(1));
        match dice.below(6) {
            _ if bytes.is_empty() => {}
            0 => bytes[place] ^= 1 << dice.below(8),
            1 => bytes[place] = 0xff,
            2 => bytes.truncate(place),
            3 => bytes[place / 4096 * 4096..].iter_mut().take(4096).for_each(|byte| *byte = 0),
            4 => bytes[place..].iter_mut().take(64).for_each(|byte| *byte = dice.below(256) as u8),
            _ => {
                let from = dice.below(bytes.len()) / 4096 * 4096;
                let page: Vec<u8> = bytes[from..].iter().copied().take(4096).collect();
                bytes.splice(place / 4096 * 4096.., page);
            }
        }
    }
}

// However a file is damaged: no panic gets out, no value is another than what was written, and the store works after it.
#[test]
fn damaged_files_are_set_aside() {
    let dir = tempfile::tempdir().unwrap();
    let good = good_files(dir.path());
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut refused = 0;
    for round in 0..300 {
        let folder = dir.path().join(round.to_string());
        std::fs::create_dir(&folder).unwrap();
        let path = folder.join("state.redb");
        let mut bytes = good[round % 2].clone();
        damage(&mut bytes, &mut dice);
        std::fs::write(&path, &bytes).unwrap();
        let store = StateStore::open(&path).unwrap_or_else(|error| panic!("round {round}: {error}"));
        for check in 0..CHECKS {
            let found = get(&store, &format!("check-{check}"));
            // One that was not closed may fall back to the flush before.
            let written = [10, 50, 20].map(|size| value(check, size));
            assert!(found.is_none_or(|found| written.contains(&found)), "round {round}: check {check}");
        }
        refused += set_aside(&folder).len();
        set(&store, "after", b"1");
        beat(&store, 9);
        let written = store.flush().or_else(|_| store.flush());
        written.unwrap_or_else(|error| panic!("round {round}: {error}"));
        drop(store);
        let store = StateStore::open(&path).unwrap();
        assert_eq!((get(&store, "after"), beats(&store)[0]), (Some(b"1".to_vec()), 9), "round {round}");
        std::fs::remove_dir_all(&folder).unwrap();
    }
    assert!(refused > 80, "{refused} damages were found");
}

// Only so many damaged files are kept, and rows that no host wrote are left out.
#[test]
fn what_is_set_aside_is_bounded() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.redb");
    for age in 1..=5 {
        std::fs::write(dir.path().join(format!("state.redb.damaged-100000000{age}")), "old").unwrap();
    }
    std::fs::write(&path, "no database").unwrap();
    let store = StateStore::open(&path).unwrap();
    let mut kept = set_aside(dir.path());
    kept.sort();
    assert_eq!(kept.len(), 3);
    assert_eq!(std::fs::read(kept.last().unwrap()).unwrap(), b"no database");
    assert!(kept[0].to_string_lossy().ends_with("1000000004"));
    set(&store, "a", b"1");
    store.flush().unwrap();
}

// Rows of a sound file that no host wrote are left out, and the rest is there.
#[test]
fn strange_rows_are_left_out() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("state.redb");
    let many: BTreeMap<String, serde_json::Value> =
        (0..=KEYS_MAX).map(|key| (format!("key{key}"), serde_json::json!({ "value": [] }))).collect();
    let rows = [
        ("good", r#"{"key":{"value":[49],"expires_unix_ms":18446744073709551615,"of_a_later_host":{}}}"#.to_owned()),
        ("a\n[+]b ok", r#"{"key":{"value":[49]}}"#.to_owned()),
        ("huge", r#"{"key":{"value":[256]}}"#.to_owned()),
        ("negative", r#"{"key":{"value":[49],"expires_unix_ms":-1}}"#.to_owned()),
        ("nested", "[".repeat(100_000)),
        ("long", format!(r#"{{"{}":{{"value":[49]}}}}"#, "k".repeat(300))),
        ("many", serde_json::to_string(&many).unwrap()),
        ("empty", String::new()),
    ];
    let database = Database::create(&path).unwrap();
    let write = database.begin_write().unwrap();
    for (name, bytes) in &rows {
        let table = redb::TableDefinition::<&str, &[u8]>::new("state");
        write.open_table(table).unwrap().insert(*name, bytes.as_bytes()).unwrap();
    }
    write.commit().unwrap();
    drop(database);
    let store = StateStore::open(&path).unwrap();
    assert_eq!(store.get("good", "key", at(0)), Some(b"1".to_vec()));
    for (name, _) in &rows[1..] {
        assert_eq!(store.keys(name, "", at(0)), Vec::<String>::new(), "{name}");
    }
}

// What is no file, is locked, or is too large is left alone, at once.
#[cfg(unix)]
#[test]
fn what_is_no_file_of_ours_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    std::fs::create_dir(at("directory")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(at("pipe")).status().unwrap().success());
    std::os::unix::fs::symlink("/dev/zero", at("device")).unwrap();
    std::os::unix::fs::symlink(at("loop"), at("loop")).unwrap();
    File::create(at("huge")).unwrap().set_len(1 << 40).unwrap();
    let open = StateStore::open(&at("locked")).unwrap();
    for name in ["directory", "pipe", "device", "loop", "huge", "locked"] {
        assert!(matches!(StateStore::open(&at(name)), Err(StateError::Io(_))), "{name}");
        assert!(at(name).symlink_metadata().is_ok(), "{name}");
    }
    drop(open);
    File::create(at("empty")).unwrap();
    StateStore::open(&at("empty")).unwrap();
    // A hole of zeros is no database, however long.
    File::create(at("zeros")).unwrap().set_len(1 << 31).unwrap();
    StateStore::open(&at("zeros")).unwrap();
    assert_eq!(set_aside(dir.path()).len(), 1);
}
