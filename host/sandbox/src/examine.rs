//! A look at a component before the compiler sees it: what it unfolds to, how deep it nests, what it names.
//!
//! The compiler unfolds nested components: one that instantiates its inner one twice, thirty levels deep, is five
//! kilobytes on disk and a billion instances in memory. And the validator keeps everything about each component that is
//! not yet closed, so that half a million of them, each within the one before, take it minutes. wasmtime calls neither a
//! vulnerability, so the bounds are ours. They come first, in one pass that keeps next to nothing.

use wasmparser::{
    ComponentAlias, ComponentExternalKind, ComponentInstance, ComponentOuterAliasKind, ComponentTypeRef, Encoding,
    Instance, Parser, Payload, Result, Validator, WasmFeatures,
};

use super::compiler::Flavor;
use super::program::CompileError;

/// Instances, core and component ones together, that a component may unfold to. Real ones have some dozens; ten
/// thousand compile in some 30 ms.
pub(crate) const INSTANCES_MAX: u64 = 10_000;

/// Components that may be open at once, each within the one before. Toolchains nest two or three.
pub(crate) const NESTING_MAX: usize = 100;

/// Components and core modules in one file, at any depth. Real ones have some dozens.
pub(crate) const PARTS_MAX: usize = 10_000;

/// Imports and exports of a component, at its outermost level.
pub(crate) const NAMES_MAX: usize = 1_000;

/// Bytes of the name of one of them.
pub(crate) const NAME_BYTES_MAX: usize = 256;

/// Of a component that is known only once it is linked: more than any limit. No toolchain passes components around.
const UNKNOWN: u64 = u64::MAX;

/// Which engine a component is for.
///
/// # Errors
/// When it is more than a compiler should be given. What else is wrong with it the compiler reports.
pub(super) fn examine(bytes: &[u8]) -> std::result::Result<Flavor, CompileError> {
    let mut look = Look::default();
    for payload in Parser::new(0).parse_all(bytes) {
        // A malformed component counts up to its fault: the compiler finds the same.
        let Ok(()) = payload.and_then(|payload| look.read(payload)) else { break };
        look.judge()?;
    }
    look.judge()?;
    Ok(if needs_concurrency(bytes) { Flavor::Concurrent } else { Flavor::Plain })
}

/// Whether a component uses component-model-async, which the cheaper engine refuses.
fn needs_concurrency(bytes: &[u8]) -> bool {
    let without = WasmFeatures::default().difference(WasmFeatures::CM_ASYNC);
    Validator::new_with_features(without).validate_all(bytes).is_err()
        && Validator::new_with_features(without | WasmFeatures::CM_ASYNC).validate_all(bytes).is_ok()
}

/// What was seen so far.
#[derive(Default)]
struct Look {
    frames: Vec<Frame>,
    parts: usize,
    names: usize,
    /// The longest name, bytes.
    longest: usize,
}

/// A component or core module that is being read.
struct Frame {
    is_component: bool,
    /// Instances that one instantiation makes, itself included.
    instances: u64,
    /// The same of every component in its index space.
    components: Vec<u64>,
}

impl Look {
    fn judge(&self) -> std::result::Result<(), CompileError> {
        let instances = self.frames.first().map_or(0, |root| root.instances);
        if instances > INSTANCES_MAX {
            return Err(CompileError::TooLarge(instances));
        }
        if self.frames.len() > NESTING_MAX {
            return Err(CompileError::TooDeep);
        }
        if self.parts > PARTS_MAX {
            return Err(CompileError::TooManyParts);
        }
        if self.names > NAMES_MAX || self.longest > NAME_BYTES_MAX {
            return Err(CompileError::Names);
        }
        Ok(())
    }

    fn read(&mut self, payload: Payload<'_>) -> Result<()> {
        match payload {
            Payload::Version { encoding, .. } => {
                let is_component = encoding == Encoding::Component;
                self.parts += 1;
                self.frames.push(Frame { is_component, instances: 1, components: Vec::new() });
            }
            Payload::End(_) if self.frames.len() > 1 => {
                if let (Some(ended), Some(outer)) = (self.frames.pop(), self.frames.last_mut())
                    && ended.is_component
                {
                    outer.components.push(ended.instances);
                }
            }
            Payload::ComponentAliasSection(aliases) => {
                for alias in aliases {
                    if let Some(instances) = aliased(&self.frames, &alias?) {
                        last(&mut self.frames).components.push(instances);
                    }
                }
            }
            payload => {
                self.name(&payload)?;
                if let Some(frame) = self.frames.last_mut() {
                    frame.read(payload)?;
                }
            }
        }
        Ok(())
    }

    /// Counts what is imported and exported at the outermost level.
    fn name(&mut self, payload: &Payload<'_>) -> Result<()> {
        if self.frames.len() > 1 {
            return Ok(());
        }
        let (count, longest) = match payload {
            Payload::ComponentImportSection(section) => {
                (section.count(), longest(section.clone().into_iter().map(|import| Ok(import?.name.name)))?)
            }
            Payload::ComponentExportSection(section) => {
                (section.count(), longest(section.clone().into_iter().map(|export| Ok(export?.name.name)))?)
            }
            _ => (0, 0),
        };
        self.names = self.names.saturating_add(count as usize);
        self.longest = self.longest.max(longest);
        Ok(())
    }
}

fn longest<'a>(mut names: impl Iterator<Item = Result<&'a str>>) -> Result<usize> {
    names.try_fold(0, |most, name| Ok(most.max(name?.len())))
}

fn last(frames: &mut [Frame]) -> &mut Frame {
    frames.last_mut().expect("a section follows the header that pushed its frame")
}

/// What an alias to a component amounts to; none for aliases to other things.
fn aliased(frames: &[Frame], alias: &ComponentAlias<'_>) -> Option<u64> {
    match alias {
        ComponentAlias::InstanceExport { kind: ComponentExternalKind::Component, .. } => Some(UNKNOWN),
        ComponentAlias::Outer { kind: ComponentOuterAliasKind::Component, count, index } => {
            let outer = frames.iter().rev().nth(*count as usize);
            Some(outer.map_or(UNKNOWN, |frame| frame.component(*index)))
        }
        ComponentAlias::InstanceExport { .. }
        | ComponentAlias::CoreInstanceExport { .. }
        | ComponentAlias::Outer { .. } => None,
    }
}

impl Frame {
    fn component(&self, index: u32) -> u64 {
        self.components.get(index as usize).copied().unwrap_or(UNKNOWN)
    }

    fn read(&mut self, payload: Payload<'_>) -> Result<()> {
        match payload {
            Payload::InstanceSection(instances) => {
                for instance in instances {
                    if matches!(instance?, Instance::Instantiate { .. }) {
                        self.instances = self.instances.saturating_add(1);
                    }
                }
            }
            Payload::ComponentInstanceSection(instances) => {
                for instance in instances {
                    if let ComponentInstance::Instantiate { component_index, .. } = instance? {
                        self.instances = self.instances.saturating_add(self.component(component_index));
                    }
                }
            }
            Payload::ComponentImportSection(imports) => {
                for import in imports {
                    if matches!(import?.ty, ComponentTypeRef::Component(_)) {
                        self.components.push(UNKNOWN);
                    }
                }
            }
            Payload::ComponentExportSection(exports) => {
                for export in exports {
                    let export = export?;
                    if export.kind == ComponentExternalKind::Component {
                        self.components.push(self.component(export.index));
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }
}
