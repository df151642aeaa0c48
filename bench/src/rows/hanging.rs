//! Row 22: a thousand checks that get a page, half of them from a server that accepts and never answers.
//!
//! The host is a process of its own, which is started twice: what half of the checks cost the others, and what the runs that
//! wait hold in memory, is told beside the same host with none of them hanging.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use super::Bench;
use super::run::cores;
use super::schedule::Due;
use crate::clock;
use crate::report::{Goal, Row};
use crate::rig::{Rig, Shape};
use crate::server::Server;
use crate::stats::{Pair, Series};

const CHECKS: usize = 1_000;
const HUNG: usize = 500;
const EVERY: Duration = Duration::from_secs(10);

/// How long all checks may take to run for the first time; they are spread.
const FIRST_RUNS_MAX: Duration = Duration::from_secs(120);

/// What the server that is well says.
const PAGE: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nok\n";

/// Where checks lead.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Targets {
    /// A server that answers
    #[arg(long)]
    good: SocketAddr,
    /// A server that does not
    #[arg(long)]
    silent: SocketAddr,
    /// Checks of the second
    #[arg(long)]
    hung: usize,
    /// Intervals to look at
    #[arg(long)]
    intervals: u32,
}

/// What one process saw.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Seen {
    /// Of the runs of good checks that were due, those that were made, in percent.
    made: f64,
    /// How late they started, the 99th percentile, in ms.
    late_p99: f64,
    /// Resident memory in MiB, the most of all intervals.
    resident: f64,
}

pub(super) fn all(bench: &Bench) -> Result<Vec<Row>> {
    let page = bench.dir("hanging")?.join("page");
    fs::write(&page, PAGE).context("write the page")?;
    let mut good = Server::hyper(&page)?;
    good.wait_for("/", Duration::from_secs(10))?;
    let silent = Silent::start()?;
    let busy = bench.idle();
    let intervals = if bench.quick { 1 } else { 3 };
    let look = |hung: usize| {
        seen(
            &bench.components.join("http.wasm"),
            Targets { good: good.address, silent: silent.address, hung, intervals },
        )
    };
    let (hanging, none) = (look(HUNG)?, look(0)?);
    let one = |value: f64| Series(vec![value]);
    let metric = "1,000 HTTP checks / 10 s, 500 of them hang:";
    let made = Row::new(22, &format!("{metric} runs of the others that were made"), "%").ours(&one(hanging.made));
    let late = Row::new(22, &format!("{metric} lateness of the others, p99"), "ms").ours(&one(hanging.late_p99));
    let resident =
        Pair { ours: one(hanging.resident), floor: one(none.resident), ratio: one(hanging.resident / none.resident) };
    let resident = Row::new(22, &format!("{metric} resident memory ÷ none hangs"), "MiB").pair(&resident);
    let note =
        format!("whole milliseconds; with none that hangs {:.0} ms, and {:.1} % were made", none.late_p99, none.made);
    Ok(vec![
        made.goal(Goal::AtLeast(100.0)),
        late.goal(Goal::AtMost(5.0)).note(note).notes(busy),
        resident.goal(Goal::RatioAtMost(2.0)),
    ])
}

/// Starts a process of this binary and reads what it saw.
fn seen(component: &Path, targets: Targets) -> Result<Seen> {
    let mut command = Command::new(std::env::current_exe().context("find this binary")?);
    command.args(["child", "hanging", "--component"]).arg(component);
    command.args(["--good", &targets.good.to_string(), "--silent", &targets.silent.to_string()]);
    command.args(["--hung", &targets.hung.to_string(), "--intervals", &targets.intervals.to_string()]);
    let output = command.output().context("start a process of this binary")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr).trim());
    serde_json::from_slice(&output.stdout).context("read what a process of this binary printed")
}

/// The other end of [`seen`].
pub(crate) fn beside_hanging(component: &PathBuf, targets: Targets) -> Result<Seen> {
    let dir = tempfile::tempdir()?;
    let bytes = fs::read(component).with_context(|| format!("read {}", component.display()))?;
    let Targets { good, silent, hung, intervals } = targets;
    let grants = format!("grants = {{ http = [\"http://{good}/\", \"http://{silent}/\"] }}\n");
    let shape = Shape::default_on(cores());
    let rig = Rig::with_config(dir.path(), &shape, &[("http".to_owned(), bytes)], &grants)?;
    let hangs = |name: &str| name.rsplit('-').next().and_then(|at| at.parse().ok()).is_some_and(|at: usize| at < hung);
    let plan = rig.plan(CHECKS, EVERY, |check| {
        let address = if hangs(&check.name) { silent } else { good };
        check.config = serde_json::json!({ "url": format!("http://{address}/") });
    });
    rig.apply(&plan);
    rig.wait_all_ran(FIRST_RUNS_MAX)?;
    // The runs at the start are outside the grid; the next ones are on it.
    std::thread::sleep(EVERY * 2);
    let (mut made, mut wanted, mut late, mut resident) = (0, 0, Vec::new(), 0.0_f64);
    for _ in 0..intervals {
        let due = Due::now(&rig, |name| !hangs(name));
        std::thread::sleep(EVERY);
        resident = resident.max(clock::memory_of(std::process::id())?.resident / 1024.0);
        made += due.made();
        wanted += due.checks() as u64;
        late.extend(due.late(EVERY).0);
    }
    ensure!(wanted > 0, "all checks hang");
    let late_p99 = Series(late).quantile(0.99).context("no run was looked at")?;
    Ok(Seen { made: made as f64 / wanted as f64 * 100.0, late_p99, resident })
}

/// A server that accepts and never answers, until its client goes.
struct Silent {
    address: SocketAddr,
    _runtime: tokio::runtime::Runtime,
}

impl Silent {
    fn start() -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_io().build()?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).context("find a free port")?;
        let address = listener.local_addr()?;
        runtime.spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut bytes = [0; 1024];
                    while stream.read(&mut bytes).await.is_ok_and(|read| read > 0) {}
                });
            }
        });
        Ok(Self { address, _runtime: runtime })
    }
}
