use std::io::Write as _;

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::*;

const VARIABLES: &[Variable] = &[
    variable("ASSENT_LISTEN", Some("127.0.0.1:8080")),
    variable("ASSENT_NATS_PASSWORD", None),
    variable("ASSENT_NATS_REPLICAS", Some("1")),
    variable("ASSENT_PUBLIC_URL", None),
    variable("ASSENT_RETURN_ORIGINS", Some("")),
    variable("ASSENT_NATS_USER", None),
];

/// Of this program and of others.
const KNOWN: &[&str] = &[
    "ASSENT_ENTRA_CLIENT_SECRET_FILE",
    "ASSENT_GRAPH_URL",
    "ASSENT_LISTEN",
    "ASSENT_NATS_PASSWORD",
    "ASSENT_NATS_PASSWORD_FILE",
    "ASSENT_NATS_REPLICAS",
    "ASSENT_NATS_USER",
    "ASSENT_PUBLIC_URL",
    "ASSENT_RETURN_ORIGINS",
];

const fn variable(name: &'static str, default: Option<&'static str>) -> Variable {
    Variable {
        name,
        help: "what it is",
        default,
        secret: matches!(name.as_bytes(), b"ASSENT_NATS_PASSWORD"),
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    listen: ListenAddress,
    nats_password: Option<SecretString>,
    nats_replicas: u8,
    nats_user: Option<String>,
    public_url: HttpUrl,
    #[serde(default)]
    return_origins: CommaSeparated<Origin>,
}

const URL: (&str, &str) = ("ASSENT_PUBLIC_URL", "https://assent.example");

fn loaded(environment: &[(&str, &str)], file: Option<&str>) -> Result<Config, String> {
    let directory = tempfile::tempdir().unwrap();
    let path = file.map(|text| {
        let path = directory.path().join("config.toml");
        std::fs::write(&path, text).unwrap();
        path
    });
    let environment = environment
        .iter()
        .map(|(name, value)| (OsString::from(name), OsString::from(value)));
    load(VARIABLES, KNOWN, environment, path.as_deref()).map_err(|error| error.to_string())
}

#[test]
fn defaults_file_and_environment_are_taken_in_this_order() {
    let config = loaded(&[URL], None).unwrap();
    assert_eq!(config.listen, "127.0.0.1:8080".parse().unwrap());
    assert_eq!(config.nats_replicas, 1);
    assert!(config.nats_password.is_none());
    assert!(config.return_origins.as_slice().is_empty());

    let file = "listen = \"127.0.0.1:1\"\nnats_replicas = 3\n\
                public_url = \"https://file.example\"\n\
                return_origins = [\"https://a.example\", \"http://localhost:1\"]\n\
                graph_url = \"another program reads it\"\n";
    let config = loaded(&[], Some(file)).unwrap();
    assert_eq!(config.listen, "127.0.0.1:1".parse().unwrap());
    assert_eq!(config.nats_replicas, 3);
    assert_eq!(config.return_origins.as_slice().len(), 2);

    let config = loaded(
        &[
            ("ASSENT_LISTEN", "[::1]:2"),
            ("ASSENT_NATS_REPLICAS", "5"),
            ("ASSENT_NATS_USER", "12345"),
            (
                "ASSENT_RETURN_ORIGINS",
                "https://b.example, https://c.example",
            ),
        ],
        Some(file),
    )
    .unwrap();
    assert_eq!(config.listen, "[::1]:2".parse().unwrap());
    assert_eq!(config.nats_replicas, 5);
    assert_eq!(config.nats_user.as_deref(), Some("12345"));
    assert_eq!(config.return_origins.as_slice().len(), 2);
    assert_eq!(config.public_url.as_str(), "https://file.example");
}

#[test]
fn an_empty_value_counts_as_unset() {
    let config = loaded(
        &[URL, ("ASSENT_LISTEN", ""), ("ASSENT_NATS_PASSWORD", "")],
        None,
    )
    .unwrap();
    assert_eq!(config.listen, "127.0.0.1:8080".parse().unwrap());
    assert!(config.nats_password.is_none());
}

#[test]
fn names_of_other_programs_and_of_others_altogether_are_ignored() {
    let others = [
        URL,
        ("ASSENT_GRAPH_URL", "nonsense"),
        ("ASSENT_ENTRA_CLIENT_SECRET_FILE", "/nowhere"),
        ("ASSENT", "x"),
        ("PATH", "x"),
    ];
    assert!(loaded(&others, None).is_ok());
}

#[test]
fn every_mistake_is_named_and_no_value_repeated() {
    for (environment, file, expected) in [
        (
            &[("ASSENT_LISTN", "hunter2")][..],
            None,
            "the variable ASSENT_LISTN is not known; did you mean ASSENT_LISTEN?",
        ),
        (
            &[("ASSENT_LISTEN_FILE", "x")],
            None,
            "the variable ASSENT_LISTEN_FILE is not known; did you mean ASSENT_LISTEN?",
        ),
        (
            &[("ASSENT_QQQQQQQQQQQQ", "x")],
            None,
            "the variable ASSENT_QQQQQQQQQQQQ is not known",
        ),
        (
            &[],
            Some("listn = 1"),
            "the configuration file's key listn is not known; did you mean ASSENT_LISTEN?",
        ),
        (
            &[],
            Some("Listen = 1"),
            "the configuration file's key Listen is not known; did you mean ASSENT_LISTEN?",
        ),
        (&[], None, "ASSENT_PUBLIC_URL is required: what it is"),
        (
            &[("ASSENT_PUBLIC_URL", "hunter2")],
            None,
            "ASSENT_PUBLIC_URL: expected an https URL",
        ),
        (
            &[("ASSENT_PUBLIC_URL", "http://a.example")],
            None,
            "ASSENT_PUBLIC_URL: expected an https URL (http only for localhost, 127.0.0.0/8 and [::1])",
        ),
        (
            &[URL, ("ASSENT_LISTEN", "hunter2")],
            None,
            "ASSENT_LISTEN: expected an address and a port such as 127.0.0.1:8080",
        ),
        (
            &[URL, ("ASSENT_NATS_REPLICAS", "hunter2")],
            None,
            "ASSENT_NATS_REPLICAS: expected u8",
        ),
        (
            &[URL, ("ASSENT_NATS_REPLICAS", "256")],
            None,
            "ASSENT_NATS_REPLICAS: expected u8",
        ),
        (
            &[URL, ("ASSENT_RETURN_ORIGINS", "https://a.example/path")],
            None,
            "ASSENT_RETURN_ORIGINS: expected an origin, scheme://host[:port] with no path, query or user",
        ),
        (
            &[URL],
            Some("nats_password = 5"),
            "ASSENT_NATS_PASSWORD: expected a string",
        ),
    ] {
        assert_eq!(loaded(environment, file).unwrap_err(), expected);
    }
}

#[test]
fn broken_toml_is_refused_without_quoting_it() {
    let error = loaded(&[URL], Some("nats_password = hunter2")).unwrap_err();
    assert!(error.contains("config.toml is not valid TOML"), "{error}");
    assert!(!error.contains("hunter2"), "{error}");
    let missing =
        load::<Config>(VARIABLES, KNOWN, [], Some(Path::new("/nowhere.toml"))).unwrap_err();
    assert_eq!(
        missing.to_string(),
        "cannot read the configuration file /nowhere.toml"
    );
}

#[test]
fn a_secret_may_stand_in_a_file_of_its_own() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "hunter2").unwrap();
    let path = file.path().to_str().unwrap();
    let by_file = ("ASSENT_NATS_PASSWORD_FILE", path);

    let config = loaded(&[URL, by_file], None).unwrap();
    assert_eq!(
        config.nats_password.as_ref().unwrap().expose_secret(),
        "hunter2"
    );
    assert!(!format!("{config:?}").contains("hunter2"));

    let key = format!("nats_password_file = \"{path}\"");
    let config = loaded(&[URL], Some(&key)).unwrap();
    assert_eq!(config.nats_password.unwrap().expose_secret(), "hunter2");

    assert_eq!(
        loaded(&[URL, by_file, ("ASSENT_NATS_PASSWORD", "x")], None).unwrap_err(),
        "ASSENT_NATS_PASSWORD and ASSENT_NATS_PASSWORD_FILE are both set; set one"
    );
    assert_eq!(
        loaded(&[URL, ("ASSENT_NATS_PASSWORD_FILE", "/nowhere")], None).unwrap_err(),
        "ASSENT_NATS_PASSWORD_FILE: cannot read /nowhere"
    );
}

