//! `probity test`: cases in files, real components, the sandbox with its limits, and nothing behind the imports.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use probity_tests::guests;
use probity_tests::host::binary;
use serde_json::Value;
use tempfile::TempDir;

/// A folder with one file of cases and a component beside it.
struct Folder(TempDir);

impl Folder {
    fn new(component: &[u8], cases: &str) -> Self {
        let dir = TempDir::new().unwrap();
        fs::create_dir(dir.path().join("tests")).unwrap();
        fs::write(dir.path().join("tests/cases.toml"), cases).unwrap();
        fs::write(dir.path().join("check.wasm"), component).unwrap();
        Self(dir)
    }

    fn test(&self, args: &[&str]) -> Output {
        let mut command = Command::new(binary());
        command.args(["test", ".", "--component", "check.wasm"]).args(args).current_dir(self.0.path());
        command.env("XDG_CACHE_HOME", self.0.path()).output().unwrap()
    }
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// One case of the check of HTTP answers.
fn http(expect: &str) -> String {
    format!(
        "[[case]]\nname = \"a case\"\nconfig = {{ url = \"https://shop.test/health\" }}\n\
         [[case.http]]\nrequest = \"GET https://shop.test/health\"\nstatus = 503\n[case.expect]\n{expect}\n"
    )
}

// The cases beside the first-party checks pass: each capability is answered from a file.
#[test]
fn first_party_cases_pass() {
    let plugins = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins");
    let mut tested = Vec::new();
    for entry in fs::read_dir(plugins).unwrap() {
        let folder = entry.unwrap().path();
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let Ok(cases) = fs::read_to_string(folder.join("tests/cases.toml")) else { continue };
        let output = Folder::new(&guests::first_party(&name), &cases).test(&[]);
        assert_eq!(output.status.code(), Some(0), "{name}:\n{}{}", stdout(&output), stderr(&output));
        tested.push(name);
    }
    for capability in
        ["http", "redis", "sql", "queue-depth", "dns", "tls-certificate", "tcp", "heartbeat", "composite", "disk"]
    {
        assert!(tested.iter().any(|name| name == capability), "no cases for {capability}");
    }
}

// A case that fails says where it expected what, and what was there instead.
#[test]
fn differences_have_a_place() {
    let folder = Folder::new(&guests::first_party("http"), &http("status = \"healthy\"\nmessage = \"*all is well*\""));
    let output = folder.test(&[]);
    assert_eq!(output.status.code(), Some(1));
    let said = stdout(&output);
    assert!(said.contains("FAILED  a case") && said.contains("0 of 1 cases pass"), "{said}");
    assert!(
        said.contains("cases.toml:8: status\n") && said.contains("- healthy") && said.contains("+ unhealthy"),
        "{said}"
    );
    assert!(said.contains("cases.toml:9: message\n") && said.contains("503"), "{said}");
}

// A call that nothing answers is denied to the check, and the case names it with the lines to add.
#[test]
fn unexpected_calls_are_named_with_the_lines_to_add() {
    let cases = "[[case]]\nname = \"a case\"\nconfig = { url = \"https://shop.test/health\" }\n[case.expect]\nfailure = \"capability\"\n";
    let output = Folder::new(&guests::first_party("http"), cases).test(&[]);
    let said = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("GET https://shop.test/health"), "{said}");
    assert!(said.contains("[[case.http]]") && said.contains("request = \"GET https://shop.test/health\""), "{said}");
    assert!(!said.contains(": failure\n"), "the check was denied, as expected: {said}");
}

// What goes through `wasi:http` is answered by the case as well, and is no less unexpected without an answer.
#[test]
fn wasi_http_is_answered_by_the_case() {
    let case = |answer: &str, status: &str, message: &str| {
        format!(
            "[[case]]\nname = \"a case\"\nconfig = {{ \"shop.test\" = 0 }}\n{answer}\n[case.expect]\n\
             status = \"{status}\"\nmessage = \"{message}\"\n"
        )
    };
    let answered = "http = [{ request = \"GET http://shop.test/health\", status = 503 }]";
    let output = Folder::new(&guests::component("fetch"), &case(answered, "healthy", "503")).test(&[]);
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    let output = Folder::new(&guests::component("fetch"), &case("", "unhealthy", "15")).test(&[]);
    let said = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("request = \"GET http://shop.test/health\""), "{said}");
}

// Time that was slept in a case is gone for the run as well: a check that sleeps while there is time left stops in time.
#[test]
fn time_slept_in_a_case_is_gone() {
    let cases = "[[case]]\nname = \"a\"\nnow = 2026-11-20T10:00:00Z\nexpect = { status = \"healthy\" }\n";
    let output = Folder::new(&guests::component("patient"), cases).test(&[]);
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
}

// An answer that the check never asked for fails the case: it tests less than it says.
#[test]
fn answers_that_are_not_asked_for_fail() {
    let cases = http("status = \"unhealthy\"")
        .replace("[case.expect]", "[[case.http]]\nrequest = \"GET https://other.test/\"\n[case.expect]");
    let output = Folder::new(&guests::first_party("http"), &cases).test(&[]);
    let said = stdout(&output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("GET https://other.test/") && said.contains("never asked"), "{said}");
}

