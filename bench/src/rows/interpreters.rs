//! Row 19: checks whose component brings an interpreter or a large runtime.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use probity_core::check::Status;
use probity_sandbox::Sandbox;
use probity_server::plan::PlannedCheck;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, Linker, ResourceTable, ResourceType};
use wasmtime::{Engine, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use self::bindings::{Checker, CheckerPre};
use super::Bench;
use super::run::{SLOTS, only, per_call, per_call_async};
use crate::raw::{product_config, told};
use crate::report::{Goal, Row};
use crate::rig::{Rig, Shape, run_once};
use crate::stats::alternate;

/// The reference checks of the conformance suite.
const LANGUAGES: [&str; 3] = ["javascript", "go", "python"];

/// What each is asked, and the status that this is.
const CONFIG: &str = r#"{"act":"judge","value":7,"warn":5,"crit":10}"#;
const JUDGED: Status = Status::Degraded;

/// What Python's interpreter and its snapshot fit into.
const MEMORY: u64 = 64 << 20;

mod bindings {
    #![allow(unsafe_code, reason = "`bindgen!` emits `unsafe impl` for the component-model type descriptions")]
    #![allow(missing_docs, unreachable_pub, unused, clippy::all, reason = "generated")]

    wasmtime::component::bindgen!({
        path: "../wit",
        inline: "
            package probity:floor;
            world checker { export probity:check/checker@0.1.0; }
        ",
    });
}

/// The floor: wasmtime, WASI with nothing in it, and no import of ours, which this act does not call.
struct Raw {
    engine: Engine,
    pre: CheckerPre<State>,
}

struct State {
    wasi: WasiCtx,
    table: ResourceTable,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl Raw {
    fn new(component: &[u8]) -> Result<Self> {
        Self::prepare(component).map_err(told)
    }

    fn prepare(component: &[u8]) -> wasmtime::Result<Self> {
        let engine = Engine::new(&product_config(SLOTS))?;
        let component = Component::new(&engine, component)?;
        let mut linker = Linker::new(&engine);
        wasmtime_wasi::p2::add_to_linker_sync(&mut linker)?;
        trap_the_rest(&mut linker, &engine, &component)?;
        Ok(Self { pre: CheckerPre::new(linker.instantiate_pre(&component)?)?, engine })
    }

    /// One fresh call.
    fn call(&self) -> Result<()> {
        let judged = self.try_call().map_err(told)?;
        ensure!(judged, "the guest did not answer as it should");
        Ok(())
    }

    fn try_call(&self) -> wasmtime::Result<bool> {
        let state = State { wasi: WasiCtx::builder().build(), table: ResourceTable::new() };
        let mut store = Store::new(&self.engine, state);
        store.set_fuel(200_000_000)?;
        store.set_epoch_deadline(1 << 40);
        let guest: Checker = self.pre.instantiate(&mut store)?;
        let answer = guest.probity_check_checker().call_run(&mut store, CONFIG)?;
        Ok(answer.is_ok_and(|outcome| outcome.measurements.len() == 1))
    }
}

/// Our own imports, none of which this act calls.
fn trap_the_rest(linker: &mut Linker<State>, engine: &Engine, component: &Component) -> wasmtime::Result<()> {
    for (name, import) in component.component_type().imports(engine) {
        let ComponentItem::ComponentInstance(interface) = import.ty else { continue };
        if !name.starts_with("probity:") {
            continue;
        }
        let mut instance = linker.instance(name)?;
        for (name, export) in interface.exports(engine) {
            match export.ty {
                ComponentItem::ComponentFunc(_) => {
                    instance.func_new(name, |_, _, _, _| Err(wasmtime::Error::msg("the floor has no capabilities")))?;
                }
                ComponentItem::Resource(_) => {
                    instance.resource(name, ResourceType::host::<()>(), |_, _| Ok(()))?;
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// A fresh instance for each run, and one that serves several, each ÷ the floor.
pub(super) fn all(bench: &Bench) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for language in LANGUAGES {
        let component = bench.component(&format!("reference-{language}"))?;
        let raw = Raw::new(&component).context(language)?;
        let rig = Rig::new(&bench.dir(language)?, &Shape::default_on(1), &[(language.to_owned(), component)])?;
        for (runs_per_instance, how, goal) in [
            (1, "fresh run of a check", Goal::RatioAtMost(1.5)),
            (u32::MAX, "the same in a kept instance", Goal::RatioAtMost(0.3)),
        ] {
            let plan = rig.plan(1, Duration::from_secs(3600), |check| {
                check.config = serde_json::from_str(CONFIG).expect("a constant that is JSON");
                check.limits.memory = MEMORY;
                check.limits.runs_per_instance = runs_per_instance;
            });
            let planned = only(&plan)?;
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let ours = || runtime.block_on(per_call_async(async || judged(&rig.sandbox, planned).await));
            let pair = alternate(bench.batches(), ours, || per_call(|| raw.call())).context(language)?;
            let metric = format!("{how} in {language} ÷ raw wasmtime, fresh");
            rows.push(Row::new(19, &metric, "µs").pair(&pair).goal(goal));
        }
    }
    Ok(rows)
}

async fn judged(sandbox: &Sandbox, planned: &Arc<PlannedCheck>) -> Result<()> {
    let run = run_once(sandbox, planned, &planned.env).await?;
    let status = run.end.as_ref().map(|outcome| outcome.status).map_err(|failure| anyhow!("{}", failure.message))?;
    ensure!(status == JUDGED, "the run came to {status:?}");
    Ok(())
}
