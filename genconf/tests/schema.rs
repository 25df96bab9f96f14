//! The committed schema is the one the types describe.

use std::fs;
use std::path::Path;

#[test]
fn the_committed_schema_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema/topology.schema.json");
    let made = format!("{:#}\n", genconf::topology::language_schema());
    if std::env::var_os("BLESS").is_some() {
        fs::write(&path, &made).expect("a file can be written");
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        made == committed,
        "genconf/schema/topology.schema.json is stale; run make bless"
    );
}
