//! How the local stack is told where to be.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::time::Duration;

use emulators::{Data, Ports};
use platform::config::{Variable, Variables};

static LOCAL_HOST: Variable = Variable {
    name: "LOCAL_HOST",
    meaning: "Address of this machine on which the local stack listens; a phone needs the one in the LAN, which 0.0.0.0 stands for.",
    default: Some("127.0.0.1"),
};
static LOCAL_PORT: Variable = Variable {
    name: "LOCAL_PORT",
    meaning: "Port of the local gateway; the other services take the five after it. 0 takes free ones.",
    default: Some("8787"),
};
static LOCAL_DATA: Variable = Variable {
    name: "LOCAL_DATA",
    meaning: "Directory in which the local stack keeps its data; `:memory:` keeps none.",
    default: Some("target/local"),
};
static LOCAL_DELIVERIES: Variable = Variable {
    name: "LOCAL_DELIVERIES",
    meaning: "How often each event of S3 and of the tables' streams reaches its function: 2 shows that it can bear it; 0 for not at all.",
    default: Some("1"),
};
static LOCAL_PATIENCE: Variable = Variable {
    name: "LOCAL_PATIENCE",
    meaning: "How many times longer than on AWS the local functions wait and may take: for a machine that is busy with other things.",
    default: Some("1"),
};
static LOCAL_SCHEDULE_SECONDS: Variable = Variable {
    name: "LOCAL_SCHEDULE_SECONDS",
    meaning: "How many seconds pass between two calls of a function that is called each minute in the cloud: 1 to 86400.",
    default: Some("60"),
};
static LOCAL_JSON: Variable = Variable {
    name: "LOCAL_JSON",
    meaning: "`1` makes the local stack print its addresses as one line of JSON.",
    default: None,
};
static LOCAL_WECHAT_SECRET: Variable = Variable {
    name: "LOCAL_WECHAT_SECRET",
    meaning: "The value that the local Secrets Manager gives for WeChat's app secret.",
    default: None,
};

static ALL: [&Variable; 8] = [
    &LOCAL_HOST,
    &LOCAL_PORT,
    &LOCAL_DATA,
    &LOCAL_DELIVERIES,
    &LOCAL_PATIENCE,
    &LOCAL_SCHEDULE_SECONDS,
    &LOCAL_JSON,
    &LOCAL_WECHAT_SECRET,
];

/// How often the ports may be counted up from the gateway's.
const SERVICES_AFTER_THE_GATEWAY: u16 = 5;

/// Everything the local stack is told.
#[derive(Clone, PartialEq, Eq)]
pub struct Settings {
    /// The address that everything listens on.
    pub host: IpAddr,
    /// The gateway's port; 0 takes free ones for all.
    pub port: u16,
    /// Where rows and objects are kept.
    pub data: Data,
    /// How often each event is delivered.
    pub deliveries: u64,
    /// How many times longer than on AWS the functions wait and may take.
    pub patience: u32,
    /// How often scheduled functions are called.
    pub schedule: Duration,
    /// Whether a program reads what is printed.
    pub json: bool,
    /// WeChat's app secret, where another than the stack's own is wanted.
    pub wechat_secret: Option<String>,
}

/// Leaves the secret out.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("data", &self.data)
            .field("deliveries", &self.deliveries)
            .field("patience", &self.patience)
            .field("schedule", &self.schedule)
            .field("json", &self.json)
            .finish_non_exhaustive()
    }
}

impl Settings {
    /// Reads all of it.
    pub fn read(variables: &mut Variables<'_>) -> Self {
        let host = variables.required(&LOCAL_HOST);
        let host = host.parse().unwrap_or_else(|_| {
            variables.problem(&LOCAL_HOST, "must be an IP address of this machine");
            Ipv4Addr::LOCALHOST.into()
        });
        let last_port = u64::from(u16::MAX - SERVICES_AFTER_THE_GATEWAY);
        let port = variables.number(&LOCAL_PORT, 0..=last_port);
        Self {
            host,
            port: u16::try_from(port).unwrap_or_default(),
            data: match variables.required(&LOCAL_DATA).as_str() {
                ":memory:" => Data::Memory,
                path => Data::Directory(PathBuf::from(path)),
            },
            deliveries: variables.number(&LOCAL_DELIVERIES, 0..=9),
            patience: u32::try_from(variables.number(&LOCAL_PATIENCE, 1..=100)).unwrap_or(1),
            schedule: Duration::from_secs(variables.number(&LOCAL_SCHEDULE_SECONDS, 1..=86400)),
            json: variables.optional(&LOCAL_JSON).is_some_and(|value| value == "1"),
            wechat_secret: variables.optional(&LOCAL_WECHAT_SECRET),
        }
    }

    /// The same, but on the address that other machines find this one under, where it was to listen on all of them: no phone
    /// can open a URL with 0.0.0.0 in it.
    ///
    /// # Errors
    /// This machine has no such address.
    pub fn on_an_address(mut self) -> Result<Self, NoAddress> {
        if self.host.is_unspecified() {
            self.host = outward_address(self.host).map_err(|_| NoAddress(self.host))?;
        }
        Ok(self)
    }