// A mistake in a file of cases is told with file, line and the key that was meant; nothing is run.
#[test]
fn mistakes_name_file_line_and_key() {
    let wrong = |cases: &str| {
        let output = Folder::new(&guests::component("healthy"), cases).test(&[]);
        assert_eq!(output.status.code(), Some(2), "{}", stdout(&output));
        stderr(&output)
    };
    let key = wrong("[[case]]\nname = \"a\"\nexpect = { statuss = \"healthy\" }\n");
    assert!(key.contains("cases.toml:3:12") && key.contains("did you mean `status`?"), "{key}");
    let word = wrong("[[case]]\nname = \"a\"\nexpect = { status = \"helthy\" }\n");
    assert!(word.contains("cases.toml:3:") && word.contains("did you mean `healthy`?"), "{word}");
    let reason = wrong("[[case]]\nname = \"a\"\nexpect = { failure = \"fule\" }\n");
    assert!(reason.contains("cases.toml:3:") && reason.contains("did you mean `fuel`?"), "{reason}");
    let missing = wrong("[[case]]\nname = \"a\"\n");
    assert!(missing.contains("cases.toml:1:") && missing.contains("`expect` is missing"), "{missing}");
    let twice = wrong(
        "[[case]]\nname = \"a\"\nexpect.status = \"healthy\"\n[[case]]\nname = \"a\"\nexpect.status = \"healthy\"\n",
    );
    assert!(twice.contains("cases.toml:4:") && twice.contains("two cases are called"), "{twice}");
}

// The limits are those of a host, and a case may narrow them; an exception shows the guest's own stack.
#[test]
fn limits_and_traps_are_those_of_a_host() {
    let fuel = "[[case]]\nname = \"a\"\nlimits = { fuel = 1_000_000 }\nexpect = { failure = \"fuel\" }\n";
    let output = Folder::new(&guests::component("spin"), fuel).test(&[]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    let trap = "[[case]]\nname = \"a\"\n[case.expect]\nfailure = \"trap\"\nmessage = \"ValueError: no orders (check.py:12)\"\n\
                trace = \"ValueError: no orders*\\n  at newest (check.py:12)*\"\n";
    let output = Folder::new(&guests::component("uncaught"), trap).test(&[]);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
}

// With `now`, whoever sleeps by WASI's clock, as runtimes of languages do, moves the clock of the case as well; past the
// end of the run that ends it.
#[test]
fn sleeping_by_wasi_takes_no_time() {
    let case = |timeout: &str, expect: &str| {
        let limits = format!("now = 2026-11-20T10:00:00Z\nlimits = {{ timeout = \"{timeout}\" }}");
        let cases = format!("[[case]]\nname = \"a\"\n{limits}\nexpect = {{ {expect} }}\n");
        Folder::new(&guests::component("timer"), &cases).test(&[])
    };
    let started = Instant::now();
    let output = case("5m", "status = \"healthy\"");
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    assert!(started.elapsed() < Duration::from_secs(60));
    let output = case("100ms", "failure = \"deadline\"");
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
}

// Some of the cases, and a filter that fits none.
#[test]
fn cases_can_be_chosen() {
    let cases = "[[case]]\nname = \"one\"\nexpect.status = \"healthy\"\n[[case]]\nname = \"two\"\nexpect.status = \"unhealthy\"\n";
    let folder = Folder::new(&guests::component("healthy"), cases);
    let output = folder.test(&["--filter", "one", "--output", "json"]);
    let results: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(results.as_array().unwrap().len(), 1);
    assert_eq!((&results[0]["name"], &results[0]["passed"]), (&"one".into(), &true.into()));
    assert_eq!(folder.test(&["--output", "json"]).status.code(), Some(1));
    let none = folder.test(&["--filter", "three"]);
    assert!(none.status.code() == Some(2) && stderr(&none).contains("there are: one, two"), "{}", stderr(&none));
}

// What CI systems read is XML in which a parser finds the failure, whatever a guest said.
#[test]
fn junit_is_read_by_a_parser() {
    let cases = "[[case]]\nname = \"good <&>\"\nexpect.status = \"healthy\"\n[[case]]\nname = \"bad\"\nexpect.message = \"\\u0007 ]]> \\\"x\\\"\"\nexpect.status = \"healthy\"\n";
    let folder = Folder::new(&guests::component("healthy"), cases);
    let output = folder.test(&["--output", "junit"]);
    assert_eq!(output.status.code(), Some(1));
    fs::write(folder.0.path().join("cases.xml"), &output.stdout).unwrap();
    let script = "import sys, xml.etree.ElementTree as E\n\
                  root = E.parse('cases.xml').getroot()\n\
                  suite = root.find('testsuite')\n\
                  cases = suite.findall('testcase')\n\
                  print(root.tag, suite.get('tests'), suite.get('failures'), [c.get('name') for c in cases], \
                  [c.find('failure') is not None for c in cases], cases[1].get('line'))";
    let read = Command::new("python3").args(["-c", script]).current_dir(folder.0.path()).output().unwrap();
    assert_eq!(
        stdout(&read).trim(),
        "testsuites 2 1 ['good <&>', 'bad'] [False, True] 4",
        "{}\n{}",
        stderr(&read),
        stdout(&output)
    );
}
