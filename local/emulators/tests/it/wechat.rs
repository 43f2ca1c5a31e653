use emulators::{Emulators, WECHAT_APPID};

use crate::clients::{Answer, get, start};

async fn exchange(emulators: &Emulators, code: &str) -> Answer {
    let url = emulators.wechat_url();
    let query = format!("appid={WECHAT_APPID}&secret=dev-wechat-secret&js_code={code}&grant_type=authorization_code");
    get(&format!("{url}/sns/jscode2session?{query}")).await
}

#[tokio::test]
async fn a_dev_code_gives_a_session_of_its_user_once() {
    let emulators = start().await;

    let first = exchange(&emulators, "dev-alice-1").await;
    let second = exchange(&emulators, "dev-alice-1").await;

    assert_eq!(first.status, 200);
    assert_eq!(first.header("content-type"), Some("text/plain"));
    assert_eq!(first.json()["openid"], emulators.wechat().openid("alice"));
    assert_eq!(second.json()["errcode"], 40163);
    assert_eq!(emulators.wechat().codes(), ["dev-alice-1", "dev-alice-1"]);
}
