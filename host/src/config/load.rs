//! Files to [`Config`]: [`load`] does the reading, [`parse`] is pure but for the two functions it is given.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};
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

/// The file that is looked for when none is named.
pub const FILE_NAME: &str = "probity.toml";

/// Bytes of a file that a value or a certificate is read from.
const VALUE_FILE_BYTES_MAX: u64 = 1 << 20;

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
    if path.is_some() || main.exists() {
        paths.push(main.clone());
    }
    match fragments(&main.with_extension("d")) {
        Ok(mut fragments) => paths.append(&mut fragments),
        Err(wrong) => errors.extend(wrong),
    }
    let mut sources = Vec::new();
    let mut read = BTreeMap::new();
    for path in paths {
        match read_bytes(&path, SOURCE_BYTES_MAX + 1) {
            Ok(bytes) => {
                read.insert(path.clone(), bytes.clone());
                match Source::new(&path, bytes) {
                    Ok(source) => sources.push(source),
                    Err(wrong) => errors.extend(wrong),
                }
            }
            Err(error) => errors.push(Error::of_file(&path, format!("cannot read the configuration: {error}"))),
        }
    }
    if !errors.is_empty() {
        return Err(Errors::of_files(errors));
    }
    let base_dir = main.parent().unwrap_or(Path::new(""));
    let read = RefCell::new(read);
    let read_file = |path: &Path| {
        let text = read_value(path)?;
        read.borrow_mut().insert(path.to_owned(), text.clone().into_bytes());
        Ok(text)
    };
    let config = parse(&sources, base_dir, &|name| std::env::var(name).ok(), &read_file)?;
    let fingerprint = fingerprint(&main, &config.files, &read.into_inner());
    Ok(Config { fingerprint, ..config })
}

/// What a configuration is made of, in 32 bytes: the main file, its fragments, and the files that values came from. Those
/// in `read` are taken from there, the others are read now; one that is missing counts as empty.
pub(crate) fn fingerprint(main: &Path, files: &[PathBuf], read: &BTreeMap<PathBuf, Vec<u8>>) -> Vec<u8> {
    let fragments = fragments(&main.with_extension("d")).unwrap_or_default();
    let all: BTreeSet<&Path> = files.iter().chain(&fragments).map(PathBuf::as_path).chain([main]).collect();
    let mut hasher = Sha256::new();
    for file in all {
        let bytes = read.get(file).map_or_else(|| Cow::Owned(std::fs::read(file).unwrap_or_default()), Cow::from);
        hasher.update(file.as_os_str().as_encoded_bytes());
        hasher.update((bytes.len() as u64).to_le_bytes());
        hasher.update(&bytes);
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
pub(crate) fn fragments(dir: &Path) -> Result<Vec<PathBuf>, Errors> {
    let wrong = |error: io::Error| Errors::from(Error::of_file(dir, format!("cannot read the directory: {error}")));
    let entries = match std::fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        Err(error) => return Err(wrong(error)),
    };
    let mut paths =
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>().map_err(wrong)?;
    paths.retain(|path| {
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        !hidden && path.extension().is_some_and(|extension| extension == "toml")
    });
    paths.sort();
    Ok(paths)
}

fn read_value(path: &Path) -> io::Result<String> {
    let bytes = read_bytes(path, VALUE_FILE_BYTES_MAX + 1)?;
    if bytes.len() as u64 > VALUE_FILE_BYTES_MAX {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "larger than 1 MiB"));
    }
    String::from_utf8(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "not UTF-8"))
}

fn read_bytes(path: &Path, max: u64) -> io::Result<Vec<u8>> {
    let file = std::fs::File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut bytes = Vec::new();
    file.take(max).read_to_end(&mut bytes)?;
    Ok(bytes)
}
