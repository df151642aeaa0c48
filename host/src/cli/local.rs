//! What commands without a server share: a sandbox, a runtime, and the way from what was typed to a plugin's file.

use std::path::{MAIN_SEPARATOR, Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, bail};
use probity_sandbox::{Compiler, Sandbox};
use probity_server::plugins::{self, Plugins, Rejection, Version};
use tokio::runtime::{Builder, Runtime};

use super::components;
use super::progress::{self, Beside};

/// How long a component of one's own may be compiled: an interpreter takes minutes where the machine is busy, and nobody else
/// waits for it.
const AUTHOR_COMPILE_MAX: Duration = Duration::from_secs(600);

/// A sandbox for one command.
#[derive(Debug)]
pub(super) struct Local {
    /// Engines and limits.
    pub(super) sandbox: Sandbox,
    // Taken only by drop.
    runtime: Option<Runtime>,
}

impl Local {
    /// Makes one that compiles within the limits of `settings`; `cache` is a directory for compiled code.
    pub(super) fn new(cache: Option<&Path>, settings: &probity_config::Plugins) -> anyhow::Result<Self> {
        Self::with(Sandbox::new(1, cache)?, settings)
    }

    /// Makes one for components that one builds oneself, which may take longer ([`AUTHOR_COMPILE_MAX`]).
    pub(super) fn for_author(cache: Option<&Path>, settings: &probity_config::Plugins) -> anyhow::Result<Self> {
        Self::of_author(Sandbox::for_author(cache)?, settings)
    }

    /// The same of a sandbox.
    pub(super) fn of_author(sandbox: Sandbox, settings: &probity_config::Plugins) -> anyhow::Result<Self> {
        let compile_timeout = settings.compile_timeout.max(AUTHOR_COMPILE_MAX);
        Self::with(sandbox, &probity_config::Plugins { compile_timeout, ..settings.clone() })
    }

    fn with(sandbox: Sandbox, settings: &probity_config::Plugins) -> anyhow::Result<Self> {
        // As a server does: whoever looks at a file does not want to be hurt by it either.
        let compiler = Compiler::this_program(settings.compile_timeout, settings.compile_memory);
        let sandbox = sandbox.compiling_in(compiler);
        // The command's own thread drives the guest; this one its connections and timers.
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("probity-io")
            .enable_all()
            .build()
            .context("start the runtime")?;
        Ok(Self { sandbox, runtime: Some(runtime) })
    }

    /// Where runs are driven.
    pub(super) fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().expect("only drop takes the runtime")
    }

    /// Loads one component file.
    pub(super) fn load(&self, settings: &probity_config::Plugins, path: &Path) -> Result<Version, Box<Rejection>> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let _phase = progress::phase(&format!("compiling {name}"), Beside::Nobody);
        plugins::load_file(&self.sandbox, self.runtime().handle(), settings, path)
    }

    /// Loads a directory of them.
    pub(super) fn load_dir(&self, settings: &probity_config::Plugins) -> std::io::Result<Plugins> {
        let what = format!("compiling the plugins of {}", settings.dir.display());
        let _phase = progress::phase(&what, Beside::Nobody);
        plugins::load_dir(&self.sandbox, self.runtime().handle(), settings)
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // A name lookup that hangs must not keep the command from ending.
            runtime.shutdown_background();
        }
    }
}

/// The file that `plugin` means: a path, or the name of a component in `dir`.
pub(super) fn find(plugin: &str, dir: &Path) -> anyhow::Result<PathBuf> {
    let path = Path::new(plugin);
    let is_path = plugin.contains(['/', MAIN_SEPARATOR]) || path.extension().is_some_and(|end| end == "wasm");
    if is_path || path.is_file() {
        return Ok(path.to_owned());
    }
    let named = dir.join(format!("{plugin}.wasm"));
    if named.is_file() {
        return Ok(named);
    }
    let help = components::help(plugin, dir).unwrap_or_else(|| "give the path of a .wasm file".to_owned());
    bail!("no plugin `{plugin}`: neither a file of that name nor {} exists; {help}", named.display())
}

/// Where compiled code is kept between commands: the user's cache directory, if there is one.
pub(super) fn user_cache() -> Option<PathBuf> {
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))?;
    // Made here and not above it: a machine without a cache directory is left without one.
    base.is_dir().then(|| base.join("probity"))
}
