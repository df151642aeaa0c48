//! A check's folder, and the way from it to a component.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::component::{self, componentize};
use crate::sources::{self, Sources, Stamp, hex};
use crate::{BuildError, Code, Job, Language, contract};

/// A folder with a check in it.
#[derive(Clone, Debug)]
pub struct Project {
    /// Absolute.
    pub folder: PathBuf,
    /// The check's name: the manifest's, else the folder's.
    pub name: String,
    /// What it is written in.
    pub language: Language,
    /// Where everything generated goes: `target/` of the folder.
    pub target: PathBuf,
}

/// A component that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Built {
    /// Its file.
    pub file: PathBuf,
    /// Its size in bytes.
    pub size: u64,
    /// The SHA-256 of its bytes, in hexadecimal.
    pub digest: String,
    /// The interfaces it imports: what it may ask the operator for.
    pub imports: Vec<String>,
    /// Whether the file's content is new.
    pub changed: bool,
    /// Whether the toolchain was asked, or nothing had changed since it last was.
    pub compiled: bool,
    /// What the author should know: libraries that a component cannot serve, with what to use instead.
    pub notes: Vec<String>,
    /// The interpreter that it holds, with its version; `None` where there is none.
    pub runtime: Option<String>,
}

impl Project {
    /// Looks at `folder`.
    ///
    /// # Errors
    /// [`BuildError::Folder`] when it holds no check, [`BuildError::Source`] when its manifest cannot be read.
    pub fn open(folder: &Path) -> Result<Self, BuildError> {
        let language = Language::detect(folder)?;
        let folder = fs::canonicalize(folder).map_err(BuildError::read(folder))?;
        let name = match language.name(&folder)? {
            Some(name) => name,
            None => folder.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        };
        let target = folder.join("target");
        Ok(Self { folder, name, language, target })
    }

    /// Where the component is put: `target/components/NAME.wasm`.
    #[must_use]
    pub fn component(&self) -> PathBuf {
        self.target.join("components").join(format!("{}.wasm", self.name))
    }

    /// Builds the component, unless all it was made of is as it was, the toolchain included; `anew` builds it in any case.
    ///
    /// Takes a minute the first time for some languages. The tools' progress goes to standard error.
    ///
    /// # Errors
    /// [`BuildError`]; the component then keeps its old content.
    pub fn build(&self, anew: bool) -> Result<Built, BuildError> {
        let old = Stamp::read(&self.stamp()).filter(|_| !anew);
        if let Some(built) = old.and_then(|stamp| self.unchanged(&stamp)) {
            return Ok(built);
        }
        fs::create_dir_all(&self.target).map_err(BuildError::write(&self.target))?;
        // Before the build: what is saved while it runs is built next time.
        let own = || sources::own_digest(&self.folder, self.language).map_err(BuildError::read(&self.folder));
        let before = own()?;
        let made = self.language.build(&Job { folder: &self.folder, name: &self.name, target: &self.target })?;
        let bytes = match made.code {
            Code::Module(module) => {
                componentize(&module, &self.folder).map_err(|error| self.language.explain(error, &self.folder))?
            }
            Code::Component(component) => component,
        };
        let file = self.component();
        let installed = component::install(&bytes, &file).map_err(BuildError::Component)?;
        let digest = hex(&Sha256::digest(&bytes));
        // What the toolchain says that it read counts, wherever it lies and whoever ignores it; what it made does not.
        let inputs: Vec<PathBuf> = made.inputs.into_iter().filter(|input| !input.starts_with(&self.target)).collect();
        let (notes, runtime) = (made.notes, made.runtime);
        if own()? == before {
            let toolchain = self.language.toolchain(&self.folder);
            let (notes, runtime, component) = (notes.clone(), runtime.clone(), digest.clone());
            let stamp = Stamp { digest: self.digest(&inputs)?, toolchain, inputs, component, notes, runtime };
            let text = serde_json::to_vec_pretty(&stamp).expect("a stamp is paths and text");
            component::write_if_changed(&self.stamp(), &text).map_err(BuildError::write(&self.stamp()))?;
        }
        let (imports, changed) = (installed.imports, installed.changed);
        Ok(Built { file, size: bytes.len() as u64, digest, imports, changed, compiled: true, notes, runtime })
    }

    /// The component of the last build, when that is what a build would make again.
    fn unchanged(&self, stamp: &Stamp) -> Option<Built> {
        let file = self.component();
        let bytes = fs::read(&file).ok()?;
        let digest = hex(&Sha256::digest(&bytes));
        if digest != stamp.component || self.digest(&stamp.inputs).ok()? != stamp.digest {
            return None;
        }
        // Asked last, since it takes longest.
        if self.language.toolchain(&self.folder).is_some_and(|toolchain| Some(toolchain) != stamp.toolchain) {
            return None;
        }
        let imports = contract::check(&bytes).ok()?;
        let (notes, runtime) = (stamp.notes.clone(), stamp.runtime.clone());
        let size = bytes.len() as u64;
        Some(Built { file, size, digest, imports, changed: false, compiled: false, notes, runtime })
    }

    fn digest(&self, inputs: &[PathBuf]) -> Result<String, BuildError> {
        sources::digest(&self.folder, self.language, inputs).map_err(BuildError::read(&self.folder))
    }

    fn stamp(&self) -> PathBuf {
        self.target.join("built.json")
    }

    /// What a change may change what is built or tested: the author's files, cases among them.
    ///
    /// # Errors
    /// [`BuildError::Io`] when a source cannot be read.
    pub fn sources(&self) -> Result<Sources, BuildError> {
        Sources::read(&self.folder, self.language, true).map_err(BuildError::read(&self.folder))
    }

    /// What the last build read outside of the folder, or said that it read: the author kit, a module of a neighbour.
    #[must_use]
    pub fn inputs(&self) -> Vec<PathBuf> {
        Stamp::read(&self.stamp()).map(|stamp| stamp.inputs).unwrap_or_default()
    }
}
