//! What measurements start as processes of their own: the bare server, and processes whose memory is looked at.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use clap::Subcommand;
use http_body_util::Full;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;

use wasmtime::Engine;
use wasmtime::component::Component;

use crate::rig::{Rig, Shape, run_once};
use crate::{clock, raw};

#[derive(Subcommand)]
pub(crate) enum Child {
    /// Answers every request with one response, as hyper alone does it
    Hyper {
        #[arg(long)]
        listen: SocketAddr,
        /// A whole HTTP response, as it was received from the host
        #[arg(long)]
        response: PathBuf,
    },
    /// Holds an engine and one component, from compiled code; prints its resident memory in KiB
    Engine {
        #[arg(long)]
        component: PathBuf,
    },
    /// Runs the typical check without a pause, for a profiler; prints µs of CPU time per run
    Load {
        #[arg(long)]
        component: PathBuf,
        #[arg(long, default_value_t = 5)]
        seconds: u64,
    },
    /// Holds `count` sleeping instances; prints KiB per instance, page tables included
    Live {
        #[arg(long)]
        component: PathBuf,
        #[arg(long)]
        count: usize,
    },
    /// Runs a thousand checks, some of which hang; prints what became of the others
    Hanging {
        #[arg(long)]
        component: PathBuf,
        #[command(flatten)]
        targets: crate::rows::Targets,
    },
}

/// Slots of the engine whose memory is looked at: those of the default configuration.
pub(crate) const SLOTS: u32 = 80;

pub(crate) fn run(child: &Child) -> Result<()> {
    match child {
        Child::Hyper { listen, response } => hyper(*listen, response),
        Child::Engine { component } => {
            let engine = raw::engine(&raw::product_config(SLOTS))?;
            let _component = deserialize(&engine, component)?;
            println!("{}", clock::memory_of(std::process::id())?.resident);
            Ok(())
        }
        Child::Load { component, seconds } => crate::rows::under_load(component, *seconds),
        Child::Live { component, count } => live(component, *count),
        Child::Hanging { component, targets } => {
            let seen = crate::rows::beside_hanging(component, *targets)?;
            println!("{}", serde_json::to_string(&seen)?);
            Ok(())
        }
    }
}

#[allow(unsafe_code, reason = "compiled code has no safe way in; see SAFETY")]
fn deserialize(engine: &Engine, code: &Path) -> Result<Component> {
    // SAFETY: the benchmark that started this process wrote the file into its own scratch directory.
    unsafe { Component::deserialize_file(engine, code) }.map_err(raw::told)
}

fn hyper(listen: SocketAddr, response: &PathBuf) -> Result<()> {
    let response = std::fs::read(response).context("read the response")?;
    let (headers, body) = parse(&response)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::bind(listen).await?;
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let (headers, body) = (headers.clone(), body.clone());
            let service = service_fn(move |_| {
                let mut response = hyper::Response::new(Full::new(body.clone()));
                *response.headers_mut() = headers.clone();
                std::future::ready(Ok::<_, std::convert::Infallible>(response))
            });
            // Errors of one connection are the client's.
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    })
}

/// Headers that hyper does not set by itself, and the body.
fn parse(response: &[u8]) -> Result<(HeaderMap, Bytes)> {
    let end = response.windows(4).position(|window| window == b"\r\n\r\n").context("no end of the headers")?;
    let head = std::str::from_utf8(&response[..end]).context("read the headers")?;
    let mut headers = HeaderMap::new();
    for line in head.lines().skip(1) {
        let (name, value) = line.split_once(": ").context("a header without a value")?;
        if !["date", "content-length", "connection"].contains(&name.to_ascii_lowercase().as_str()) {
            headers.insert(HeaderName::from_bytes(name.as_bytes())?, HeaderValue::from_str(value)?);
        }
    }
    Ok((headers, Bytes::copy_from_slice(&response[end + 4..])))
}

/// How long instances sleep: long enough to start all of them and to look.
const SLEEP_MS: u32 = 8_000;

fn live(component: &PathBuf, count: usize) -> Result<()> {
    let dir = tempfile::tempdir()?;
    let bytes = std::fs::read(component).context("read the component")?;
    let shape = Shape { threads: 2, concurrency: count, per_plugin: count };
    let rig = Rig::new(dir.path(), &shape, &[("park".to_owned(), bytes)])?;
    let plan = |sleep_ms: u32| {
        rig.plan(1, Duration::from_secs(3600), |check| {
            check.config = serde_json::json!({ "sleep-ms": sleep_ms });
            check.limits.timeout = Duration::from_secs(30);
        })
    };
    let spawn = |sleep_ms: u32, count: usize| -> Result<Vec<_>> {
        let plan = plan(sleep_ms);
        let planned = plan.checks.values().next().context("a plan of one check")?;
        let one = || {
            let (planned, sandbox) = (Arc::clone(planned), Arc::clone(&rig.sandbox));
            rig.guests.spawn(async move { run_once(&sandbox, &planned, &planned.env).await })
        };
        Ok((0..count).map(|_| one()).collect())
    };
    // Whatever the first run needs once.
    for run in spawn(1, 1)? {
        rig.guests.block_on(run)??;
    }
    let before = clock::memory_of(std::process::id())?;
    let runs = spawn(SLEEP_MS, count)?;
    std::thread::sleep(Duration::from_millis(u64::from(SLEEP_MS) / 2));
    let after = clock::memory_of(std::process::id())?;
    for run in runs {
        let run = rig.guests.block_on(run)??;
        ensure!(run.end.is_ok(), "a sleeping run failed: {:?}", run.end);
        ensure!(run.duration >= Duration::from_millis(u64::from(SLEEP_MS)), "a run did not sleep");
    }
    let held = |memory: clock::Memory| memory.resident + memory.page_tables;
    println!("{}", (held(after) - held(before)) / count as f64);
    Ok(())
}
