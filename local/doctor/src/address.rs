use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use http::Uri;

/// An `http` or `https` address of a server, with or without a path and a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address(Uri);

/// The text is not such an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MalformedAddress;

impl fmt::Display for MalformedAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an address begins with https:// or http:// and a host")
    }
}

impl std::error::Error for MalformedAddress {}

impl FromStr for Address {
    type Err = MalformedAddress;

    fn from_str(text: &str) -> Result<Self, MalformedAddress> {
        let uri: Uri = text.parse().map_err(|_| MalformedAddress)?;
        let is_http = matches!(uri.scheme_str(), Some("http" | "https"));
        let has_host = uri.host().is_some_and(|host| !host.is_empty());
        if is_http && has_host { Ok(Self(uri)) } else { Err(MalformedAddress) }
    }
}

impl Address {
    pub(crate) fn is_https(&self) -> bool {
        self.0.scheme_str() == Some("https")
    }

    /// Without the brackets of an IPv6 address.
    pub(crate) fn host(&self) -> &str {
        self.0.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']')
    }

    pub(crate) fn port(&self) -> u16 {
        self.0.port_u16().unwrap_or(if self.is_https() { 443 } else { 80 })
    }

    pub(crate) fn authority(&self) -> &str {
        self.0.authority().map_or("", |authority| authority.as_str())
    }

    /// Whether it leads to this machine or its own network, as `make local` does.
    pub(crate) fn is_local(&self) -> bool {
        match self.host().parse() {
            Ok(IpAddr::V4(ip)) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
            Ok(IpAddr::V6(ip)) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
            Err(_) => self.host() == "localhost",
        }
    }

    /// Scheme, host and port.
    pub(crate) fn origin(&self) -> String {
        format!("{}://{}", self.0.scheme_str().unwrap_or("https"), self.authority())
    }

    /// Path and query, as they are sent.
    pub(crate) fn target(&self) -> &str {
        self.0.path_and_query().map_or("/", |target| target.as_str())
    }

    pub(crate) fn path(&self) -> &str {
        self.0.path()
    }

    /// The value of a parameter of the query, as it is written.
    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        let pairs = self.0.query().unwrap_or_default().split('&');
        pairs.filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// The address of `target`, a path with or without a query, below this one.
    ///
    /// # Errors
    /// Where `target` has characters that are not of an address.
    pub(crate) fn below(&self, target: &str) -> Result<Self, MalformedAddress> {
        format!("{}{}{target}", self.origin(), self.path().trim_end_matches('/')).parse()
    }

    /// The same without the query.
    pub(crate) fn without_query(&self) -> Result<Self, MalformedAddress> {
        format!("{}{}", self.origin(), self.path()).parse()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin(), self.target().trim_end_matches('/'))
    }
}
