//! Every variable that a program reads is on the list of known names, and nothing else is: a program refuses a name that
//! is not on it.

use std::collections::BTreeSet;

use anyhow::{Context, ensure};
use syn::visit::{self, Visit};

use crate::modules::is_test;

const LIST: &str = "crates/contract/src/variables.rs";
const NATS_CONFIGURATIONS: [&str; 3] = ["nats-server.conf", "cluster.conf", "production.conf"];

fn is_variable(text: &str) -> bool {
    let is_upper = |letter: char| letter.is_ascii_uppercase() || letter == '_';
    text.strip_prefix("ASSENT_")
        .is_some_and(|rest| !rest.is_empty() && !rest.ends_with('_') && rest.chars().all(is_upper))
}

/// Collects the texts outside of tests that are names of variables.
#[derive(Default)]
struct Variables(BTreeSet<String>);

impl<'ast> Visit<'ast> for Variables {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if !is_test(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        // `#[arg(env = "ASSENT_…")]`
        if let syn::Meta::List(list) = &attribute.meta {
            let text = list.tokens.to_string();
            let names = text.split('"').filter(|name| is_variable(name));
            self.0.extend(names.map(str::to_owned));
        }
    }

    fn visit_lit_str(&mut self, text: &'ast syn::LitStr) {
        if is_variable(&text.value()) {
            self.0.insert(text.value());
        }
    }
}

#[test]
fn the_list_of_variables_is_complete_and_has_none_that_nobody_reads() -> anyhow::Result<()> {
    let metadata = crate::metadata()?;
    let root = metadata.workspace_root.as_path();
    let mut read = Variables::default();
    let mut listed = Variables::default();
    for path in crate::sources(&metadata)? {
        let inside = path.strip_prefix(root)?.to_string_lossy().into_owned();
        let is_source = inside.contains("/src/") && !inside.contains("tests");
        if is_source {
            let file = syn::parse_file(&std::fs::read_to_string(&path)?)
                .with_context(|| inside.clone())?;
            let found = if inside == LIST {
                &mut listed
            } else {
                &mut read
            };
            found.visit_file(&file);
        }
    }
    for file in NATS_CONFIGURATIONS {
        let configuration = std::fs::read_to_string(root.join("deploy/nats").join(file))?;
        for word in configuration.split('$').skip(1) {
            let end = word.find(|letter: char| !letter.is_ascii_uppercase() && letter != '_');
            let name = word.get(..end.unwrap_or(word.len())).unwrap_or_default();
            if is_variable(name) {
                read.0.insert(name.to_owned());
            }
        }
    }
    // The name of a file that holds the secret is made of the secret's name.
    let of_a_secret = |name: &&String| {
        let secret = name.strip_suffix("_FILE");
        secret.is_some_and(|secret| listed.0.contains(secret))
    };
    let unread: Vec<_> = listed.0.difference(&read.0).collect();
    let unread: Vec<_> = unread
        .into_iter()
        .filter(|name| !of_a_secret(name))
        .collect();
    ensure!(unread.is_empty(), "nobody reads {unread:?}");
    let unlisted: Vec<_> = read.0.difference(&listed.0).collect();
    ensure!(unlisted.is_empty(), "{unlisted:?} are not in {LIST}");
    Ok(())
}
