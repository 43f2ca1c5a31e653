//! A front door with certificates that `make.py` made.

use std::sync::Arc;

use doctor::tls::{Refusal, Seen, inspect};
use doctor::{Verdict, Visit};
use jiff::Timestamp;
use platform::clock;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use crate::{complaints, findings_of, names, visit_of};

const AUTHORITY: &[u8] = include_bytes!("authority.der");
const GOOD: &[u8] = include_bytes!("good.der");
const ENDED: &[u8] = include_bytes!("ended.der");
const ANOTHER_NAME: &[u8] = include_bytes!("another_name.der");
const SELF_SIGNED: &[u8] = include_bytes!("self_signed.der");
const KEY: &[u8] = include_bytes!("key.der");

/// The roots of a client that trusts the test authority.
fn roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(AUTHORITY)).expect("a root");
    roots
}

/// The port of a server that shows this certificate.
#[expect(clippy::disallowed_methods, reason = "a server of a test runs beside it")]
async fn serve(certificate: &'static [u8]) -> u16 {
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let config = config.with_safe_default_protocol_versions().expect("protocols").with_no_client_auth();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(KEY));
    let config = config.with_single_cert(vec![certificate.into()], key).expect("a certificate with its key");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("its address").port();
    tokio::spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            // A client that distrusts the certificate hangs up in the middle.
            let _ = acceptor.accept(connection).await;
        }
    });
    port
}

async fn look_at(certificate: &'static [u8]) -> Result<Seen, Refusal> {
    let port = serve(certificate).await;
    let connection = TcpStream::connect(("127.0.0.1", port)).await.expect("a connection");
    inspect(connection, "localhost", roots(), clock::now()).await
}

#[tokio::test]
async fn a_trusted_certificate_says_when_it_ends() {
    let seen = look_at(GOOD).await.expect("a trusted certificate");

    let end: Timestamp = "2999-12-31T00:00:00Z".parse().expect("a time");
    let days_left = (end.as_second() - clock::now().as_second()) / 86400;
    assert_eq!(seen, Seen { version: "TLS 1.3", days_left });
}

#[tokio::test]
async fn a_certificate_that_has_ended_is_refused() {
    assert_eq!(look_at(ENDED).await.expect_err("a refusal").seen, "its certificate has ended");
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    assert_eq!(look_at(ANOTHER_NAME).await.expect_err("a refusal").seen, "its certificate is for another name");
}

#[tokio::test]
async fn a_self_signed_certificate_closes_the_front_door() {
    let front = format!("https://localhost:{}", serve(SELF_SIGNED).await);

    let findings = findings_of(Visit { roots: roots(), ..visit_of(&front) }).await;

    assert_eq!(names(&findings, Verdict::Fail), ["front door"]);
    let complaint = &complaints(&findings)[0];
    assert!(complaint.contains("not signed by an authority that this machine trusts"), "{complaint}");
}

#[tokio::test]
async fn a_port_without_tls_is_told_apart_from_a_bad_certificate() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("its address").port();
    let connection = TcpStream::connect(("127.0.0.1", port)).await.expect("a connection");
    drop(listener.accept().await.expect("a caller"));

    let refusal = inspect(connection, "localhost", roots(), clock::now()).await.expect_err("a refusal");

    assert!(refusal.seen.starts_with("no TLS handshake"), "{}", refusal.seen);
}
