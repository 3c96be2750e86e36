use super::description::OPENAPI;

/// `UPDATE_OPENAPI=1` writes it anew.
#[test]
fn the_description_in_the_repository_is_the_one_that_is_served() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(path, OPENAPI.as_str()).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), *OPENAPI);
}
