//! TLS to the broker, both sides proven: a real mosquitto, with certificates that the `openssl` program makes for the test.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod link_support;

use lane_link::mqtt::{self, LinkEvent, LinkSettings, TlsFiles};
use link_support::{Broker, PATIENCE, link_settings};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tokio::time::timeout;

/// Authorities and what they signed, as files of one folder.
struct Certificates(tempfile::TempDir);

impl Certificates {
    fn make() -> Self {
        let made = Self(tempfile::tempdir().unwrap());
        for authority in ["ca", "other-ca"] {
            made.openssl(&["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj"])
                .arg(format!("/CN={authority}"))
                .args(&["-keyout", &format!("{authority}.key"), "-out", &format!("{authority}.pem")])
                .run();
        }
        made.sign("server", "ca", "subjectAltName=IP:127.0.0.1");
        made.sign("elsewhere", "ca", "subjectAltName=DNS:broker.example.vn");
        made.sign("lane", "ca", "extendedKeyUsage=clientAuth");
        made.sign("stranger", "other-ca", "extendedKeyUsage=clientAuth");
        made
    }

    fn openssl(&self, args: &[&str]) -> Openssl {
        let mut command = Command::new("openssl");
        command.args(args).current_dir(self.0.path());
        Openssl(command)
    }

    fn sign(&self, name: &str, authority: &str, extension: &str) {
        std::fs::write(self.file(&format!("{name}.ext")), format!("{extension}\n")).unwrap();
        self.openssl(&["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj"])
            .arg(format!("/CN={name}"))
            .args(&["-keyout", &format!("{name}.key"), "-out", &format!("{name}.csr")])
            .run();
        self.openssl(&["x509", "-req", "-days", "2", "-CAcreateserial", "-in", &format!("{name}.csr"), "-out", &format!("{name}.pem")])
            .args(&["-CA", &format!("{authority}.pem"), "-CAkey", &format!("{authority}.key"), "-extfile", &format!("{name}.ext")])
            .run();
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A broker that shows this certificate and wants one of `ca`.
    fn broker(&self, server: &str) -> Broker {
        let path = |name: String| self.file(&name).display().to_string();
        Broker::start(&format!(
            "cafile {}\ncertfile {}\nkeyfile {}\nrequire_certificate true\n",
            path("ca.pem".into()),
            path(format!("{server}.pem")),
            path(format!("{server}.key"))
        ))
    }

    fn client(&self, port: u16, authority: &str, identity: Option<&str>) -> LinkSettings {
        let mut settings = link_settings(port, "lane-1");
        settings.tls = Some(TlsFiles {
            ca_pem: self.file(&format!("{authority}.pem")),
            cert_pem: identity.map(|name| self.file(&format!("{name}.pem"))),
            key_pem: identity.map(|name| self.file(&format!("{name}.key"))),
        });
        settings
    }
}

struct Openssl(Command);

impl Openssl {
    fn arg(mut self, arg: String) -> Self {
        self.0.arg(arg);
        self
    }

    fn args(mut self, args: &[&str]) -> Self {
        self.0.args(args);
        self
    }

    fn run(mut self) {
        let done = self.0.stdin(Stdio::null()).output().expect("the openssl program is needed: make setup");
        assert!(done.status.success(), "{:?}: {}", self.0, String::from_utf8_lossy(&done.stderr));
    }
}

/// The first word of the link: up, or why not.
async fn first_word(settings: LinkSettings) -> Result<(), String> {
    let mut link = mqtt::begin(settings).unwrap();
    let heard = async {
        loop {
            match link.events.recv().await.expect("the link runs") {
                LinkEvent::Up { .. } => return Ok(()),
                LinkEvent::Down { reason } => return Err(reason),
                _ => {}
            }
        }
    };
    timeout(PATIENCE, heard).await.expect("up or down")
}

#[tokio::test]
async fn both_sides_are_proven_and_whoever_is_not_is_told_why() {
    let made = Certificates::make();
    let broker = made.broker("server");
    assert_eq!(first_word(made.client(broker.port, "ca", Some("lane"))).await, Ok(()));
    let error = first_word(made.client(broker.port, "other-ca", Some("lane"))).await.unwrap_err();
    assert!(error.contains("certificate verify failed"), "a broker of another authority: {error}");
    let error = first_word(made.client(broker.port, "ca", Some("stranger"))).await.unwrap_err();
    assert!(error.contains("may not believe our certificate"), "a lane of another authority: {error}");
    let error = first_word(made.client(broker.port, "ca", None)).await.unwrap_err();
    assert!(error.contains("may not believe our certificate"), "a lane without a certificate: {error}");
    let mut plain = made.client(broker.port, "ca", None);
    plain.tls = None;
    assert!(first_word(plain).await.is_err(), "no link without TLS to a broker that wants it");
}

#[tokio::test]
async fn a_broker_with_another_name_is_refused_though_its_authority_is_right() {
    let made = Certificates::make();
    let broker = made.broker("elsewhere");
    let error = first_word(made.client(broker.port, "ca", Some("lane"))).await.unwrap_err();
    assert!(error.contains("certificate verify failed") && error.contains("mismatch"), "{error}");
}

#[tokio::test]
async fn files_that_are_no_certificates_never_begin_a_link() {
    let made = Certificates::make();
    let mut settings = made.client(1, "ca", Some("lane"));
    std::fs::write(made.file("ca.pem"), "nothing").unwrap();
    let error = mqtt::begin(settings.clone()).unwrap_err().to_string();
    assert!(error.starts_with("TLS: "), "{error}");
    settings.tls = settings.tls.map(|files| TlsFiles { ca_pem: Path::new("/nowhere/ca.pem").to_owned(), ..files });
    let error = mqtt::begin(settings).unwrap_err().to_string();
    assert!(error.contains("/nowhere/ca.pem"), "{error}");
}