#[test]
fn what_editors_and_other_systems_put_around_a_value_is_no_part_of_it() {
    let set = [
        ("ASSENT_PUBLIC_URL", " https://assent.example\r"),
        ("ASSENT_LISTEN", "[::1]:2\r\n"),
        ("ASSENT_NATS_USER", "gateway\r"),
        ("ASSENT_NATS_PASSWORD", "hunter2\r"),
        ("ASSENT_NATS_REPLICAS", "3 "),
        ("ASSENT_RETURN_ORIGINS", " \r\n"),
    ];
    let config = loaded(&set, None).unwrap();
    assert_eq!(config.public_url.as_str(), "https://assent.example");
    assert_eq!(config.listen, "[::1]:2".parse().unwrap());
    assert_eq!(config.nats_user.as_deref(), Some("gateway"));
    assert_eq!(config.nats_password.unwrap().expose_secret(), "hunter2");
    assert_eq!(config.nats_replicas, 3);
    assert!(config.return_origins.as_slice().is_empty());

    for text in ["hunter2\r\n", "\u{feff}hunter2\n", " hunter2 \n\n"] {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        write!(file, "{text}").unwrap();
        let path = format!("{}\r", file.path().to_str().unwrap());
        let config = loaded(&[URL, ("ASSENT_NATS_PASSWORD_FILE", &path)], None).unwrap();
        assert_eq!(config.nats_password.unwrap().expose_secret(), "hunter2");
    }
}

#[test]
fn quotation_marks_that_no_shell_took_off_are_told() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "'hunter2'").unwrap();
    for (name, value) in [
        ("ASSENT_NATS_USER", "\"gateway\""),
        ("ASSENT_NATS_PASSWORD", "'hunter2'"),
        ("ASSENT_NATS_PASSWORD_FILE", file.path().to_str().unwrap()),
    ] {
        let refused = loaded(&[URL, (name, value)], None).unwrap_err();
        assert!(refused.contains("quotation marks"), "{refused}");
        assert!(
            refused.contains(name.trim_end_matches("_FILE")),
            "{refused}"
        );
        assert!(!refused.contains("hunter2"), "{refused}");
    }
    let marks_within = loaded(&[URL, ("ASSENT_NATS_PASSWORD", "it's \"so\"")], None).unwrap();
    assert_eq!(
        marks_within.nats_password.unwrap().expose_secret(),
        "it's \"so\""
    );
}
