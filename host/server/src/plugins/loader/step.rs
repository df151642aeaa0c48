//! What is to be done about one file.

use std::path::Path;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use super::{Change, Flight, Judged, Loader};
use crate::plugins::directory::{self, Found, What};
use crate::plugins::job::Job;
use crate::plugins::once;
use crate::plugins::patience::QUIET;
use crate::plugins::scan::{self, Contents, ReadError};
use crate::plugins::version::{Refusal, Stage};

/// What is to be done about one file.
pub(super) enum Step {
    Nothing,
    Wait,
    Judge(Contents),
    Refuse(Refusal),
}

impl Loader {
    pub(super) fn step(&mut self, name: &str, found: &Found) -> Step {
        let fingerprint = match &found.what {
            What::File(fingerprint) => *fingerprint,
            What::Misnamed => return self.trouble(name, Refusal::new(Stage::Name, directory::misnamed())),
            What::Other => return self.trouble(name, unread(&found.path, "not a regular file")),
            What::Unknown(why) => return self.trouble(name, unread(&found.path, why)),
        };
        // What was judged before a trouble is judged again after it, so that what is shown is about the file again.
        let troubled = self.troubles.has(name);
        let known = self.judged.get(name).filter(|_| !troubled);
        if known.is_some_and(|judged| judged.fingerprint == fingerprint && !judged.fresh) {
            return Step::Nothing;
        }
        let quiet = fingerprint.quiet_for(SystemTime::now());
        let contents = match scan::read(&found.path, fingerprint, self.settings.max_size) {
            Ok(contents) => contents,
            Err(ReadError::Moving { .. }) => {
                self.patience.moved(name);
                return Step::Wait;
            }
            Err(error @ ReadError::TooLarge { .. }) => {
                let same = known.is_some_and(|judged| judged.fingerprint == fingerprint);
                self.troubles.end(name);
                self.judged.insert(name.to_owned(), Judged { fingerprint, digest: None, fresh: false });
                let refusal = Refusal::new(Stage::Read, probity_core::text::chain(&error));
                return if same { Step::Nothing } else { Step::Refuse(refusal) };
            }
            // Not the bytes' fault, so they are not judged.
            Err(error) => return self.trouble(name, Refusal::passing(Stage::Read, probity_core::text::chain(&error))),
        };
        if troubled {
            self.troubles.end(name);
            self.judged.remove(name);
        }
        let known = self.judged.get(name);
        let fresh = quiet < QUIET;
        if known.is_some_and(|judged| judged.digest.as_ref() == Some(&contents.digest)) {
            self.judged.insert(name.to_owned(), Judged { fingerprint, digest: Some(contents.digest), fresh });
            self.patience.done(name);
            return Step::Nothing;
        }
        if !self.patience.is_settled(name, &contents, quiet, self.settings.settle) {
            return Step::Wait;
        }
        let judged = Judged { fingerprint, digest: Some(contents.digest.clone()), fresh };
        self.judged.insert(name.to_owned(), judged);
        Step::Judge(contents)
    }

    /// Notes what keeps a file from being judged. It is said once, and looked at again at every look.
    fn trouble(&mut self, name: &str, refusal: Refusal) -> Step {
        if self.troubles.tell(name, &refusal.message) { Step::Refuse(refusal) } else { Step::Nothing }
    }

    /// Judges what can be judged at once; else makes a job of it.
    pub(super) fn judge(&mut self, name: &str, found: Found, contents: Contents) -> Option<Job> {
        // Bytes that came back after being replaced or refused are what runs already.
        let current = self.plugins.get(name).and_then(|plugin| plugin.current.as_ref());
        if let Some(current) = current.filter(|current| *current.digest == contents.digest) {
            let current = Arc::clone(current);
            self.show(name, &found.path, |plugin| plugin.rejected = None);
            self.first.done(name);
            self.changes.push(Change::Loaded { plugin: name.to_owned(), version: current });
            return None;
        }
        let (digest, size) = (contents.digest.clone(), contents.bytes.len() as u64);
        if let Some(refusal) = once::refuse_pin(&self.settings, name, &digest) {
            self.reject(name, &found.path, refusal, Some(digest), size);
            return None;
        }
        let judged = self.judged.remove(name)?;
        self.flights.insert(name.to_owned(), Flight { found, judged, digest, size, since: Instant::now() });
        self.moved = true;
        Some(Job { plugin: name.to_owned(), contents })
    }

    /// Whether the file is certainly not what the flight was about. One that cannot be looked at may well be.
    pub(super) fn has_changed(&self, name: &str, flight: &Flight) -> bool {
        if flight.found.path != directory::path_of(&self.settings.dir, name) {
            return true;
        }
        match directory::look(&flight.found.path) {
            Some(What::File(now)) if now == flight.judged.fingerprint => false,
            Some(What::File(now)) => match scan::read(&flight.found.path, now, self.settings.max_size) {
                Ok(contents) => contents.digest != flight.digest,
                Err(ReadError::Io { .. }) => false,
                Err(ReadError::TooLarge { .. } | ReadError::Moving { .. }) => true,
            },
            Some(What::Unknown(_)) => false,
            Some(What::Other | What::Misnamed) | None => true,
        }
    }
}

fn unread(path: &Path, why: &str) -> Refusal {
    Refusal::passing(Stage::Read, format!("read {}: {why}", path.display()))
}
