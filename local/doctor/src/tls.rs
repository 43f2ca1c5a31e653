//! The certificate of a server, seen with the eyes of a client that trusts the usual roots.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::client::danger::ServerCertVerifier;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use tokio_rustls::rustls::{CertificateError, ClientConfig, Error, RootCertStore};

const HANDSHAKE: Duration = Duration::from_secs(10);
const DAY_SECONDS: i64 = 24 * 60 * 60;
/// After the end of every certificate: RFC 5280 has no later year than 9999.
const END_OF_TIMES: UnixTime = UnixTime::since_unix_epoch(Duration::from_secs(253_402_300_799));

/// A certificate that is trusted, and the protocol that it was shown in: 1.2 at least.
#[derive(Debug, PartialEq, Eq)]
pub struct Seen {
    /// As in `TLS 1.3`.
    pub version: &'static str,
    /// Whole days until the certificate ends.
    pub days_left: i64,
}

/// Why phones will not speak to this server.
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What is wrong.
    pub seen: String,
    /// What to do.
    pub advice: &'static str,
}

/// The roots that this machine trusts; those that cannot be read are left out.
pub fn roots_of_this_machine() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

/// Shakes hands, and looks at the certificate of `host`. Intermediate certificates that are not sent are not looked for,
/// as WeChat on Android does not look for them.
///
/// # Errors
/// Where there is no handshake within 10 s, or the certificate is not to be trusted.
pub async fn inspect(connection: TcpStream, host: &str, roots: RootCertStore, now: Timestamp) -> Result<Seen, Refusal> {
    let crypto = Arc::new(ring::default_provider());
    let roots = Arc::new(roots);
    let config = ClientConfig::builder_with_provider(Arc::clone(&crypto)).with_safe_default_protocol_versions();
    let config = config.map_err(|error| refusal(&error))?.with_root_certificates(Arc::clone(&roots));
    let config = config.with_no_client_auth();
    let name = ServerName::try_from(host.to_owned())
        .map_err(|_| Refusal { seen: format!("{host} is no name for a certificate"), advice: ADVICE_NAME })?;

    let handshake = TlsConnector::from(Arc::new(config)).connect(name.clone(), connection);
    let stream = timeout(HANDSHAKE, handshake).await;
    let stream =
        stream.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())).map_err(|error| handshake_refusal(&error))?;
    let (_, session) = stream.get_ref();
    let version = match session.protocol_version() {
        Some(tokio_rustls::rustls::ProtocolVersion::TLSv1_3) => "TLS 1.3",
        _ => "TLS 1.2",
    };
    let chain = session.peer_certificates().unwrap_or_default();
    let days_left = end_of(chain, &name, roots, crypto).map_or(0, |end| (end - now.as_second()) / DAY_SECONDS);
    Ok(Seen { version, days_left })
}

const ADVICE_NAME: &str = "give the server a certificate for the name that mini-programs call";
const ADVICE_CHAIN: &str = "use a certificate of a public authority and send its intermediate certificates, too";
const ADVICE_END: &str = "renew the certificate";
const ADVICE_CLOCK: &str = "look at the clock of this machine, and at the certificate";
const ADVICE_TLS: &str = "WeChat needs TLS 1.2 or newer on this port";

fn handshake_refusal(error: &io::Error) -> Refusal {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(error) => refusal(error),
        None => Refusal { seen: format!("no TLS handshake ({error})"), advice: ADVICE_TLS },
    }
}

fn refusal(error: &Error) -> Refusal {
    let Error::InvalidCertificate(certificate) = error else {
        return Refusal { seen: format!("no TLS handshake ({error})"), advice: ADVICE_TLS };
    };
    let (seen, advice) = match certificate {
        // A bad signature is that of an authority with a trusted one's name.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            ("its certificate is not signed by an authority that this machine trusts".to_owned(), ADVICE_CHAIN)
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            ("its certificate has ended".to_owned(), ADVICE_END)
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            ("its certificate is not valid yet".to_owned(), ADVICE_CLOCK)
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            ("its certificate is for another name".to_owned(), ADVICE_NAME)
        }
        other => (format!("its certificate is not to be trusted ({other})"), ADVICE_CHAIN),
    };
    Refusal { seen, advice }
}

/// When a trusted certificate ends. The verifier does not say so of a valid one, but it does of one that has ended, and
/// at the end of times every one has.
fn end_of(
    chain: &[CertificateDer<'_>],
    name: &ServerName<'_>,
    roots: Arc<RootCertStore>,
    crypto: Arc<CryptoProvider>,
) -> Option<i64> {
    let (certificate, intermediates) = chain.split_first()?;
    let verifier = WebPkiServerVerifier::builder_with_provider(roots, crypto).build().ok()?;
    match verifier.verify_server_cert(certificate, intermediates, name, &[], END_OF_TIMES) {
        Err(Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) => {
            i64::try_from(not_after.as_secs()).ok()
        }
        _ => None,
    }
}
