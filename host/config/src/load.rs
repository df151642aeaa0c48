//! Files to [`Config`]: [`load`] does the reading, [`parse`] is pure but for the two functions it is given.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::cx::Cx;
use super::errors::{Error, Errors};
use super::interpolate::Lookup;
use super::secrets::Secrets;
use super::source::{SOURCE_BYTES_MAX, Source};
use super::tree::Tree;
use super::valid::Config;
use super::{decode, raw, resolve};
use crate::files;

/// The file that is looked for when none is named.
pub const FILE_NAME: &str = "probity.toml";

/// Bytes of a file that a value or a certificate is read from.
const VALUE_FILE_BYTES_MAX: u64 = 1 << 20;

/// Bytes of all files of one configuration, those of values among them.
const TOTAL_BYTES_MAX: u64 = 64 << 20;

/// Files in the directory of fragments.
const FRAGMENTS_MAX: usize = 10_000;

/// Reads the configuration at `path`, with every `*.toml` of the directory beside it that has its name with `.d` for
/// `.toml` (`probity.d`), in the order of their names.
///
/// Without `path`: `probity.toml` and `probity.d` in the working directory, as far as they are there; else the
/// defaults. Blocks on files.
///
/// # Errors
/// Everything that is wrong, each with its place.
pub fn load(path: Option<&Path>) -> Result<Config, Errors> {
    let main = path.map_or_else(|| PathBuf::from(FILE_NAME), Path::to_owned);
    let mut paths = Vec::new();
    let mut errors: Vec<Error> = Vec::new();
    // What is there and cannot be read is no reason to go on with the defaults.
    if path.is_some() || main.try_exists().unwrap_or(true) {
        paths.push(main.clone());
    }
    match fragments(&main.with_extension("d")) {
        Ok(mut fragments) => paths.append(&mut fragments),
        Err(wrong) => errors.extend(wrong),
    }
    let mut sources = Vec::new();
    let read = RefCell::new(Read::default());
    for path in paths {
        match read.borrow_mut().bytes(&path, SOURCE_BYTES_MAX) {
            Ok(bytes) => match Source::new(&path, bytes) {
                Ok(source) => sources.push(source),
                Err(wrong) => errors.extend(wrong),
            },
            Err(error) => errors.push(Error::of_file(&path, format!("cannot read the configuration: {error}"))),
        }
    }
    if !errors.is_empty() {
        return Err(Errors::of_files(errors));
    }
    let base_dir = main.parent().unwrap_or(Path::new(""));
    let read_file = |path: &Path| {
        let bytes = read.borrow_mut().bytes(path, VALUE_FILE_BYTES_MAX)?;
        String::from_utf8(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "not UTF-8"))
    };
    let config = parse(&sources, base_dir, &|name| std::env::var(name).ok(), &read_file)?;
    let fingerprint = fingerprint(&main, &config.files, &read.into_inner().sums);
    Ok(Config { fingerprint, ..config })
}

/// SHA-256 of what files hold.
type Sums = BTreeMap<PathBuf, [u8; 32]>;

/// What was read for one configuration.
#[derive(Default)]
struct Read {
    sums: Sums,
    /// Of all files, each counted once.
    bytes: u64,
}

impl Read {
    fn bytes(&mut self, path: &Path, max: u64) -> io::Result<Vec<u8>> {
        let bytes = files::read_regular(path, max)?;
        if self.sums.insert(path.to_owned(), Sha256::digest(&bytes).into()).is_none() {
            self.bytes += bytes.len() as u64;
        }
        if self.bytes > TOTAL_BYTES_MAX {
            let message = format!("with it the files of the configuration have more than {TOTAL_BYTES_MAX} bytes");
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
        }
        Ok(bytes)
    }
}

