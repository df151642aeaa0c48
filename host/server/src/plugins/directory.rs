//! Lists the plugin directory within bounds. Decides nothing.
//!
//! Only what is certainly not there counts as gone: a name that was known is asked for by itself when the listing did not
//! have it, and a listing that broke off is none.

use std::collections::{BTreeMap, HashSet};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::scan::Fingerprint;

/// Plugins of one directory; more are left out, never those that are known already.
const FILES_MAX: usize = 20_000;

/// Entries of the directory that are looked at, whatever they are: some 50 ms. Known plugins beyond are found by name.
const ENTRIES_MAX: usize = 100_000;

/// Of one listing.
#[derive(Clone, Copy)]
struct Bounds {
    files: usize,
    entries: usize,
}

/// Files of which only the name is wrong that are shown one by one.
const MISNAMED_MAX: usize = 100;

/// Bytes of a wrong name that are shown.
const MISNAMED_BYTES_MAX: usize = 128;

/// What a file must be called, for messages.
const NAME_RULE: &str = "the name of a plugin has lower-case letters, digits, `-`, `_` and `.`, starts with a letter or \
                         digit, and has at most 63 of them";

/// What is said of a directory that has more than is looked at.
pub(super) const LEFT_OUT: &str = "too many files in the plugin directory, the rest is not looked at";

/// What was in the directory.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// By plugin name. What has a wrong name is here under one that is no name.
    pub(super) files: BTreeMap<String, Found>,
    /// Whether there was more than is looked at.
    pub(super) left_out: bool,
    /// The file system that the directory is on.
    pub(super) device: Option<u64>,
}

/// One file.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) path: PathBuf,
    pub(super) what: What,
}

/// What a look from outside tells.
#[derive(Clone, Debug)]
pub(super) enum What {
    /// A file that may be a plugin.
    File(Fingerprint),
    /// Something else, whose name is a plugin's.
    Other,
    /// A file whose name no plugin may have.
    Misnamed,
    /// It is there, and cannot be looked at: for now, as far as anybody knows.
    Unknown(String),
}

/// The plugins in `dir`. Links are followed; hidden, temporary and backup files are not plugins.
///
/// # Errors
/// When the directory cannot be read to its end, which tells nothing about any plugin.
pub(super) fn list<'a>(dir: &Path, known: impl Iterator<Item = &'a str>) -> io::Result<Listing> {
    list_within(dir, known, Bounds { files: FILES_MAX, entries: ENTRIES_MAX })
}

fn list_within<'a>(dir: &Path, known: impl Iterator<Item = &'a str>, bounds: Bounds) -> io::Result<Listing> {
    let known: HashSet<&str> = known.filter(|name| probity_config::is_name(name)).collect();
    let mut listing = Listing { device: device_of(&fs::metadata(dir)?), ..Listing::default() };
    let mut room = bounds.files.saturating_sub(known.len());
    let mut misnamed = 0;
    for (count, entry) in fs::read_dir(dir)?.enumerate() {
        if count == bounds.entries {
            listing.left_out = true;
            break;
        }
        let file = entry?.file_name();
        let (name, what) = match Name::of(&file) {
            Name::None => continue,
            Name::Wrong(_) if misnamed == MISNAMED_MAX => {
                listing.left_out = true;
                continue;
            }
            Name::Wrong(shown) => {
                misnamed += 1;
                (shown, Some(What::Misnamed))
            }
            Name::Plugin(name) if !known.contains(name.as_str()) && room == 0 => {
                listing.left_out = true;
                continue;
            }
            Name::Plugin(name) => {
                room = room.saturating_sub(usize::from(!known.contains(name.as_str())));
                (name, look(&dir.join(&file)))
            }
        };
        if let Some(what) = what {
            listing.files.insert(name, Found { path: dir.join(file), what });
        }
    }
    // Beyond the bounds, or renamed while the directory was read, which may hide an entry.
    for name in known {
        if listing.files.contains_key(name) {
            continue;
        }
        let path = path_of(dir, name);
        if let Some(what) = look(&path) {
            listing.files.insert(name.to_owned(), Found { path, what });
        }
    }
    Ok(listing)
}

/// What is at `path`; none when there certainly is nothing.
pub(super) fn look(path: &Path) -> Option<What> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => Some(What::File(Fingerprint::of(&metadata))),
        Ok(_) => Some(What::Other),
        // A link that leads nowhere is an entry all the same: what it led to may have been unmounted.
        Err(error) if error.kind() == io::ErrorKind::NotFound => match fs::symlink_metadata(path) {
            Ok(_) => Some(What::Unknown("it is a link that leads nowhere".to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => Some(What::Unknown(error.to_string())),
        },
        Err(error) => Some(What::Unknown(error.to_string())),
    }
}

