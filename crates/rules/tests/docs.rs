//! The examples in the rules' documentation do what they say.

use stetho_gallery::check_docs;

#[test]
fn rules_fire_and_stay_quiet_where_their_documentation_says() {
    let failures: Vec<String> = stetho_rules::all().flat_map(check_docs).collect();
    assert!(failures.is_empty(), "\n{}\n", failures.join("\n"));
}
