//! Secrets by name, as far as a guest and those who read its results get them.

use probity_tests::guests;
use probity_tests::host::Host;

/// Asks for the secret `webhook`, logs what it got and says it, too.
pub(super) const TELLTALE: &str = r#"
(import "probity:check/secrets@0.1.0" "reveal" (func $reveal (param i32 i32 i32)))
(import "probity:check/log@0.1.0" "write" (func $log (param i32 i32 i32 i32 i32)))
(data (i32.const 1024) "webhook")
(func (export "probity:check/checker@0.1.0#run") (param i32 i32) (result i32)
  (call $reveal (i32.const 1024) (i32.const 7) (i32.const 2048))
  (if (i32.load8_u (i32.const 2048))
    (then (return (call $say (i32.const 2) (i32.load (i32.const 2056)) (i32.load (i32.const 2060))))))
  (call $log (i32.const 3) (i32.load (i32.const 2052)) (i32.load (i32.const 2056)) (i32.const 0) (i32.const 0))
  (call $say (i32.const 0) (i32.load (i32.const 2052)) (i32.load (i32.const 2056))))
"#;

fn host(grant: &str) -> Host {
    let host = Host::start(&format!(
        "[secrets.webhook]\nvalue = \"swordfish-of-webhook\"\n[[check]]\nname = \"tell\"\nevery = \"100ms\"\n\
         grants = {{ secrets = [\"{grant}\"] }}\n"
    ));
    host.copy_in("tell", &guests::encode(TELLTALE).expect("the text is a guest"));
    host
}

// A guest that was given the value says and logs it, and nobody outside sees it.
#[test]
fn revealed_values_go_no_further() {
    let host = host("webhook:reveal");
    host.wait_until("tell", "healthy");
    let check = host.wait_for_message("tell", "[redacted]");
    let mut emitted = check.to_string() + &host.log();
    for path in ["/checks", "/health", "/metrics", "/checks/tell/history", "/plugins/tell"] {
        emitted += &host.get(path).body;
    }
    assert!(emitted.contains("[redacted]") && !emitted.contains("swordfish"), "{emitted}");
}

// A grant without `:reveal` keeps the value inside, and the error shows what would hand it out.
#[test]
fn values_stay_inside_by_default() {
    let host = host("webhook");
    let check = host.wait_until("tell", "unhealthy");
    assert!(check["message"].as_str().unwrap().contains("secrets = [\"webhook:reveal\"]"), "{check}");
}
