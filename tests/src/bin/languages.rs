//! Measures the reference check in every language, and writes the table in `README.md` and `docs/languages.md`.

#[cfg(unix)]
#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    table::write().await
}

#[cfg(not(unix))]
fn main() {}

#[cfg(unix)]
mod table {
    #![allow(clippy::print_stdout, reason = "this is what a person runs and looks at")]

    use std::fmt::Write;
    use std::path::{Path, PathBuf};
    use std::time::{Duration, Instant};

    use probity_config::Limits;
    use probity_core::check::Status;
    use probity_sandbox::Sandbox;
    use probity_sandbox::capabilities::CheckEnv;
    use probity_tests::bench;
    use probity_tests::reference::{self, LIMITS};

    /// Runs of which the mean is taken.
    const RUNS: u32 = 20;

    const BEGIN: &str = "<!-- measured: written by `cargo xtask languages --measure` -->";
    const END: &str = "<!-- measured: end -->";

    /// What one language costs.
    struct Row {
        language: String,
        toolchain: String,
        bytes: usize,
        compile: Duration,
        first: Duration,
        fresh: Duration,
        warm: Duration,
        memory: u64,
    }

    /// Replaces the table.
    pub(super) async fn write() -> std::io::Result<()> {
        let mut table = String::new();
        let build = if cfg!(debug_assertions) {
            "a debug build of the host: a release build is faster"
        } else {
            "a release build"
        };
        let header = "| language | toolchain | size | compile | first run | fresh run | kept instance | memory |\n\
                      | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |";
        let _ = writeln!(table, "Measured with {build}.\n\n{header}");
        for language in reference::languages() {
            let row = measure(language).await;
            let Row { language, toolchain, bytes, compile, first, fresh, warm, memory } = row;
            let size = bytes.div_ceil(1000);
            let memory = memory as f64 / f64::from(1 << 20);
            let line = format!(
                "| {language} | {toolchain} | {size} kB | {:.2} s | {} | {} | {} | {memory:.1} MiB |",
                compile.as_secs_f64(),
                ms(first),
                ms(fresh),
                ms(warm)
            );
            println!("{line}");
            let _ = writeln!(table, "{line}");
        }
        for file in ["README.md", "docs/languages.md"] {
            replace(file, &table)?;
        }
        Ok(())
    }

    fn replace(file: &str, table: &str) -> std::io::Result<()> {
        let missing = |mark: &str| std::io::Error::other(format!("{file} has no line {mark}"));
        let path = root().join(file);
        let old = std::fs::read_to_string(&path)?;
        let (before, rest) = old.split_once(BEGIN).ok_or_else(|| missing(BEGIN))?;
        let (_, after) = rest.split_once(END).ok_or_else(|| missing(END))?;
        std::fs::write(path, format!("{before}{BEGIN}\n{table}{END}{after}"))
    }

    fn ms(duration: Duration) -> String {
        format!("{:.3} ms", duration.as_secs_f64() * 1000.0)
    }

    async fn measure(language: String) -> Row {
        let bytes = reference::component(&language);
        // A sandbox of its own and no cache: this compiles.
        let sandbox = Sandbox::new(1, None).expect("the machine can run a sandbox");
        let start = Instant::now();
        let program = sandbox.compile(&bytes, &bench::digest(&bytes)).expect("the suite compiles it as well");
        let compile = start.elapsed();
        let (first, memory) = run(&sandbox, &program, &env(1)).await;
        let fresh = mean(&sandbox, &program, &env(1)).await;
        let kept = env(u32::MAX);
        run(&sandbox, &program, &kept).await;
        let warm = mean(&sandbox, &program, &kept).await;
        let toolchain = toolchain(&language);
        Row { language, toolchain, bytes: bytes.len(), compile, first, fresh, warm, memory }
    }

    async fn mean(sandbox: &Sandbox, program: &probity_sandbox::Program, env: &std::sync::Arc<CheckEnv>) -> Duration {
        let mut sum = Duration::ZERO;
        for _ in 0..RUNS {
            sum += run(sandbox, program, env).await.0;
        }
        sum / RUNS
    }

    /// Wall time of one run, and the memory it had.
    async fn run(
        sandbox: &Sandbox,
        program: &probity_sandbox::Program,
        env: &std::sync::Arc<CheckEnv>,
    ) -> (Duration, u64) {
        let start = Instant::now();
        let run = bench::run_on(sandbox, program, env).await;
        assert_eq!(run.status(), Status::Degraded, "{:?}", run.end);
        (start.elapsed(), run.usage.memory_peak_bytes)
    }

    fn env(runs_per_instance: u32) -> std::sync::Arc<CheckEnv> {
        let config = serde_json::json!({"act": "judge", "value": 7, "warn": 5, "crit": 10});
        let base = bench::env("reference", Limits { runs_per_instance, ..LIMITS });
        let base = std::sync::Arc::into_inner(base).expect("it was just made");
        std::sync::Arc::new(CheckEnv { config_text: config.to_string(), config, ..base })
    }

    /// The first line of `conformance/LANGUAGE/TOOLCHAIN`.
    fn toolchain(language: &str) -> String {
        let file = root().join("tests/conformance").join(language).join("TOOLCHAIN");
        let text = std::fs::read_to_string(file).unwrap_or_default();
        text.lines().next().unwrap_or_default().to_owned()
    }

    fn root() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
    }
}
