//! Rows 20 and 21: a round trip to a server through the sandbox ÷ the same round trip from native Rust.
//!
//! The floor is the same driver on a kept connection. Both take turns on one thread; the server is a process of its own, so
//! that its CPU time is nobody's.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use probity_sandbox::Sandbox;
use probity_server::plan::PlannedCheck;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Runtime;

use super::Bench;
use crate::backend::{ADMIN, Backend, USER};
use crate::clock::process_cpu;
use crate::report::{Goal, Row};
use crate::rig::{Rig, Shape, run_once};
use crate::stats::{Series, alternate};

/// Wall time of one batch.
const BATCH: Duration = Duration::from_millis(200);

/// Row 20.
pub(super) fn sql(bench: &Bench) -> Result<Vec<Row>> {
    let backend = Backend::postgres(&bench.dir("postgres")?)?;
    let url_of = |user: &str| format!("postgres://{user}@127.0.0.1:{}/postgres", backend.port);
    let connect = async |user: &str| {
        let (client, connection) = tokio_postgres::connect(&url_of(user), tokio_postgres::NoTls).await?;
        tokio::spawn(connection);
        anyhow::Ok(client)
    };
    let url = url_of(USER);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let client = runtime.block_on(async {
        let admin = until(async || connect(ADMIN).await).await?;
        admin.batch_execute(&format!("CREATE ROLE {USER} LOGIN")).await.context("make a plain role")?;
        connect(USER).await
    })?;
    let ping = async || client.check_connection().await.context("ping");
    rows(bench, 20, "sql", &url, &runtime, ping)
}

/// Row 21.
pub(super) fn redis(bench: &Bench) -> Result<Vec<Row>> {
    let backend = Backend::redis(&bench.dir("redis")?)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let stream = runtime.block_on(TcpStream::connect(("127.0.0.1", backend.port)))?;
    stream.set_nodelay(true)?;
    let stream = tokio::sync::Mutex::new(stream);
    let ping = async || {
        let mut stream = stream.lock().await;
        stream.write_all(b"*1\r\n$4\r\nPING\r\n").await?;
        let mut reply = [0; 7];
        stream.read_exact(&mut reply).await?;
        ensure!(&reply == b"+PONG\r\n", "not a pong");
        Ok(())
    };
    rows(bench, 21, "redis", &format!("redis://127.0.0.1:{}", backend.port), &runtime, ping)
}

/// Wall time, and CPU time beside it.
fn rows(
    bench: &Bench,
    number: u8,
    capability: &str,
    url: &str,
    runtime: &Runtime,
    ping: impl AsyncFn() -> Result<()>,
) -> Result<Vec<Row>> {
    let more = format!(
        "grants = {{ {capability} = [\"target\"] }}\nconfig = {{ {capability} = \"target\" }}\n\
         [connections.target]\nurl = \"{url}\"\n"
    );
    let plugins = [("ping".to_owned(), bench.component("ping")?)];
    let rig = Rig::with_config(&bench.dir(capability)?, &Shape::default_on(1), &plugins, &more)?;
    let plan = rig.plan(1, Duration::from_secs(3600), |_| {});
    let planned = plan.checks.values().next().context("a plan of one check")?;
    let busy = bench.idle();
    let (mut ours, mut native) = (Series::default(), Series::default());
    let wall = alternate(
        bench.batches(),
        || {
            let (wall, cpu) = runtime.block_on(batch(async || run(&rig.sandbox, planned).await))?;
            ours.0.push(cpu);
            Ok(wall)
        },
        || {
            let (wall, cpu) = runtime.block_on(batch(&ping))?;
            native.0.push(cpu);
            Ok(wall)
        },
    )?;
    // The first turn warms up, here as in the pair.
    let more: Series = ours.0.iter().zip(&native.0).skip(1).map(|(ours, native)| ours - native).collect();
    let median = |series: &Series| series.quantile(0.5).unwrap_or(0.0);
    let note = format!("{:.1} µs of CPU time through the sandbox, {:.1} µs native", median(&ours), median(&native));
    let metric = format!("`{capability}` ping through the sandbox ÷ the same from native Rust, wall time");
    let cpu = format!("of it: more CPU time than native, `{capability}` ping");
    Ok(vec![
        Row::new(number, &metric, "µs").pair(&wall).goal(Goal::RatioAtMost(1.3)).notes(busy),
        Row::new(number, &cpu, "µs").ours(&more).goal(Goal::AtMost(60.0)).note(note),
    ])
}

async fn run(sandbox: &Sandbox, planned: &Arc<PlannedCheck>) -> Result<()> {
    let run = run_once(sandbox, planned, &planned.env).await?;
    ensure!(run.end.is_ok(), "the run failed: {:?}", run.end);
    Ok(())
}

/// µs of wall time and of this process's CPU time per call.
async fn batch(call: impl AsyncFn() -> Result<()>) -> Result<(f64, f64)> {
    let (start, cpu, mut calls) = (Instant::now(), process_cpu(), 0_u32);
    while start.elapsed() < BATCH {
        for _ in 0..20 {
            call().await?;
        }
        calls += 20;
    }
    let per_call = |spent: Duration| spent.as_secs_f64() * 1e6 / f64::from(calls);
    Ok((per_call(start.elapsed()), per_call(process_cpu() - cpu)))
}

/// Tries until it works: a server listens before it takes logins.
async fn until<T>(connect: impl AsyncFn() -> Result<T>) -> Result<T> {
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        match connect().await {
            Ok(done) => return Ok(done),
            Err(error) if Instant::now() > end => return Err(error),
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}
