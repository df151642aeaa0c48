//! The floor of a run: wasmtime and nothing else. A fresh store and instance, one call, the answer dropped.

use anyhow::{Result, anyhow, ensure};
use wasmtime::component::{Component, HasSelf, Linker};
use wasmtime::{Config, Engine, Store, StoreLimits, StoreLimitsBuilder, UpdateDeadline};

/// The configuration that every typical run gets.
pub(crate) const CONFIG: &str = r#"{"service":"orders","latency":{"warn":50,"crit":200},"backlog-max":400}"#;

/// What the guest's one log line ends in.
pub(crate) struct State {
    lines: Vec<String>,
    limits: StoreLimits,
}

/// The same world bound twice: as plain calls, and as calls on a fiber of their own.
macro_rules! bind {
    ($name:ident, $exports:tt) => {
        mod $name {
            #![allow(unsafe_code, reason = "`bindgen!` emits `unsafe impl` for the component-model type descriptions")]
            #![allow(missing_docs, unreachable_pub, unused, clippy::all, reason = "generated")]

            wasmtime::component::bindgen!({
                path: "../wit",
                inline: "
                    package probity:floor;
                    world floor {
                        import probity:check/log@0.1.0;
                        export probity:check/checker@0.1.0;
                    }
                ",
                exports: $exports,
            });

            impl probity::check::types::Host for super::State {}

            impl probity::check::log::Host for super::State {
                fn write(&mut self, _: probity::check::log::Level, message: String, _: Vec<(String, String)>) {
                    self.lines.push(message);
                }
            }
        }
    };
}

bind!(plain, {});
bind!(fiber, { default: async });

/// One component, prepared on an engine of its own.
pub(crate) struct Raw {
    engine: Engine,
    plain: plain::FloorPre<State>,
    fiber: fiber::FloorPre<State>,
    /// Fuel that the engine meters has to be given.
    metered: bool,
}

/// What a floor's store has set.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Safety {
    /// Only what a metered engine cannot do without.
    None,
    /// Fuel, deadline, memory, tables, handles, bytes per host call.
    All,
}

impl Raw {
    /// Compiles `component` under `config`; `metered` tells whether that meters fuel.
    pub(crate) fn new(config: &Config, component: &[u8], metered: bool) -> Result<Self> {
        let engine = Engine::new(config).map_err(told)?;
        let component = Component::new(&engine, component).map_err(told)?;
        Self::of(engine, &component, metered)
    }

    /// Prepares a component that is compiled already.
    pub(crate) fn of(engine: Engine, component: &Component, metered: bool) -> Result<Self> {
        Self::prepare(engine, component, metered).map_err(told)
    }

    fn prepare(engine: Engine, component: &Component, metered: bool) -> wasmtime::Result<Self> {
        let mut linker = Linker::new(&engine);
        plain::Floor::add_to_linker::<_, HasSelf<State>>(&mut linker, |state| state)?;
        let pre = linker.instantiate_pre(component)?;
        Ok(Self { engine, plain: plain::FloorPre::new(pre.clone())?, fiber: fiber::FloorPre::new(pre)?, metered })
    }

    /// One fresh call.
    pub(crate) fn call(&self, safety: Safety) -> Result<()> {
        let (measurements, lines) = self.try_call(safety).map_err(told)?;
        ensure!(measurements == Some(3) && lines == 1, "the guest did not answer as it should");
        Ok(())
    }

    /// Answers the number of measurements and of lines logged.
    fn try_call(&self, safety: Safety) -> wasmtime::Result<(Option<usize>, usize)> {
        let mut store = self.store(safety)?;
        let guest = self.plain.instantiate(&mut store)?;
        let answer = guest.probity_check_checker().call_run(&mut store, CONFIG)?;
        Ok((answer.ok().map(|outcome| outcome.measurements.len()), store.data().lines.len()))
    }

    /// One fresh call through the asynchronous interface.
    pub(crate) async fn call_async(&self, safety: Safety) -> Result<()> {
        let (measurements, lines) = self.try_call_async(safety).await.map_err(told)?;
        ensure!(measurements == Some(3) && lines == 1, "the guest did not answer as it should");
        Ok(())
    }

    async fn try_call_async(&self, safety: Safety) -> wasmtime::Result<(Option<usize>, usize)> {
        let mut store = self.store(safety)?;
        let guest = self.fiber.instantiate_async(&mut store).await?;
        let answer = guest.probity_check_checker().call_run(&mut store, CONFIG).await?;
        Ok((answer.ok().map(|outcome| outcome.measurements.len()), store.data().lines.len()))
    }

    fn store(&self, safety: Safety) -> wasmtime::Result<Store<State>> {
        let limits = match safety {
            Safety::None => StoreLimits::default(),
            Safety::All => {
                StoreLimitsBuilder::new().memory_size(32 << 20).table_elements(50_000).instances(128).build()
            }
        };
        let mut store = Store::new(&self.engine, State { lines: Vec::new(), limits });
        if self.metered {
            store.set_fuel(200_000_000)?;
        }
        store.set_epoch_deadline(1 << 40);
        if safety == Safety::All {
            store.limiter(|state| &mut state.limits);
            store.set_hostcall_fuel(4 << 20);
            store.set_max_component_handles(1_000);
            let deadline = std::time::Instant::now() + std::time::Duration::from_secs(2);
            store.epoch_deadline_callback(move |_| {
                let over = std::time::Instant::now() >= deadline;
                Ok(if over { UpdateDeadline::Interrupt } else { UpdateDeadline::Continue(1) })
            });
        }
        Ok(store)
    }
}

/// An engine under `config`.
pub(crate) fn engine(config: &Config) -> Result<Engine> {
    Engine::new(config).map_err(told)
}

/// Compiles `component`.
pub(crate) fn component(engine: &Engine, component: &[u8]) -> Result<Component> {
    Component::new(engine, component).map_err(told)
}

/// wasmtime's error has a chain of its own kind.
#[expect(clippy::needless_pass_by_value, reason = "goes into `map_err`")]
pub(crate) fn told(error: wasmtime::Error) -> anyhow::Error {
    anyhow!("{error:#}")
}

/// The product's settings of the engine, with room for `slots` instances.
pub(crate) fn product_config(slots: u32) -> Config {
    probity_sandbox::engine_config(slots)
}
