//! Properties that hold for any text.

use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;

use super::super::interpolate::{Lookup, escape, fill};
use super::super::reference::EXAMPLE;
use super::super::{Source, format_duration, format_size, is_name, parse_duration, parse_size};
use super::{env, read, read_file};

/// Pieces that configurations are made of, right and wrong.
const PIECES: [&str; 64] = [
    "[server]\n",
    "[server.auth]\n",
    "[limits]\n",
    "[[check]]\n",
    "[check.config]\n",
    "[check.limits]\n",
    "[check.grants]\n",
    "[connections.a]\n",
    "[connections]\n",
    "[groups.g]\n",
    "[defaults]\n",
    "[plugins]\n",
    "[plugins.pins]\n",
    "[egress]\n",
    "listen = ",
    "tokens = ",
    "every = ",
    "cron = ",
    "timezone = ",
    "name = ",
    "plugin = ",
    "timeout = ",
    "memory = ",
    "fuel = ",
    "unhealthy-after = ",
    "url = ",
    "headers = ",
    "ca = ",
    "allow = ",
    "http = ",
    "config = ",
    "probes = ",
    "\"127.0.0.1:1\"",
    "\"15s\"",
    "\"* * * * *\"",
    "\"@daily\"",
    "\"0 0 L * 5#2\"",
    "\"*/0 * * * *\"",
    "\"UTC\"",
    "\"a\"",
    "\"32MiB\"",
    "\"é\"",
    "5",
    "-1",
    "1e400",
    "nan",
    "true",
    "1979-05-27",
    "{ failures = 3, of = 5 }",
    "[\"ready\", 5]",
    "{ a = \"b\" }",
    "[]",
    "{}",
    "\"${MAX}\"",
    "\"${file:secret.txt}\"",
    "\"${\"",
    "\"$$\"",
    "\"https://u:p@h/\"",
    "\"\"\"",
    "'",
    "\n",
    "\n",
    "\r\n",
    " # note\n",
];

proptest! {
    // Whatever the text, parsing returns, and its errors can be shown.
    #[test]
    fn any_text_is_survived(text in any::<String>()) {
        if let Err(errors) = read(&text) {
            prop_assert!(!errors.to_string().is_empty());
        }
    }

    // Whatever the pieces, in whatever order.
    #[test]
    fn any_pieces_are_survived(pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..60)) {
        if let Err(errors) = read(&pieces.concat()) {
            prop_assert!(!errors.to_string().is_empty());
        }
    }

    // A valid file with any stretch replaced by any bytes is survived.
    #[test]
    fn any_damage_is_survived(at in 0..EXAMPLE.len(), len in 0_usize..40, bytes in prop::collection::vec(any::<u8>(), 0..12)) {
        let mut damaged = EXAMPLE.as_bytes().to_vec();
        let end = (at + len).min(damaged.len());
        damaged.splice(at..end, bytes);
        match Source::new(Path::new("probity.toml"), damaged) {
            Ok(source) => if let Err(errors) = read(&source.text) {
                prop_assert!(!errors.to_string().is_empty());
            },
            Err(errors) => prop_assert!(errors.iter().all(|error| error.line.is_some())),
        }
    }

    // Any cron expression is read or rejected.
    #[test]
    fn any_cron_is_survived(cron in "[0-9A-Z*/,L#W?@ -]{0,24}") {
        let text = format!("[[check]]\nname = \"a\"\ncron = \"{cron}\"");
        if let Err(errors) = read(&text) {
            prop_assert!(errors.to_string().contains("cron") || errors.to_string().contains("never due"));
        }
    }

    // A duration reads back as what was written.
    #[test]
    fn durations_round_trip(ms in 0..u64::MAX / 2) {
        let duration = Duration::from_millis(ms);
        prop_assert_eq!(parse_duration(&format_duration(duration)), Ok(duration));
    }

    // A size reads back as what was written.
    #[test]
    fn sizes_round_trip(bytes in any::<u64>(), shift in 0_u32..40) {
        let bytes = bytes >> shift << (shift / 2);
        prop_assert_eq!(parse_size(&format_size(bytes)), Ok(bytes));
    }

    // Any text is no duration or one that stays itself.
    #[test]
    fn any_duration_is_survived(text in "[0-9dhms .]{0,12}") {
        if let Ok(duration) = parse_duration(&text) {
            prop_assert_eq!(parse_duration(&format_duration(duration)), Ok(duration));
        }
    }

    // Escaped text comes out as it was, and asks for nothing.
    #[test]
    fn escapes_round_trip(text in "[a-z${}:\\-]{0,20}|\\PC{0,20}") {
        let lookup = Lookup { env: &env, read_file: &read_file, base_dir: Path::new("") };
        let filled = fill(&escape(&text), &lookup).expect("nothing to fill");
        prop_assert_eq!(filled.text, text);
        prop_assert!(filled.secrets.is_empty() && filled.files.is_empty());
    }

    // A token or password, whatever it is, is in no error of a file that is wrong around it.
    #[test]
    fn no_typed_secret_gets_out(secret in "[a-z0-9!$%&/()=?+*~#;:.,<>|-]{9,30}", place in 0..5) {
        let quoted = escape(&secret);
        let text = match place {
            0 => format!("[server.auth]\ntokens = [\"{quoted}\", 5]\nx = \"{quoted}\""),
            1 => format!("[connections.x]\nurl = \"ftp://me:{quoted}@host/\""),
            2 => format!("[connections.x]\nurl = \"http://h\"\nheaders = {{ authorization = \"{quoted}\", \" \" = \"\" }}"),
            3 => format!("[[check]]\nname = 5\n[check.config]\npassword = \"{quoted}\" x"),
            _ => format!("[server.auth]\ntokens = [\n\"{quoted}\",\n\"{quoted}\" 5]"),
        };
        let errors = read(&text).expect_err("each is wrong");
        let all = format!("{errors}{errors:?}");
        prop_assert!(!all.contains(&secret) && !all.contains(&quoted), "{errors}");
    }

    // Names are what can stand in a path, a label and a file name without escaping.
    #[test]
    fn names_need_no_escaping(text in "\\PC{1,64}") {
        if is_name(&text) {
            prop_assert!(text.len() <= 63 && text != "." && text != "..");
            prop_assert!(text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b)));
        }
    }
}
