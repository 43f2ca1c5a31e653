//! Whether the back end, S3 and this machine agree on the time: S3 refuses signatures that are off by 15 minutes.

use jiff::Timestamp;
use platform::clock;

use crate::address::Address;
use crate::client::{Client, Request};
use crate::finding::{Checked, Trouble};
use crate::images::Redirect;

const WARN_SECONDS: i64 = 60;
const FAIL_SECONDS: i64 = 5 * 60;

pub(crate) async fn check(client: &Client, front: &Address, redirect: Option<&Redirect>) -> Checked {
    let pictures = redirect.map(|redirect| redirect.location.without_query()).transpose()?;
    let mut widest = 0;
    for address in [Some(front.below("/session")?), pictures].into_iter().flatten() {
        let Some(skew) = skew(client, address.clone()).await? else {
            let seen = format!("{} sends no Date", address.authority());
            return Err(Trouble::warn(seen, "see what before it takes the header away"));
        };
        if skew.abs() >= i64::abs(widest) {
            widest = skew;
        }
    }
    judge(widest)
}

/// How many seconds the other clock is ahead of this one.
async fn skew(client: &Client, address: Address) -> Result<Option<i64>, Trouble> {
    let sent = clock::now();
    let answer = client.send(Request::get(address)).await?;
    let halfway = sent.as_second().midpoint(clock::now().as_second());
    Ok(answer.date().map(Timestamp::as_second).map(|date| date - halfway))
}

fn judge(skew: i64) -> Checked {
    let seen = format!("{} s {} this machine's", skew.abs(), if skew < 0 { "behind" } else { "ahead of" });
    let advice = "set this machine's clock (NTP); if it is right, the other side's is wrong";
    match skew.abs() {
        FAIL_SECONDS.. => Err(Trouble::fail(seen, advice)),
        WARN_SECONDS.. => Err(Trouble::warn(seen, advice)),
        _ => Ok(seen),
    }
}
