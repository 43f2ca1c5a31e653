use serde::Deserialize;

/// The schedule's event. When it was sent does not matter: another comes a minute later.
#[derive(Debug, Deserialize)]
pub struct Event {
    #[serde(rename = "detail-type")]
    _detail_type: DetailType,
}

#[derive(Debug, Deserialize)]
enum DetailType {
    #[serde(rename = "Scheduled Event")]
    Scheduled,
}
