//! An explanation for people.

use std::fmt::Write;
use std::time::Duration;

use probity_config::format_duration;

use super::{Explanation, Grant, Use};
use crate::cli::terminal::{Paint, grouped, size};

pub(super) fn render(explained: &Explanation, paint: Paint) -> String {
    let mut text = format!("{} ({})\n", explained.check, explained.origin);
    let mut put = |label: &str, line: &str| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {} {line}", paint.dim(&format!("{label:<10}")));
    };
    match &explained.blocked {
        None => put("verdict", "a host would run it"),
        Some(blocked) => put("verdict", &format!("would not run ({}): {}", blocked.reason.as_str(), blocked.message)),
    }
    let plugin = &explained.plugin;
    let version = plugin.version.as_deref().unwrap_or("not loaded");
    put("plugin", &format!("{} {version}, {}", plugin.name, plugin.file.display()));
    let (schedule, limits) = (&explained.schedule, &explained.limits);
    let timeout = format_duration(limits.timeout);
    let stale = format_duration(Duration::from_millis(schedule.stale_after_ms));
    put("due", &format!("{}, at most {timeout} long, stale after {stale}", schedule.due));
    put("counts", &counts(explained));
    for used in &explained.capabilities {
        for line in lines(used) {
            put(used.capability.as_str(), &line);
        }
    }
    if explained.capabilities.is_empty() && plugin.version.is_some() {
        put("imports", "nothing");
    }
    for grant in &explained.unused {
        put("unused", &format!("{} = [\"{}\"]: the plugin does not import it", grant.capability.as_str(), grant.grant));
    }
    let spent = format!(
        "memory {}, fuel {}, host-calls {}, sockets {}, response-bytes {}, state-bytes {}",
        size(limits.memory),
        grouped(limits.fuel),
        limits.host_calls,
        limits.sockets,
        size(limits.response_bytes),
        size(limits.state_bytes.into()),
    );
    put("limits", &spent);
    text
}

fn counts(explained: &Explanation) -> String {
    let schedule = &explained.schedule;
    let words = |words: &[String]| if words.is_empty() { "none".to_owned() } else { words.join(", ") };
    let probes: Vec<String> = schedule.probes.iter().map(|probe| probe.as_str().to_owned()).collect();
    format!(
        "{}, probes {}, groups {}; unhealthy after {}, healthy after {}, unknown counts as {}",
        word(&schedule.severity),
        words(&probes),
        words(&schedule.groups),
        schedule.unhealthy_after,
        schedule.healthy_after,
        word(&schedule.on_unknown),
    )
}

/// The word that configurations and answers have for it.
fn word(value: &impl serde::Serialize) -> String {
    let value = serde_json::to_value(value).unwrap_or_default();
    value.as_str().unwrap_or_default().to_owned()
}

fn lines(used: &Use) -> Vec<String> {
    let granted = |grant: &Grant| match &grant.leads_to {
        Some(target) => format!("{} -> {target}", grant.grant),
        None => grant.grant.clone(),
    };
    match &used.missing {
        _ if !used.needs_grant => vec!["free".to_owned()],
        Some(line) => vec![format!("nothing is granted; add to the check: {line}")],
        None => used.granted.iter().map(granted).collect(),
    }
}
