//! What the ends of a check in Python become: the reference check of the conformance suite in a real host. And the kit's own
//! tests under the Python that components have, which no machine needs to have.

use std::fs;
use std::path::Path;
use std::process::Command;

use probity_tests::host::{Answer, Host, binary};
use probity_tests::python;
use serde_json::Value;

/// A check for each thing that the reference check does.
fn start() -> Host {
    let acts = ["judge", "log", "state", "http", "loop", "allocate", "throw", "unheard-of"];
    let mut config = "[limits]\ntimeout = \"20s\"\n".to_owned();
    for act in acts {
        config.push_str(&format!(
            "[[check]]\nname = \"{act}\"\nplugin = \"reference-python\"\nevery = \"1s\"\n\
             grants = {{ http = [\"http://127.0.0.1:1/*\"] }}\n\
             [check.config]\nact = \"{act}\"\nvalue = 5\nwarn = 2\ncrit = 10\nurl = \"http://127.0.0.1:1/\"\n"
        ));
    }
    python::host(&config, &["reference-python"])
}

/// The check's JSON once it is unknown for this reason: before its first run it is for another.
fn unknown(host: &Host, check: &str, reason: &str) -> Value {
    let so = |answer: &Answer| answer.json()["status"] == "unknown" && answer.json()["reason"]["reason"] == reason;
    host.wait_for(&format!("/checks/{check}"), so).json()
}

// A judgement, a failure, an exception and a runaway each end as what they are, with words of the check's own.
#[test]
fn every_end_of_a_python_check_is_what_it_is() {
    let host = start();
    let judged = host.wait_until("judge", "degraded");
    assert_eq!(judged["message"], "value 5, more than 2");
    assert_eq!(judged["measurements"]["value"]["status"], "degraded", "{judged}");
    assert_eq!(host.wait_until("http", "unhealthy")["message"], "no answer: refused");
    host.wait_for("/checks/state", |answer| {
        answer.json()["measurements"]["runs"]["value"].as_i64().is_some_and(|runs| runs >= 2)
    });
    assert_eq!(unknown(&host, "unheard-of", "other")["message"], "unknown act `unheard-of`");
    let trapped = unknown(&host, "throw", "trap");
    let words = trapped["message"].as_str().unwrap();
    assert!(words.starts_with("RuntimeError: boom (") && words.contains("check.py:"), "{trapped}");
    let log = trapped["log"].to_string();
    assert!(log.contains("at throw (check.py:"), "{trapped}");
    unknown(&host, "loop", "fuel");
    unknown(&host, "allocate", "memory");
    let lines = host.wait_until("log", "healthy")["log"].to_string();
    for level in ["trace", "debug", "info", "warn", "error"] {
        assert!(lines.contains(&format!("line at {level}")), "{lines}");
    }
}

/// Of pytest what those tests need: a component has no such package.
const PYTEST: &str = r#"
import re


class _Raised:
    def __init__(self, kind, match):
        self.kind, self.match, self.value = kind, match, None

    def __enter__(self):
        return self

    def __exit__(self, kind, error, stack):
        assert error is not None, f"{self.kind} was not raised"
        self.value = error
        if isinstance(error, self.kind) and self.match is not None:
            assert re.search(self.match, str(error)), str(error)
        return isinstance(error, self.kind)


def raises(kind, match=None):
    return _Raised(kind, match)


class mark:
    @staticmethod
    def parametrize(names, values):
        def mark(test):
            test.given = [value if "," in names else (value,) for value in values]
            return test
        return mark
"#;

/// What validates schemas has native code: the tests that need it are left to the machine's Python.
const JSONSCHEMA: &str = r#"
class Draft202012Validator:
    def __init__(self, schema):
        raise ImportError("a component has no jsonschema")
"#;

/// They all pass, and there were some.
const CASE: &str = r#"
[[case]]
name = "the kit's own tests"
limits = { fuel = 20_000_000_000, timeout = "60s", memory = "256MiB" }
[case.expect]
status = "healthy"
measurements = { tests = { min = 50, max = 1000 } }
details = { python = "3.14*" }
"#;

/// Runs them all, and says under which Python.
const TESTS: &str = r#"
import sys

import test_config
import test_rules
import test_words
from probity_check import Outcome, check, log


@check(name="own-tests", version="0.1.0")
def own_tests(config: dict) -> Outcome:
    """Do the kit's own tests pass in a component?"""
    count, outcome = 0, Outcome.healthy("all pass")
    for module in (test_config, test_rules, test_words):
        for name, test in vars(module).items():
            for given in getattr(test, "given", [()]) if name.startswith("test_") else []:
                try:
                    test(*given)
                    count += 1
                except ImportError:
                    continue
                except Exception as error:
                    outcome.finding("unhealthy", f"{module.__name__}.{name}: {error!r}")
    return outcome.measure("tests", count).detail("python", sys.version.split()[0])
"#;

// Words, thresholds, units and configuration are the same under the Python of components, which is another than that of the
// machine and has no pytest.
#[test]
fn the_kits_own_tests_pass_in_a_component() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("check.py", TESTS);
    write("pytest.py", PYTEST);
    write("jsonschema.py", JSONSCHEMA);
    fs::create_dir(folder.path().join("tests")).unwrap();
    write("tests/own.toml", CASE);
    write("pyproject.toml", "[project]\nname = \"own-tests\"\nversion = \"0.1.0\"\n");
    for test in ["test_config.py", "test_rules.py", "test_words.py"] {
        fs::copy(python::root().join("sdk/python/tests").join(test), folder.path().join(test)).unwrap();
    }
    let said = run(folder.path(), &["build", "--out", "own.wasm"]);
    assert!(said.contains("runs on  Python 3.14"), "{said}");
    let said = run(folder.path(), &["test", "--component", "own.wasm"]);
    assert!(said.contains("1 of 1 cases pass"), "{said}");
}

/// Runs the program with the tools of Python's environment; what it printed.
fn run(folder: &Path, args: &[&str]) -> String {
    let target = binary().ancestors().nth(2).unwrap().to_owned();
    let mut command = Command::new(binary());
    // Compiled code is kept between test runs: that of an interpreter takes seconds in a debug build.
    command.args(args).current_dir(folder).env("XDG_CACHE_HOME", target.join("compiled"));
    let output = command.env("VIRTUAL_ENV", target.join("venv")).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{args:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
    said
}