    pub(crate) fn emulators_ports(&self) -> Ports {
        Ports {
            dynamodb: self.port_after(1),
            s3: self.port_after(2),
            secretsmanager: self.port_after(3),
            wechat: self.port_after(4),
        }
    }

    pub(crate) fn lambda_port(&self) -> u16 {
        self.port_after(SERVICES_AFTER_THE_GATEWAY)
    }

    fn port_after(&self, count: u16) -> u16 {
        if self.port == 0 { 0 } else { self.port.saturating_add(count) }
    }
}

/// No address of this machine was found that others could open.
#[derive(Debug, thiserror::Error)]
#[error(
    "LOCAL_HOST={0} is no address that a phone could open, and this machine was found to have none: give it, as in LOCAL_HOST=192.168.1.20"
)]
pub struct NoAddress(IpAddr);

/// The address from which this machine would send something to the internet. Nothing is sent: a datagram socket is told where
/// to, and the system chooses from where.
fn outward_address(host: IpAddr) -> std::io::Result<IpAddr> {
    // Addresses that documentation is written with: nobody has them.
    let elsewhere = match host {
        IpAddr::V4(_) => IpAddr::from([192, 0, 2, 1]),
        IpAddr::V6(_) => Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into(),
    };
    let socket = UdpSocket::bind(SocketAddr::new(host, 0))?;
    socket.connect(SocketAddr::new(elsewhere, 9))?;
    Ok(socket.local_addr()?.ip())
}

/// Which of these variables look like ours and are not: a mistyped one would be without effect. They may be somebody else's (GitHub
/// Desktop sets `LOCAL_GIT_DIRECTORY`), so they are worth a word and no refusal.
pub fn unknown<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let is_unknown = |name: &&str| name.starts_with("LOCAL_") && ALL.iter().all(|known| known.name != *name);
    names.into_iter().filter(is_unknown).collect()
}

#[cfg(test)]
mod tests {
    use platform::config::{Problems, from_lookup};

    use super::*;

    fn with(values: &[(&str, &str)]) -> Result<Settings, Problems> {
        let lookup = |name: &str| values.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        from_lookup(&lookup, Settings::read)
    }

    #[test]
    fn untold_the_stack_is_at_home_and_keeps_its_data() {
        let settings = with(&[]).unwrap();

        assert_eq!((settings.host, settings.port), (Ipv4Addr::LOCALHOST.into(), 8787));
        assert_eq!(settings.data, Data::Directory("target/local".into()));
        assert_eq!(
            (settings.deliveries, settings.patience, settings.json, settings.wechat_secret),
            (1, 1, false, None)
        );
    }

    #[test]
    fn the_services_follow_the_gateway_port_by_port() {
        let settings = with(&[("LOCAL_PORT", "9000")]).unwrap();

        let ports = Ports { dynamodb: 9001, s3: 9002, secretsmanager: 9003, wechat: 9004 };
        assert_eq!((settings.emulators_ports(), settings.lambda_port()), (ports, 9005));
    }

    #[test]
    fn port_0_is_a_free_one_for_every_service() {
        let settings = with(&[("LOCAL_PORT", "0"), ("LOCAL_DATA", ":memory:")]).unwrap();

        assert_eq!((settings.emulators_ports(), settings.lambda_port()), (Ports::default(), 0));
        assert_eq!(settings.data, Data::Memory);
    }

    #[test]
    fn the_secret_is_not_in_what_is_printed() {
        let settings = with(&[("LOCAL_WECHAT_SECRET", "s3cret")]).unwrap();

        assert_eq!(settings.wechat_secret.as_deref(), Some("s3cret"));
        assert!(!format!("{settings:?}").contains("s3cret"));
    }

    #[test]
    fn a_mistyped_variable_is_told_from_ours_and_from_others() {
        let names = ["PATH", "LOCAL_PROT", "LOCAL_PORT", "LOCALE", "LOCAL_"];

        assert_eq!(unknown(names), ["LOCAL_PROT", "LOCAL_"]);
    }

    #[test]
    fn every_variable_that_is_read_is_known() {
        assert_eq!(platform::config::variables(Settings::read), ALL);
    }

    #[test]
    fn all_addresses_stand_for_the_one_that_others_find() {
        let told = with(&[("LOCAL_HOST", "192.0.2.7")]).unwrap();
        assert_eq!(told.clone().on_an_address().unwrap(), told);

        match with(&[("LOCAL_HOST", "0.0.0.0")]).unwrap().on_an_address() {
            Ok(found) => assert!(!found.host.is_unspecified() && !found.host.is_loopback(), "{found:?}"),
            Err(none) => assert!(none.to_string().contains("LOCAL_HOST=192.168.1.20"), "{none}"),
        }
    }

    #[test]
    fn an_address_and_a_port_that_are_none_are_refused_at_once() {
        let problems = with(&[("LOCAL_HOST", "my-laptop"), ("LOCAL_PORT", "65531")]).unwrap_err();

        assert_eq!(problems.0.len(), 2, "{problems}");
    }
}
