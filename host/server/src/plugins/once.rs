//! Loads plugins once, without a directory to watch: what the command line does.
//!
//! The steps are those of [`super::Loader`]; there is no last good version to keep.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use probity_core::check::Reason;
use probity_core::clock::unix_ms;
use probity_sandbox::Sandbox;

use super::directory::{self, What};
use super::scan::{self, Contents, Fingerprint};
use super::version::{Refusal, Rejection, Stage, Version};
use super::{Plugin, Plugins, Reloads};

/// Loads one file, of whatever name. Blocks, for seconds when an interpreter is compiled; the trial call is driven
/// through `runtime`.
///
/// # Errors
/// The rejection that a running host would show.
pub fn load_file(
    sandbox: &Sandbox,
    runtime: &tokio::runtime::Handle,
    settings: &probity_config::Plugins,
    path: &Path,
) -> Result<Version, Box<Rejection>> {
    let unread = |message: String, size| Box::new(unread(Stage::Read, &message, size));
    let metadata = std::fs::metadata(path).map_err(|error| unread(format!("read {}: {error}", path.display()), 0))?;
    if !metadata.is_file() {
        return Err(unread(format!("{} is not a regular file", path.display()), 0));
    }
    let contents = scan::read(path, Fingerprint::of(&metadata), settings.max_size)
        .map_err(|error| unread(probity_core::text::chain(&error), metadata.len()))?;
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    let refused = refuse_pin(settings, &name, &contents.digest).map_or(Ok(()), Err);
    refused.and_then(|()| bring_up(sandbox, runtime, &contents)).map_err(|refusal| {
        let digest = Some(contents.digest.clone());
        let (stage, message) = (refusal.stage, refusal.message);
        Box::new(Rejection { digest, size: contents.bytes.len() as u64, stage, message, at_unix_ms: unix_ms() })
    })
}

/// Loads every plugin of `settings.dir`; those that were refused have their rejection and no version.
///
/// # Errors
/// When the directory cannot be read.
pub fn load_dir(
    sandbox: &Sandbox,
    runtime: &tokio::runtime::Handle,
    settings: &probity_config::Plugins,
) -> io::Result<Plugins> {
    let listing = directory::list(&settings.dir, std::iter::empty())?;
    if listing.left_out {
        tracing::warn!(dir = %settings.dir.display(), "{}", directory::LEFT_OUT);
    }
    let plugins = listing.files.into_iter().map(|(name, found)| {
        let loaded = match found.what {
            What::Misnamed => Err(Box::new(unread(Stage::Name, &directory::misnamed(), 0))),
            What::File(_) | What::Other | What::Unknown(_) => load_file(sandbox, runtime, settings, &found.path),
        };
        let (current, rejected) = match loaded {
            Ok(version) => (Some(Arc::new(version)), None),
            Err(rejection) => (None, Some(*rejection)),
        };
        (name.clone(), Arc::new(Plugin { name, path: found.path, current, rejected, reloads: Reloads::default() }))
    });
    Ok(plugins.collect())
}

fn unread(stage: Stage, message: &str, size: u64) -> Rejection {
    let Refusal { stage, message, .. } = Refusal::new(stage, message);
    Rejection { digest: None, size, stage, message, at_unix_ms: unix_ms() }
}

/// Why a file of this digest may not load as the plugin `name`, if it may not.
pub(super) fn refuse_pin(settings: &probity_config::Plugins, name: &str, digest: &str) -> Option<Refusal> {
    let pin = settings.pins.get(name).filter(|pin| *pin != digest)?;
    let text = format!("its SHA-256 is {digest}, pinned is {pin} (table `plugins.pins`)");
    Some(Refusal::new(Stage::Pin, text))
}

/// From bytes to a version: the compiler, the trial call, the schema.
pub(super) fn bring_up(
    sandbox: &Sandbox,
    runtime: &tokio::runtime::Handle,
    contents: &Contents,
) -> Result<Version, Refusal> {
    let start = Instant::now();
    let program = sandbox.compile(&contents.bytes, &contents.digest).map_err(|error| Refusal::compile(&error))?;
    let described = runtime.block_on(sandbox.describe(&program));
    let (metadata, _log) = described.map_err(|failure| {
        let text = format!("describe() failed: {}: {}", failure.reason.as_str(), failure.message);
        Refusal { passes: failure.reason == Reason::Capacity, ..Refusal::new(Stage::Describe, text) }
    })?;
    Version::new(sandbox, contents.bytes.len() as u64, program, metadata, unix_ms(), start.elapsed())
}
