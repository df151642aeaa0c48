//! How many instances a component amounts to, known before the compiler sees it.
//!
//! The compiler unfolds nested components: one that instantiates its inner one twice, thirty levels deep, is five
//! kilobytes on disk and a billion instances in memory. wasmtime calls that no vulnerability, so the bound is ours.

use wasmparser::{
    ComponentAlias, ComponentExternalKind, ComponentInstance, ComponentOuterAliasKind, ComponentTypeRef, Encoding,
    Instance, Parser, Payload, Result,
};

/// Instances, core and component ones together, that a component may unfold to. Real ones have some dozens; ten
/// thousand compile in some 30 ms.
pub(crate) const INSTANCES_MAX: u64 = 10_000;

/// Of a component that is known only once it is linked: more than any limit. No toolchain passes components around.
const UNKNOWN: u64 = u64::MAX;

/// A component or core module that is being read.
struct Frame {
    is_component: bool,
    /// Instances that one instantiation makes, itself included.
    instances: u64,
    /// The same of every component in its index space.
    components: Vec<u64>,
}

/// Instances that `bytes` unfold to; saturates. A malformed component counts up to its fault: the compiler reports it.
pub(crate) fn instances(bytes: &[u8]) -> u64 {
    let (mut frames, mut most) = (Vec::new(), 0);
    for payload in Parser::new(0).parse_all(bytes) {
        let read = payload.and_then(|payload| read(&mut frames, payload));
        most = frames.first().map_or(most, |root: &Frame| root.instances);
        if read.is_err() {
            break;
        }
    }
    most
}

fn read(frames: &mut Vec<Frame>, payload: Payload<'_>) -> Result<()> {
    match payload {
        Payload::Version { encoding, .. } => {
            let is_component = encoding == Encoding::Component;
            frames.push(Frame { is_component, instances: 1, components: Vec::new() });
        }
        Payload::End(_) if frames.len() > 1 => {
            if let (Some(ended), Some(outer)) = (frames.pop(), frames.last_mut())
                && ended.is_component
            {
                outer.components.push(ended.instances);
            }
        }
        Payload::ComponentAliasSection(aliases) => {
            for alias in aliases {
                if let Some(instances) = aliased(frames, &alias?) {
                    last(frames).components.push(instances);
                }
            }
        }
        payload => {
            if let Some(frame) = frames.last_mut() {
                frame.read(payload)?;
            }
        }
    }
    Ok(())
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
