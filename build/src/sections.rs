//! Modules rewritten section by section.

use wasm_encoder::{ExportKind, ExportSection, Module, RawSection};
use wasmparser::{BinaryReaderError, ExternalKind, Parser, Payload};

/// The module with each section as it was, but for those of which `change` says that it wrote something in their place, or
/// nothing.
pub(crate) fn rewrite(
    module: &[u8],
    mut change: impl FnMut(&Payload<'_>, &mut Module) -> Result<bool, BinaryReaderError>,
) -> Result<Vec<u8>, BinaryReaderError> {
    let mut rewritten = Module::new();
    for payload in Parser::new(0).parse_all(module) {
        let payload = payload?;
        if change(&payload, &mut rewritten)? {
            continue;
        }
        if let Some((id, range)) = payload.as_section() {
            rewritten.section(&RawSection { id, data: &module[range.start as usize..range.end as usize] });
        }
    }
    Ok(rewritten.finish())
}

/// The module whose export `name` is what it exported as `instead`; unchanged without such an export.
pub(crate) fn export_instead(module: &[u8], name: &str, instead: &str) -> Result<Vec<u8>, BinaryReaderError> {
    rewrite(module, |payload, rewritten| {
        let Payload::ExportSection(exports) = payload else { return Ok(false) };
        let exports = exports.clone().into_iter().collect::<Result<Vec<_>, _>>()?;
        let is = |export: &wasmparser::Export<'_>, name: &str| export.name == name && export.kind == ExternalKind::Func;
        let Some(index) = exports.iter().find(|export| is(export, instead)).map(|export| export.index) else {
            return Ok(false);
        };
        let mut section = ExportSection::new();
        for export in exports.iter().filter(|export| !is(export, name) && !is(export, instead)) {
            section.export(export.name, kind(export.kind), export.index);
        }
        section.export(name, ExportKind::Func, index);
        rewritten.section(&section);
        Ok(true)
    })
}

const fn kind(kind: ExternalKind) -> ExportKind {
    match kind {
        ExternalKind::Func | ExternalKind::FuncExact => ExportKind::Func,
        ExternalKind::Table => ExportKind::Table,
        ExternalKind::Memory => ExportKind::Memory,
        ExternalKind::Global => ExportKind::Global,
        ExternalKind::Tag => ExportKind::Tag,
    }
}

#[cfg(test)]
mod tests {
    use wasm_encoder::{CodeSection, Function, FunctionSection, TypeSection};

    use super::*;

    /// Two functions that are exported under these names.
    fn module(names: [&str; 2]) -> Vec<u8> {
        let (mut types, mut functions, mut exports, mut code) =
            (TypeSection::new(), FunctionSection::new(), ExportSection::new(), CodeSection::new());
        types.ty().function([], []);
        for (index, name) in (0..).zip(names) {
            functions.function(0);
            exports.export(name, ExportKind::Func, index);
            code.function(Function::new([]).instruction(&wasm_encoder::Instruction::End));
        }
        Module::new().section(&types).section(&functions).section(&exports).section(&code).clone().finish()
    }

    fn exports(module: &[u8]) -> Vec<(String, u32)> {
        let sections = Parser::new(0).parse_all(module).map(Result::unwrap);
        let exports = sections.filter_map(|section| match section {
            Payload::ExportSection(exports) => Some(exports),
            _ => None,
        });
        exports.flatten().map(Result::unwrap).map(|export| (export.name.to_owned(), export.index)).collect()
    }

    // The function takes the other's name; where there is none the module stays as it is.
    #[test]
    fn exports_are_replaced() {
        let both = module(["cabi_realloc", "own"]);
        let replaced = export_instead(&both, "cabi_realloc", "own").unwrap();
        assert_eq!(exports(&replaced), [("cabi_realloc".to_owned(), 1)]);
        wasmparser::validate(&replaced).unwrap();
        assert_eq!(export_instead(&both, "cabi_realloc", "none").unwrap(), both);
    }
}
