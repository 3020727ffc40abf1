//! The rules of Stetho: one file a rule, one list a family.

// Examples are fenced as `recipe rows=200`, which is not Rust and not meant to be.
#![allow(rustdoc::invalid_codeblock_attributes)]

mod absent;
mod balance;
mod box_sets;
mod box_units;
pub mod boxes;
mod branches;
mod broken;
mod causes;
mod chance;
mod chance_level;
pub mod code;
mod columns;
mod culprits;
mod experiments;
pub mod fit;
mod guards;
pub mod image;
mod judges;
mod ladder;
mod layers;
mod loops;
mod one_class;
mod pictures;
mod placeholders;
pub mod preflight;
mod ranks;
pub mod run;
mod runs;
mod shortcut;
mod show;
mod step_sizes;
mod symptoms;
pub mod table;
mod tail;
#[cfg(test)]
mod testing;
mod trapped;
mod trend;
mod unrest;

pub use causes::join_families;
pub use judges::Judges;

use stetho_core::RuleInfo;

/// Every rule, family by family, in the order of its list.
pub fn all() -> impl Iterator<Item = &'static RuleInfo> {
    let table = table::RULES.iter().map(|entry| &entry.info);
    let image = image::RULES.iter().map(|entry| &entry.info);
    let boxes = boxes::RULES.iter().map(|entry| &entry.info);
    let fit = fit::RULES.iter().map(|entry| &entry.info);
    let preflight = preflight::RULES.iter().map(|entry| &entry.info);
    let run = run::RULES.iter().map(|entry| &entry.info);
    let code = code::RULES.iter().map(|entry| &entry.info);
    table.chain(image).chain(boxes).chain(fit).chain(preflight).chain(run).chain(code)
}

/// The rule called `id`.
pub fn find(id: &str) -> Option<&'static RuleInfo> {
    all().find(|info| info.id == id)
}

/// The entry of a rule of this family: the struct, and the text of its file for the documentation.
macro_rules! entry {
    ($family:literal, $module:ident::$rule:ident) => {
        stetho_core::Entry::new::<$module::$rule>($family, include_str!(concat!(stringify!($module), ".rs")))
    };
}
use entry;
