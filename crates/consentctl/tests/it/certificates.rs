//! How long certificates are good for, as `check` finds it.

use std::path::Path;

use assent_dev_stack::{NatsServer, NatsUser, ReservedPort};
use rcgen::{CertificateParams, KeyPair};

use crate::check::checks;
use crate::fixture::Fixture;

/// Certificates of any age, in files.
pub(crate) struct Certificates(tempfile::TempDir);

impl Certificates {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }

    /// Writes a certificate that is good for so many days, and its key beside it.
    pub(crate) fn write(&self, name: &str, days: i64) -> String {
        let key = KeyPair::generate().unwrap();
        let mut parameters = CertificateParams::new(["localhost".to_owned()]).unwrap();
        let now = std::time::SystemTime::now();
        let day = std::time::Duration::from_hours(24);
        let far = day * u32::try_from(days.unsigned_abs()).unwrap();
        parameters.not_before = (now - day * 400).into();
        parameters.not_after = if days < 0 { now - far } else { now + far }.into();
        let certificate = parameters.self_signed(&key).unwrap();
        let path = self.path(name);
        std::fs::write(&path, certificate.pem()).unwrap();
        std::fs::write(format!("{path}.key"), key.serialize_pem()).unwrap();
        path
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_in_files_are_read_and_aged() {
    let fixture = Fixture::start().await;
    let certificates = Certificates::new();
    let (good, soon, over) = (
        certificates.write("good.pem", 200),
        certificates.write("soon.pem", 10),
        certificates.write("over.pem", -2),
    );
    let both = certificates.path("both.pem");
    let chain = [&good, &over].map(|path| std::fs::read_to_string(path).unwrap());
    std::fs::write(&both, chain.concat()).unwrap();
    let nothing = certificates.path("nothing.pem");
    std::fs::write(&nothing, "").unwrap();
    let gone = certificates.path("gone.pem");
    for (file, severity, says) in [
        (&good, "ok", "good until"),
        (&soon, "warning", "expires in 9 days"),
        (&over, "critical", "expired at"),
        (&both, "critical", "expired at"),
        (&nothing, "critical", "no certificate is in the file"),
        (&gone, "critical", "No such file"),
        // A key is no certificate, and is not repeated.
        (
            &format!("{good}.key"),
            "critical",
            "no certificate is in the file",
        ),
    ] {
        let told = fixture
            .json(&["check", "--quick", "--certificate", file])
            .await;
        let told = told["checks"].as_array().unwrap().iter();
        let [check] = told
            .filter(|check| check["check"] == "certificate")
            .collect::<Vec<_>>()[..]
        else {
            panic!("{file}");
        };
        assert_eq!(check["severity"], severity, "{check}");
        assert!(check["says"].as_str().unwrap().contains(says), "{check}");
        assert_eq!(check["name"], format!("certificate {file}"), "{check}");
    }
}

/// A server that shows the certificate of that file.
async fn with_tls(certificate: &str) -> NatsServer {
    let port = "port: $ASSENT_NATS_PORT".to_owned();
    let tls =
        format!("{port}\ntls {{ cert_file: \"{certificate}\", key_file: \"{certificate}.key\" }}");
    let reserved = ReservedPort::pick().unwrap();
    NatsServer::start_changed_on(reserved, &[(port, tls)])
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_servers_certificate_is_seen_also_once_it_has_expired() {
    let certificates = Certificates::new();
    for (days, connects, severity, says) in [
        (200, true, "ok", "good until"),
        (10, true, "warning", "expires in 9 days"),
        (-2, false, "critical", "expired at"),
    ] {
        let certificate = certificates.write("server.pem", days);
        let server = with_tls(&certificate).await;
        let url = server.url().replace("127.0.0.1", "localhost");
        let found = checks(&["check"], |command| {
            command.envs(server.environment(NatsUser::Operator));
            command.env("ASSENT_NATS_URL", &url);
            command.env("ASSENT_NATS_CA_FILE", Path::new(&certificate));
        })
        .await;
        assert_eq!(found["nats"][0]["ok"], connects, "{found:#?}");
        let check = &found["certificate"][0];
        assert_eq!(check["severity"], severity, "{check}");
        assert!(check["says"].as_str().unwrap().contains(says), "{check}");
        assert_eq!(check["name"], format!("certificate of {url}"));
    }
}