#[cfg(unix)]
fn device_of(metadata: &fs::Metadata) -> Option<u64> {
    Some(std::os::unix::fs::MetadataExt::dev(metadata))
}

#[cfg(not(unix))]
fn device_of(_: &fs::Metadata) -> Option<u64> {
    None
}

/// Where the file of a plugin is.
pub(super) fn path_of(dir: &Path, name: &str) -> PathBuf {
    dir.join(format!("{name}.wasm"))
}

/// Why a file with a wrong name is refused.
pub(super) fn misnamed() -> String {
    format!("{NAME_RULE}; rename the file")
}

/// What the name of a file says.
#[derive(Debug, PartialEq, Eq)]
enum Name {
    /// It is not meant as a plugin.
    None,
    Plugin(String),
    /// As it is shown: on one line, short, and never a name.
    Wrong(String),
}

impl Name {
    /// `orders-backlog` for `orders-backlog.wasm`.
    fn of(file: &OsStr) -> Self {
        let bytes = file.as_encoded_bytes();
        if !bytes.ends_with(b".wasm") || bytes.starts_with(b".") || bytes.starts_with(b"#") {
            return Self::None;
        }
        let text = file.to_string_lossy();
        let name = text.strip_suffix(".wasm").unwrap_or(&text);
        if probity_config::is_name(name) {
            return Self::Plugin(name.to_owned());
        }
        // Neither escapes nor a cut make a name of what is none.
        Self::Wrong(probity_core::text::clean(&name.escape_debug().to_string(), MISNAMED_BYTES_MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(file: &str) -> Name {
        Name::of(OsStr::new(file))
    }

    fn names(listing: &Listing) -> Vec<&str> {
        listing.files.keys().map(String::as_str).collect()
    }

    // Editors' and copiers' temporary files are no plugins.
    #[test]
    fn only_plain_names_are_plugins() {
        assert_eq!(of("orders-backlog.wasm"), Name::Plugin("orders-backlog".into()));
        for file in
            [".orders.wasm", "orders.wasm~", "orders.wasm.tmp", ".wasm", "#orders.wasm", "orders.cwasm", "orders"]
        {
            assert_eq!(of(file), Name::None, "{file}");
        }
    }

    // A name that the configuration would refuse is refused, and is shown on one line as what can be no name.
    #[test]
    fn a_wrong_name_is_never_a_name() {
        let long = "a".repeat(64);
        for name in
            ["a\n[+]database ok", "b\u{1b}[31mred", "_other", "Orders", "a b", &long, "a\n", "\u{202e}a", "é", "-a"]
        {
            let Name::Wrong(shown) = of(&format!("{name}.wasm")) else { panic!("{name:?} is a name") };
            assert!(!probity_config::is_name(&shown) && !shown.contains(char::is_control), "{shown:?}");
        }
        #[cfg(unix)]
        {
            use std::os::unix::ffi::OsStrExt;
            let shown = Name::of(OsStr::from_bytes(b"a\xff.wasm"));
            assert_eq!(shown, Name::Wrong("a\u{fffd}".into()));
        }
    }

    // Known plugins are found however many others lie before them, and the others are bounded.
    #[test]
    fn known_plugins_are_found_first() {
        let dir = tempfile::tempdir().unwrap();
        for at in 0..20 {
            fs::write(path_of(dir.path(), &format!("j{at}")), b"x").unwrap();
        }
        for known in 0..20 {
            let name = format!("j{known}");
            for bounds in [Bounds { files: 3, entries: 100 }, Bounds { files: 100, entries: 3 }] {
                let listing = list_within(dir.path(), [name.as_str(), "gone"].into_iter(), bounds).unwrap();
                assert!(names(&listing).contains(&name.as_str()) && listing.left_out, "{listing:?}");
                assert!(listing.files.len() <= 4 && !names(&listing).contains(&"gone"), "{listing:?}");
            }
        }
        let all = list_within(dir.path(), std::iter::empty(), Bounds { files: 20, entries: 20 }).unwrap();
        assert!(all.files.len() == 20 && !all.left_out);
    }

    // What is there and cannot be looked at is not gone; what is no file is told apart from what is.
    #[cfg(unix)]
    #[test]
    fn what_cannot_be_looked_at_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| path_of(dir.path(), name);
        std::os::unix::fs::symlink(at("loop"), at("loop")).unwrap();
        std::os::unix::fs::symlink("/nowhere/at/all", at("dangling")).unwrap();
        fs::create_dir(at("folder")).unwrap();
        let listing = list(dir.path(), std::iter::empty()).unwrap();
        assert!(matches!(listing.files["loop"].what, What::Unknown(_)), "{listing:?}");
        assert!(matches!(listing.files["dangling"].what, What::Unknown(_)), "{listing:?}");
        assert!(matches!(listing.files["folder"].what, What::Other), "{listing:?}");
        assert!(list(&at("missing"), std::iter::empty()).is_err());
    }
}
