//! The reference check in every language: the folders of `conformance/`, as `cargo xtask languages` built them.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use probity_config::{Grants, Limits, Secrets};
use probity_core::check::{Capability, Run};
use probity_drivers::{Services, StateStore};
use probity_sandbox::capabilities::CheckEnv;
use probity_sandbox::{Program, Sandbox};
use serde_json::Value;

use crate::bench;

/// What interpreters need to start in, and the same for all.
pub const MEMORY: u64 = 64 << 20;

/// Time enough for a debug build on a busy machine; what a test is about, it sets itself.
pub const LIMITS: Limits = Limits { memory: MEMORY, timeout: Duration::from_secs(60), ..Limits::DEFAULT };

/// Compiled code is kept between test runs: that of an interpreter takes most of a minute in a debug build.
static SANDBOX: LazyLock<Sandbox> = LazyLock::new(|| {
    let cache = target().join("compiled/reference");
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&cache).expect("the target directory can be written");
    Sandbox::new(4, Some(&cache)).expect("the machine can run a sandbox")
});

static PROGRAMS: LazyLock<BTreeMap<String, Program>> = LazyLock::new(|| {
    let compiled = |language: String| {
        let bytes = component(&language);
        let program = SANDBOX.compile(&bytes, &bench::digest(&bytes));
        let program = program.unwrap_or_else(|error| panic!("{language}: {error:?}"));
        (language, program)
    };
    languages().into_iter().map(compiled).collect()
});

/// The languages: one for each folder.
///
/// # Panics
/// When there are none: a mistake in the repository.
#[must_use]
pub fn languages() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("conformance");
    let entries = fs::read_dir(folder).expect("the folder is part of the repository").filter_map(Result::ok);
    let folders = entries.filter(|entry| entry.path().is_dir());
    let mut names: Vec<String> = folders.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    assert!(!names.is_empty());
    names
}

/// The component of a language.
///
/// # Panics
/// When it was not built.
#[must_use]
pub fn component(language: &str) -> Vec<u8> {
    let path = target().join("components").join(format!("reference-{language}.wasm"));
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}; run `cargo xtask languages` first", path.display()))
}

/// A check that may reach loopback, with its own state.
#[derive(Clone, Debug)]
pub struct Reference {
    limits: Limits,
    state: Arc<StateStore>,
}

impl Reference {
    /// With these limits.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { limits, state: Arc::new(StateStore::in_memory()) }
    }

    /// One run of the check in `language` with this configuration.
    ///
    /// # Panics
    /// When there is no such language, or its component does not compile.
    pub async fn run(&self, language: &str, config: &Value) -> Run {
        let mut grants = Grants::default();
        grants.add(Capability::Http, "http://127.0.0.1:*/*").expect("this is a pattern of URLs");
        let env = CheckEnv {
            name: "reference".into(),
            config: config.clone(),
            config_text: config.to_string(),
            grants: Arc::new(grants),
            limits: self.limits,
            secrets: Secrets::default(),
            state: Arc::clone(&self.state),
            services: Services::default(),
            script: None,
        };
        bench::run_on(&SANDBOX, &PROGRAMS[language], &Arc::new(env)).await
    }
}

fn target() -> PathBuf {
    let test = std::env::current_exe().expect("the program knows its own path");
    let profile = test.ancestors().find(|dir| dir.ends_with("debug") || dir.ends_with("release"));
    profile.and_then(Path::parent).expect("programs are built in target/<profile>").to_owned()
}
