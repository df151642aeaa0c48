//! `probity dev`: on every save, build, test and run; what goes wrong is shown, and the next save is waited for.
//!
//! It does what `probity build`, `probity test` and `probity run` do, in this order, and stops at the first that fails. A save
//! is a change of what is built, tested or run: sources, cases, the configuration of the run, and what the last build read
//! elsewhere. A log that grows in the folder is none.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use clap::Parser;
use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use probity_build::{Project, Sources};

use super::{Cli, build, terminal};
use crate::testing;

/// After the first event of a save, how long to wait for more of it: editors write, rename and touch.
const QUIET: Duration = Duration::from_millis(150);

/// A save is over by then, whatever goes on in the folder.
const SAVE_MAX: Duration = Duration::from_secs(2);

/// Folders watched; a check has a handful.
const FOLDERS_MAX: usize = 1_000;

/// Saves that wait to be seen; one is enough to build again.
const SAVES_MAX: usize = 64;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  probity dev                                 in the folder that `probity new` made
  probity dev checks/queue-depth --grant 'http=http://127.0.0.1:19000/*' --check-config @other.json

On every save of a source, a case or the configuration: build, the cases of tests/*.toml, then one run for real: as the [[check]] of the folder's probity.toml
says, else with example.json. Ctrl-C ends it.")]
pub(super) struct Args {
    /// The check's folder
    #[arg(default_value = ".")]
    dir: PathBuf,
    /// The check's configuration for the run: JSON, or @FILE with JSON
    #[arg(long, value_name = "JSON|@FILE", value_parser = super::run::check_config)]
    check_config: Option<String>,
    /// The host's configuration for the run; without it `probity.toml` of the folder
    #[arg(long, short, value_name = "FILE")]
    config: Option<PathBuf>,
    /// What the run may use, beside what probity.toml grants; may be repeated
    #[arg(long, short, value_name = "KIND=TARGET")]
    grant: Vec<String>,
    /// Build and test only
    #[arg(long)]
    no_run: bool,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let project = Project::open(&args.dir)?;
    let (send, saves) = sync_channel(SAVES_MAX);
    let wanted = Arc::new(Mutex::new(Wanted::default()));
    let seen = Arc::clone(&wanted);
    let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        let path = match event {
            Ok(event) if !is_write(&event) => return,
            Ok(event) => {
                let wanted = seen.lock().unwrap_or_else(PoisonError::into_inner);
                match event.paths.into_iter().find(|path| wanted.concerns(path)) {
                    Some(path) => path,
                    None => return,
                }
            }
            // Something was lost: look again rather than miss a save.
            Err(_) => PathBuf::new(),
        };
        match send.try_send(path) {
            // Many wait already, or this command is ending.
            Ok(()) | Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {}
        }
    });
    let mut watch = Watch { watcher: watcher.context("watch the folder")?, folders: Vec::new() };
    loop {
        // Before the build, so that what is saved meanwhile is built next.
        watch.renew(args, &project, &wanted)?;
        turn(args, &project)?;
        // What the build read elsewhere is known only now.
        watch.renew(args, &project, &wanted)?;
        terminal::print("\nwaiting for a save; Ctrl-C ends\n")?;
        let saved = next_save(&saves)?;
        let file = saved.strip_prefix(&project.folder).unwrap_or(&saved);
        terminal::print(&format!("\n── {} was saved ──\n", file.display()))?;
    }
}

/// Build, test, run; only an output that cannot be written ends the command.
fn turn(args: &Args, project: &Project) -> anyhow::Result<()> {
    let started = Instant::now();
    // A new manifest may have given the check another name.
    let made = Project::open(&project.folder).map_err(anyhow::Error::new);
    let made = made.and_then(|project| Ok((build::made(&project, false)?, project)));
    let (built, project) = match made {
        Ok(done) => done,
        Err(error) => return tell(&error.context("not built")),
    };
    build::tell_notes(&built);
    terminal::print(&build::describe(&built))?;
    terminal::print(&format!("built in {:.1} s\n\n", started.elapsed().as_secs_f32()))?;
    let has_cases = match testing::read(&project.folder) {
        Ok(cases) => !cases.is_empty(),
        Err(error) => return tell(&error),
    };
    if has_cases {
        let folder = project.folder.display().to_string();
        if command(&["test", "--component", &built.file.display().to_string(), &folder])? != Some(ExitCode::SUCCESS) {
            return Ok(());
        }
        terminal::print("\n")?;
    }
    if args.no_run {
        return Ok(());
    }
    let line = run_line(args, &project, &built.file);
    command(&line.iter().map(String::as_str).collect::<Vec<_>>()).map(drop)
}

/// The `probity run` that fits what the folder has.
fn run_line(args: &Args, project: &Project, component: &Path) -> Vec<String> {
    let file = args.config.clone().unwrap_or_else(|| project.folder.join("probity.toml"));
    let mut line = vec!["run".to_owned()];
    match file.is_file().then(|| check_of(&file, &project.name)).flatten() {
        Some(check) => line.extend(["--check".into(), check, "--config".into(), file.display().to_string()]),
        None => {
            line.push(component.display().to_string());
            let example = project.folder.join("example.json");
            if args.check_config.is_none() && example.is_file() {
                line.extend(["--check-config".into(), format!("@{}", example.display())]);
            }
        }
    }
    if let Some(config) = &args.check_config {
        line.extend(["--check-config".into(), config.clone()]);
    }
    for grant in &args.grant {
        line.extend(["--grant".into(), grant.clone()]);
    }
    line
}

/// The first check of the folder's own configuration that runs this component.
fn check_of(file: &Path, plugin: &str) -> Option<String> {
    let config = probity_config::load(Some(file)).ok()?;
    config.checks.values().find(|check| check.plugin == plugin).map(|check| check.name.clone())
}

/// Does what `probity LINE` does; `None` when it went wrong and was told.
fn command(line: &[&str]) -> anyhow::Result<Option<ExitCode>> {
    let done = match Cli::try_parse_from(std::iter::once("probity").chain(line.iter().copied())) {
        Ok(cli) => cli.command.run(),
        Err(error) => Err(error.into()),
    };
    match done {
        Ok(code) => Ok(Some(code)),
        Err(error) => tell(&error).map(|()| None),
    }
}

fn tell(error: &anyhow::Error) -> anyhow::Result<()> {
    super::tell_error(error);
    Ok(())
}

/// Waits for a save and for its end.
fn next_save(saves: &Receiver<PathBuf>) -> anyhow::Result<PathBuf> {
    let Ok(saved) = saves.recv() else { bail!("the folder is no longer watched") };
    let started = Instant::now();
    while started.elapsed() < SAVE_MAX {
        match saves.recv_timeout(QUIET) {
            Ok(_) => {}
            Err(RecvTimeoutError::Timeout) => break,
            Err(RecvTimeoutError::Disconnected) => bail!("the folder is no longer watched"),
        }
    }
    Ok(saved)
}

/// What a save is a save of.
#[derive(Debug, Default)]
struct Wanted {
    sources: Option<Sources>,
    /// Of the run, not of the build.
    run: Vec<PathBuf>,
    /// What the last build read.
    inputs: Vec<PathBuf>,
}

impl Wanted {
    fn of(project: &Project, config: Option<&Path>) -> anyhow::Result<Self> {
        let mut run = vec![project.folder.join("probity.toml"), project.folder.join("example.json")];
        run.extend(config.and_then(|file| std::path::absolute(file).ok()));
        Ok(Self { sources: Some(project.sources()?), run, inputs: project.inputs() })
    }

    fn concerns(&self, path: &Path) -> bool {
        let is_input = |input: &PathBuf| {
            let below = path.strip_prefix(input).ok();
            below.is_some_and(|inner| inner.components().all(|part| is_kept(&part.as_os_str().to_string_lossy())))
        };
        self.run.iter().any(|file| file == path)
            || self.sources.as_ref().is_some_and(|sources| sources.concerns(path))
            || self.inputs.iter().any(is_input)
    }

    /// Where the files are.
    fn folders(&self) -> Vec<PathBuf> {
        let mut folders: Vec<PathBuf> = self.sources.iter().flat_map(|sources| sources.folders().to_vec()).collect();
        folders.extend(self.run.iter().filter_map(|file| file.parent()).map(Path::to_owned));
        let (inside, files): (Vec<&PathBuf>, Vec<&PathBuf>) = self.inputs.iter().partition(|input| input.is_dir());
        folders.extend(files.into_iter().filter_map(|file| file.parent()).map(Path::to_owned));
        folders.extend(inside.into_iter().cloned());
        folders.sort();
        folders.dedup();
        folders.truncate(FOLDERS_MAX);
        folders
    }
}

/// Whether a name within an input is nobody's but the author's: no hidden file, no editor's copy.
fn is_kept(name: &str) -> bool {
    !name.starts_with('.') && !name.ends_with('~') && name != "__pycache__" && name != "node_modules"
}

/// Folders are watched, never files: a file's watch dies with the first atomic save. And each by itself, so that
/// `target/` with all that compilers do in it is not.
struct Watch {
    watcher: RecommendedWatcher,
    folders: Vec<PathBuf>,
}

impl Watch {
    /// Looks again at what a save is a save of. Where that cannot be seen just now, it is as before.
    fn renew(&mut self, args: &Args, project: &Project, wanted: &Mutex<Wanted>) -> anyhow::Result<()> {
        match Wanted::of(project, args.config.as_deref()) {
            Ok(now) => {
                self.follow(&now)?;
                *wanted.lock().unwrap_or_else(PoisonError::into_inner) = now;
                Ok(())
            }
            Err(error) if self.folders.is_empty() => Err(error),
            Err(error) => tell(&error),
        }
    }

    /// Watches the folders that are new.
    fn follow(&mut self, wanted: &Wanted) -> anyhow::Result<()> {
        self.folders.retain(|folder| folder.is_dir());
        for folder in wanted.folders() {
            if folder.is_dir() && !self.folders.contains(&folder) {
                let watched = self.watcher.watch(&folder, RecursiveMode::NonRecursive);
                watched.with_context(|| format!("watch {}", folder.display()))?;
                self.folders.push(folder);
            }
        }
        Ok(())
    }
}

/// Whether an event may be a save: building reads all sources, which is an event too.
fn is_write(event: &notify::Event) -> bool {
    use notify::event::{AccessKind, AccessMode, EventKind, MetadataKind, ModifyKind};
    !matches!(
        event.kind,
        EventKind::Modify(ModifyKind::Metadata(MetadataKind::AccessTime))
            | EventKind::Access(AccessKind::Open(_) | AccessKind::Read | AccessKind::Any | AccessKind::Other)
            | EventKind::Access(AccessKind::Close(
                AccessMode::Read | AccessMode::Any | AccessMode::Execute | AccessMode::Other
            ))
    )
}

#[cfg(test)]
mod tests {
    use notify::event::{AccessKind, AccessMode, DataChange, Event, EventKind, ModifyKind};

    use super::*;

    // Reading is no save, or building would never end.
    #[test]
    fn reading_is_no_save() {
        assert!(!is_write(&Event::new(EventKind::Access(AccessKind::Open(AccessMode::Any)))));
        assert!(!is_write(&Event::new(EventKind::Access(AccessKind::Close(AccessMode::Read)))));
        assert!(is_write(&Event::new(EventKind::Access(AccessKind::Close(AccessMode::Write)))));
        assert!(is_write(&Event::new(EventKind::Modify(ModifyKind::Data(DataChange::Any)))));
    }
}
