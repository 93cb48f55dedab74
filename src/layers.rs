//! The layers of the code: a module may use modules of lower layers, and those of its own layer if there is no cycle.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// The top-level modules of `src/`, layer by layer, from top to bottom.
const LAYERS: [(&str, &[&str]); 8] = [
    ("commands", &["main", "commands"]),
    ("application", &["app", "server"]),
    (
        "features",
        &[
            "attachments",
            "backup",
            "contract",
            "desk",
            "downloads",
            "events",
            "health",
            "improvement",
            "inbound",
            "indicators",
            "jobs",
            "knowledge",
            "mail",
            "minutes",
            "personal_data",
            "reports",
            "retention",
            "seed",
            "staff",
            "statistics",
            "surveys",
            "system",
            "tickets",
            "webhooks",
        ],
    ),
    ("documents", &["documents"]),
    ("people and history", &["account", "audit", "outbox", "people", "service_accounts"]),
    ("requests", &["http"]),
    ("permissions", &["auth"]),
    ("base", &["config", "db", "holidays", "language", "problem", "telemetry", "templates"]),
];

/// A use of one top-level module by another.
struct Use {
    from: String,
    to: String,
    /// File and line.
    place: String,
}

#[test]
fn modules_use_lower_layers_only() {
    let upward: Vec<String> = uses()
        .iter()
        .filter(|used| layer(&used.to) < layer(&used.from))
        .map(|used| {
            let [(from, _), (to, _)] = [LAYERS[layer(&used.from)], LAYERS[layer(&used.to)]];
            format!(
                "{}: `{}` (layer \"{from}\") uses `{}` (layer \"{to}\", above it)",
                used.place, used.from, used.to
            )
        })
        .collect();
    assert!(upward.is_empty(), "\n{}", upward.join("\n"));
}

#[test]
fn there_is_no_cycle_of_modules() {
    let uses = uses();
    let mut edges: BTreeMap<&str, BTreeMap<&str, &str>> = BTreeMap::new();
    for used in &uses {
        edges.entry(&used.from).or_default().entry(&used.to).or_insert(&used.place);
    }
    // Repeatedly removes modules that use none of the remaining ones.
    loop {
        let ends: Vec<&str> = edges
            .iter()
            .filter(|(_, to)| to.keys().all(|to| !edges.contains_key(to)))
            .map(|(from, _)| *from)
            .collect();
        if ends.is_empty() {
            break;
        }
        edges.retain(|from, _| !ends.contains(from));
    }
    let left: Vec<&str> = edges.keys().copied().collect();
    let cyclic: Vec<String> = edges
        .iter()
        .flat_map(|(from, to)| to.iter().map(move |(to, place)| (from, to, place)))
        .filter(|(_, to, _)| left.contains(to))
        .map(|(from, to, place)| format!("{place}: `{from}` uses `{to}`"))
        .collect();
    assert!(cyclic.is_empty(), "these modules use each other in a cycle:\n{}", cyclic.join("\n"));
}

/// The place of a module in [`LAYERS`], from the top.
fn layer(module: &str) -> usize {
    let found = LAYERS.iter().position(|(_, modules)| modules.contains(&module));
    found.unwrap_or_else(|| panic!("the module `{module}` is in no layer: add it to LAYERS"))
}

/// The uses between top-level modules, by `use` and by paths in the code.
fn uses() -> Vec<Use> {
    let mut all = Vec::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    read_folder(&root, &mut Vec::new(), &mut all);
    assert!(all.len() > 1000, "only {} uses were found", all.len());
    all
}

fn read_folder(folder: &Path, path: &mut Vec<String>, all: &mut Vec<Use>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap().path();
        let name = entry.file_stem().unwrap().to_str().unwrap().to_owned();
        if entry.is_dir() {
            path.push(name);
            read_folder(&entry, path, all);
            path.pop();
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            let top = path.first().unwrap_or(&name).clone();
            if path.is_empty() && (name == "lib" || name == "layers") {
                continue;
            }
            let depth = path.len() + usize::from(name != "mod");
            let code: TokenStream = fs::read_to_string(&entry).unwrap().parse().unwrap();
            let mut found = Vec::new();
            read_tokens(code, depth, &mut found);
            let file = entry.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap().display();
            let others = found.into_iter().filter(|(to, _)| *to != top);
            all.extend(others.map(|(to, line)| Use {
                from: top.clone(),
                to,
                place: format!("{file}:{line}"),
            }));
        }
    }
}

/// The top-level modules in paths from the root of the crate, with the lines. `depth`: how many `super` lead to the
/// root.
fn read_tokens(code: TokenStream, depth: usize, found: &mut Vec<(String, usize)>) {
    let tokens: Vec<TokenTree> = code.into_iter().collect();
    let is = |at: usize, word: &str| tokens.get(at).is_some_and(|token| token.to_string() == word);
    let is_separator = |at: usize| is(at, ":") && is(at + 1, ":");
    let mut at = 0;
    while at < tokens.len() {
        if let TokenTree::Group(group) = &tokens[at] {
            let is_module = at >= 2 && is(at - 2, "mod") && group.delimiter() == Delimiter::Brace;
            read_tokens(group.stream(), depth + usize::from(is_module), found);
        }
        let mut after = at;
        if is(at, "crate") && is_separator(at + 1) {
            after = at + 3;
        } else if is(at, "super") {
            let mut supers = 0;
            while is(after, "super") && is_separator(after + 1) {
                (supers, after) = (supers + 1, after + 3);
            }
            if supers != depth {
                at = after.max(at + 1);
                continue;
            }
        }
        if after > at {
            tokens.get(after).into_iter().for_each(|next| read_names(next, found));
        }
        at = after.max(at + 1);
    }
}

/// The next names in a path: one, or the first of each in braces.
fn read_names(next: &TokenTree, found: &mut Vec<(String, usize)>) {
    match next {
        TokenTree::Ident(name) => found.push((name.to_string(), name.span().start().line)),
        TokenTree::Group(group) => {
            let tokens: Vec<TokenTree> = group.stream().into_iter().collect();
            for path in tokens.split(|token| token.to_string() == ",").filter(|path| !path.is_empty()) {
                read_names(&path[0], found);
            }
        }
        TokenTree::Punct(_) | TokenTree::Literal(_) => {}
    }
}
