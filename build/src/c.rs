//! C, C++ and Zig: all by Zig's compiler, over bindings that are generated for each build.
//!
//! The kit is C: sources and a header, compiled with the check. C++ has a header above it, Zig a module. Functions that
//! the check does not call are dropped by the linker, and with them their imports.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::contract::World;
use crate::{BuildError, Code, Job, Language, Made, bindings, sdk, tool};

/// Which of the languages of this toolchain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    C,
    Cpp,
    Zig,
}

const TARGET: &str = "wasm32-wasi";

/// Names the compiler when it is neither `zig` nor Python's package `ziglang`.
const ZIG_VARIABLE: &str = "PROBITY_ZIG";

/// Bytes of the stack, which is part of every run's memory; Zig's own choice is half of what a check may have.
const STACK: u32 = 256 << 10;

/// Of every C and C++ file. `-fno-exceptions`: there is no unwinder for this target.
const C_FLAGS: [&str; 3] = ["-std=c23", "-Os", "-Wall"];
/// Of the author's own files: where functions begin, for the names of a component's.
const LINES: &str = "-gline-tables-only";
/// `#embed` is C's, and understood in C++ as well.
const CPP_FLAGS: [&str; 7] = [
    "-std=c++23",
    "-Os",
    "-Wall",
    "-Wno-missing-designated-field-initializers",
    "-Wno-c23-extensions",
    "-fno-exceptions",
    "-fno-rtti",
];

/// Compiles the folder's sources with the kit.
pub(crate) fn build(job: &Job<'_>, dialect: Dialect) -> Result<Made, BuildError> {
    let kit = sdk::require(Language::C)?;
    let zig = Zig::find(job.folder)?;
    let gen_dir = job.bindings();
    bindings::generate(&World::full(), &mut *wit_bindgen_c::Opts::default().build(), &gen_dir)?;
    let out = job.target.join("c");
    fs::create_dir_all(&out).map_err(BuildError::write(&out))?;
    let includes = [kit.join("include"), gen_dir.clone(), job.folder.to_path_buf()];
    let mut c_files = files(&kit.join("src"), "c")?;
    c_files.push(gen_dir.join("guest.c"));
    let kit_files = c_files.len();
    if dialect != Dialect::Zig {
        c_files.extend(files(job.folder, "c")?);
    }
    let mut objects = Vec::new();
    for (index, file) in c_files.iter().enumerate() {
        let lines = (index >= kit_files).then_some(LINES);
        let flags: Vec<&str> = C_FLAGS.into_iter().chain(lines).collect();
        objects.push(zig.object(file, &flags, &includes, &out, index)?);
    }
    objects.push(gen_dir.join("guest_component_type.o"));
    let wasm = out.join("check.wasm");
    match dialect {
        Dialect::C => zig.link("cc", &[], &includes, &objects, &wasm)?,
        Dialect::Cpp => zig.link("c++", &files(job.folder, "cpp")?, &includes, &objects, &wasm)?,
        Dialect::Zig => zig.zig(job.folder, &kit, &out, &objects, &wasm)?,
    }
    let module = fs::read(&wasm).map_err(BuildError::read(&wasm))?;
    Ok(Made::compiled(Code::Module(module), vec![kit]))
}

/// The files of `folder` with this ending, in order.
fn files(folder: &Path, ending: &str) -> Result<Vec<PathBuf>, BuildError> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(BuildError::read(folder))? {
        let path = entry.map_err(BuildError::read(folder))?.path();
        if path.extension().is_some_and(|is| is == ending) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// The compiler's version.
pub(crate) fn toolchain(folder: &Path) -> Option<String> {
    tool::told(&mut Zig::find(folder).ok()?.command("version"))
}

/// Zig's compiler: a program and the arguments that come first.
struct Zig {
    program: PathBuf,
    first: Vec<OsString>,
}

impl Zig {
    /// The one that is named, that of the project's own environment, or that on `PATH`.
    fn find(folder: &Path) -> Result<Self, BuildError> {
        let named = env::var_os(ZIG_VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from);
        if let Some(program) = named.or_else(|| tool::on_path("zig")) {
            return Ok(Self { program, first: Vec::new() });
        }
        let venv = tool::in_dir(&folder.join(".venv/bin"), "python3");
        let first: Vec<OsString> = vec!["-m".into(), "ziglang".into()];
        for program in [venv, tool::on_path("python3")].into_iter().flatten() {
            let output = tool::capture(Command::new(&program).args(&first).arg("version"))?;
            if output.status.success() {
                return Ok(Self { program, first });
            }
        }
        Err(BuildError::Missing { what: "zig".into(), command: crate::tools::ZIG.into() })
    }

    fn command(&self, what: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.first).arg(what);
        command
    }

    /// Compiles one file; nothing is done when the object is newer than all that went in, which Zig's cache sees to.
    fn object(
        &self,
        file: &Path,
        flags: &[&str],
        includes: &[PathBuf],
        out: &Path,
        index: usize,
    ) -> Result<PathBuf, BuildError> {
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        let object = out.join(format!("{index}-{stem}.o"));
        let mut command = self.command("cc");
        command.args(["-c", "-target", TARGET]).args(flags).args(including(includes)).arg(file).arg("-o").arg(&object);
        tool::run(&mut command)?;
        Ok(object)
    }

    /// Compiles what is left and links it, as a reactor: a program would end after its start.
    fn link(
        &self,
        driver: &str,
        sources: &[PathBuf],
        includes: &[PathBuf],
        objects: &[PathBuf],
        wasm: &Path,
    ) -> Result<(), BuildError> {
        let mut command = self.command(driver);
        command.args(["-target", TARGET, "-mexec-model=reactor"]).arg(format!("-Wl,-z,stack-size={STACK}"));
        if driver == "c++" {
            // Optimised it would lose the names of functions without.
            command.args(CPP_FLAGS).arg("-g");
        }
        command.args(including(includes)).args(sources).args(objects).arg("-o").arg(wasm);
        tool::run(&mut command)
    }

    /// `check.zig` with the kit's module, which has the kit's header translated.
    fn zig(&self, folder: &Path, kit: &Path, out: &Path, objects: &[PathBuf], wasm: &Path) -> Result<(), BuildError> {
        let include = kit.join("include");
        let mut translate = self.command("translate-c");
        translate.args(["-target", TARGET, "-lc"]).args(including(std::slice::from_ref(&include)));
        let output = tool::capture(translate.arg(include.join("probity.h")))?;
        let header = out.join("probity_c.zig");
        if !output.status.success() {
            let reason = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(BuildError::source(&include.join("probity.h"), reason));
        }
        fs::write(&header, &output.stdout).map_err(BuildError::write(&header))?;
        let module = |name: &str, file: &Path| format!("-M{name}={}", file.display());
        let mut command = self.command("build-exe");
        command.args(["-target", TARGET, "-lc", "-mexec-model=reactor", "-O", "ReleaseSmall", "-fno-strip"]);
        command.arg("--stack").arg(STACK.to_string());
        command.arg("--dep").arg("probity").arg(module("root", &folder.join("check.zig")));
        command.arg("--dep").arg("probity_c").arg(module("probity", &kit.join("zig/probity.zig")));
        command.arg(module("probity_c", &header)).args(objects).arg(format!("-femit-bin={}", wasm.display()));
        tool::run(&mut command)
    }
}

fn including(folders: &[PathBuf]) -> impl Iterator<Item = OsString> {
    folders.iter().map(|folder| {
        let mut flag = OsString::from("-I");
        flag.push(folder);
        flag
    })
}
