//! Whether a phone gets in at all: name, connection, certificate.

use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::rustls::RootCertStore;

use crate::address::Address;
use crate::client::{Client, Request};
use crate::finding::{Checked, Trouble};
use crate::tls;

const CONNECT: Duration = Duration::from_secs(5);
/// A certificate that renews itself does so long before.
const RENEWED_BY_THEN_DAYS: i64 = 14;

pub(crate) async fn check(client: &Client, front: &Address, roots: &RootCertStore) -> Checked {
    let connection = connect(front).await?;
    if !front.is_https() {
        is_let_in(client, front).await?;
        return if front.is_local() {
            Ok("answers, without TLS: enough on this machine and its network".to_owned())
        } else {
            Err(Trouble::fail("answers without TLS", "WeChat calls https only: give the https address"))
        };
    }
    let seen = tls::inspect(connection, front.host(), roots.clone(), platform::clock::now()).await;
    let tls::Seen { version, days_left } = seen.map_err(|refusal| Trouble::fail(refusal.seen, refusal.advice))?;
    is_let_in(client, front).await?;
    if days_left < RENEWED_BY_THEN_DAYS {
        let seen = format!("answers over {version}, but its certificate ends in {days_left} days");
        return Err(Trouble::warn(seen, "see why it was not renewed: with ACM, whether the DNS record is still there"));
    }
    Ok(format!("answers over {version}, with a trusted certificate for another {days_left} days"))
}

/// Whether a function is asked at all. API Gateway refuses in a shape of its own.
async fn is_let_in(client: &Client, front: &Address) -> Result<(), Trouble> {
    let answer = client.send(Request::get(front.below("/session")?)).await?;
    if answer.text_field("error").is_some() {
        return Ok(());
    }
    match answer.status {
        403 => Err(Trouble::fail(
            "403 before any function was asked",
            "in Beijing and Ningxia API Gateway answers so until the account has an ICP record (docs/china.md); elsewhere \
             look at what stands before the API, a WAF say",
        )),
        404 => Err(Trouble::fail(
            "404 of API Gateway itself",
            "give the own domain where DefaultEndpoint is closed, else compare the address with the stack's output ApiUrl",
        )),
        _ => Ok(()),
    }
}

async fn connect(front: &Address) -> Result<TcpStream, Trouble> {
    let (host, port) = (front.host(), front.port());
    let found = lookup_host((host, port)).await.map(Iterator::collect::<Vec<_>>);
    let addresses = found.map_err(|error| {
        Trouble::fail(format!("the name {host} is not found ({error})"), "look at its DNS record and at the spelling")
    })?;
    let advice = "look at the address, at firewalls, and whether it is running";
    match timeout(CONNECT, TcpStream::connect(&*addresses)).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(error)) => Err(Trouble::fail(format!("no connection to {host} port {port} ({error})"), advice)),
        Err(_) => Err(Trouble::fail(format!("no connection to {host} port {port} within 5 s"), advice)),
    }
}