/// What a configuration is made of, in 32 bytes: the main file, its fragments, and the files that values came from. Those
/// in `known` are not read again. What is missing, and what cannot be read, is another thing than any text: [`load`] then says
/// what is wrong, and what serves goes on.
pub fn fingerprint(main: &Path, files: &[PathBuf], known: &Sums) -> Vec<u8> {
    let mut hasher = Sha256::new();
    let fragments = fragments(&main.with_extension("d")).unwrap_or_else(|errors| {
        hasher.update(errors.to_string());
        Vec::new()
    });
    let all: BTreeSet<&Path> = files.iter().chain(&fragments).map(PathBuf::as_path).chain([main]).collect();
    for file in all {
        let path = file.as_os_str().as_encoded_bytes();
        hasher.update((path.len() as u64).to_le_bytes());
        hasher.update(path);
        let sum = known.get(file).copied().map(Ok);
        match sum
            .unwrap_or_else(|| files::read_regular(file, SOURCE_BYTES_MAX).map(|bytes| Sha256::digest(bytes).into()))
        {
            Ok(sum) => hasher.update(sum),
            Err(error) => hasher.update(format!("{:?}", error.kind())),
        }
    }
    hasher.finalize().to_vec()
}

/// Makes a configuration of `sources`, in order: later ones add to earlier ones. No source gives the defaults.
///
/// `base_dir` is what relative paths in them are relative to; `env` and `read_file` answer `${NAME}`, `${file:PATH}`
/// and `ca`.
///
/// # Errors
/// Everything that is wrong, each with its place. No secret is in it.
pub fn parse(
    sources: &[Source],
    base_dir: &Path,
    env: &dyn Fn(&str) -> Option<String>,
    read_file: &dyn Fn(&Path) -> io::Result<String>,
) -> Result<Config, Errors> {
    let mut faults = Vec::new();
    let tree = Tree::build(sources, &Lookup { env, read_file, base_dir }, &mut faults);
    let raw: raw::File = decode::decode(&tree, &mut faults);
    if tree.is_partial {
        return Err(Errors::render(faults, sources, &Secrets::new(tree.secrets)));
    }
    let (tree_secrets, tree_files) = (tree.secrets.clone(), tree.files.clone());
    let mut cx = Cx {
        tree: &tree,
        sources,
        newlines: sources.iter().map(|source| source.text.match_indices('\n').map(|(at, _)| at).collect()).collect(),
        faults,
        warnings: Vec::new(),
        secrets: Vec::new(),
        peers_missing: Vec::new(),
        files: Vec::new(),
        base_dir,
        read_file,
    };
    let config = resolve::resolve(&raw, &mut cx);
    let secrets = Secrets::new(tree_secrets.into_iter().chain(cx.secrets));
    if !cx.faults.is_empty() {
        return Err(Errors::render(cx.faults, sources, &secrets));
    }
    let mut seen = BTreeSet::new();
    let mut files: Vec<PathBuf> =
        sources.iter().map(|source| source.path.clone()).chain(tree_files).chain(cx.files).collect();
    files.retain(|file| seen.insert(file.clone()));
    let warnings = cx.warnings.iter().map(|warning| secrets.redact(warning).into_owned()).collect();
    let peers_missing = cx.peers_missing.into_iter().flat_map(|(name, fault)| {
        Errors::render(vec![fault], sources, &secrets).into_iter().map(move |error| (name.clone(), error))
    });
    let peers_missing = peers_missing.collect();
    Ok(Config { files, secrets, warnings, peers_missing, ..config })
}

impl Config {
    /// The configuration of an empty file in `dir`.
    #[must_use]
    pub fn default_in(dir: &Path) -> Self {
        let no_file = |_: &Path| Err(io::ErrorKind::NotFound.into());
        parse(&[], dir, &|_| None, &no_file).expect("without a source nothing can be wrong")
    }
}

/// The `*.toml` of `dir`, sorted; none when it does not exist.
pub fn fragments(dir: &Path) -> Result<Vec<PathBuf>, Errors> {
    let failed = |message: String| Errors::from(Error::of_file(dir, message));
    let wrong = |error: io::Error| failed(format!("cannot read the directory: {error}"));
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        // A link that leads nowhere was meant to lead somewhere.
        Err(error) if is_absent(&error) && !dir.is_symlink() => return Ok(Vec::new()),
        Err(error) => return Err(wrong(error)),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(wrong)?.path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if !hidden && path.extension().is_some_and(|extension| extension == "toml") {
            paths.push(path);
        }
        if paths.len() > FRAGMENTS_MAX {
            return Err(failed(format!("more than {FRAGMENTS_MAX} files with an end of `.toml`")));
        }
    }
    paths.sort();
    Ok(paths)
}

fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHECK: &str = "[[check]]\nname = \"a\"\nplugin = \"a\"\n";

    /// What a reload looks at, without what was read before.
    fn seen(main: &Path, config: &Config) -> Vec<u8> {
        fingerprint(main, &config.files, &Sums::new())
    }

    // Whatever a file that was read becomes, it is a change, and loading it is an error: nothing is ever taken for empty.
    #[cfg(unix)]
    #[test]
    fn what_cannot_be_read_is_never_empty() {
        let dir = tempfile::tempdir().unwrap();
        let (main, fragments) = (dir.path().join("probity.toml"), dir.path().join("probity.d"));
        let (fragment, value) = (fragments.join("a.toml"), dir.path().join("value"));
        std::fs::create_dir(&fragments).unwrap();
        let write = || {
            std::fs::write(&main, "[server]\n[server.auth]\ntokens = [\"${file:value}\"]\n").unwrap();
            std::fs::write(&fragment, CHECK).unwrap();
            std::fs::write(&value, "a-long-secret").unwrap();
        };
        write();
        let good = load(Some(&main)).unwrap();
        assert_eq!(good.fingerprint, seen(&main, &good));
        for file in [&main, &fragment, &value] {
            for become_other in [pipe, device, directory, huge] {
                std::fs::remove_file(file).unwrap();
                become_other(file);
                assert_ne!(good.fingerprint, seen(&main, &good), "{}", file.display());
                load(Some(&main)).map(drop).unwrap_err();
                std::fs::remove_file(file).or_else(|_| std::fs::remove_dir(file)).unwrap();
                write();
                assert_eq!(good.fingerprint, seen(&main, &good));
            }
        }
        // So is the directory of fragments: a link that leads nowhere, or round and round.
        std::fs::rename(&fragments, dir.path().join("elsewhere")).unwrap();
        for target in ["nowhere", "probity.d"] {
            std::os::unix::fs::symlink(target, &fragments).unwrap();
            assert_ne!(good.fingerprint, seen(&main, &good));
            let errors = load(Some(&main)).map(drop).unwrap_err().to_string();
            assert!(errors.contains("cannot read the directory"), "{errors}");
            std::fs::remove_file(&fragments).unwrap();
        }
    }

    #[cfg(unix)]
    fn pipe(path: &Path) {
        assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
    }

    #[cfg(unix)]
    fn device(path: &Path) {
        std::os::unix::fs::symlink("/dev/zero", path).unwrap();
    }

    fn directory(path: &Path) {
        std::fs::create_dir(path).unwrap();
    }

    fn huge(path: &Path) {
        std::fs::File::create(path).unwrap().set_len(1 << 40).unwrap();
    }

    // The files of a configuration are bounded in sum, and so is their number.
    #[test]
    fn fragments_are_bounded_in_sum() {
        let dir = tempfile::tempdir().unwrap();
        let (main, fragments) = (dir.path().join("probity.toml"), dir.path().join("probity.d"));
        std::fs::create_dir(&fragments).unwrap();
        std::fs::write(&main, "").unwrap();
        let large = format!("#{}\n", "x".repeat((SOURCE_BYTES_MAX - 2) as usize));
        for name in ["a", "b", "c", "d"] {
            std::fs::write(fragments.join(name).with_extension("toml"), &large).unwrap();
        }
        load(Some(&main)).unwrap();
        std::fs::write(fragments.join("e.toml"), "#").unwrap();
        let errors = load(Some(&main)).map(drop).unwrap_err().to_string();
        assert!(errors.contains("e.toml") && errors.contains("have more than"), "{errors}");
    }
}
