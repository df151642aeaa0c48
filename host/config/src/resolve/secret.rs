//! `[secrets]`: values that checks use by name.

use std::collections::BTreeMap;

use crate::cx::Cx;
use crate::errors::Fault;
use crate::secrets::Secrets;
use crate::valid::NamedSecret;
use crate::{is_name, raw};

pub(super) fn all(raw: &BTreeMap<String, raw::Secret>, cx: &mut Cx<'_>) -> BTreeMap<String, NamedSecret> {
    let mut secrets = BTreeMap::new();
    for (name, raw) in raw {
        let Some(own) = raw.own.0 else { continue };
        if !is_name(name) {
            let help = "use lower-case letters, digits, `-`, `_` and `.`, starting with a letter or digit";
            cx.faults.push(Fault::at(cx.tree.node(own).key, format!("`{name}` is no name for a secret")).help(help));
        }
        let Some(id) = raw.value.id else {
            let fault = Fault::at(cx.tree.node(own).place, format!("secret `{name}` without `value`"));
            cx.faults.push(fault.help("bring it in from outside: `value = \"${WEBHOOK_KEY}\"`"));
            continue;
        };
        let Some(value) = raw.value.read(cx) else { continue };
        if value.len() < Secrets::LEN_MIN {
            let message = format!("the value of secret `{name}` is shorter than {} bytes", Secrets::LEN_MIN);
            cx.wrong(id, message, "it could not be kept out of messages, and is easily guessed: use a longer one");
        }
        // Also when it was typed in place: no check may print it.
        cx.secrets.push(value.clone());
        secrets.insert(name.clone(), NamedSecret::new(&value));
    }
    secrets
}
