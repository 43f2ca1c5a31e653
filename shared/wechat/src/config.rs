use platform::config::{Variable, Variables};

static WECHAT_API_BASE: Variable = Variable {
    name: "WECHAT_API_BASE",
    meaning: "Address of WeChat's API: a nearer entrance, or a fake one.",
    default: Some("https://api.weixin.qq.com"),
};
static WECHAT_APPID: Variable =
    Variable { name: "WECHAT_APPID", meaning: "App id of the mini-program.", default: None };
static WECHAT_SECRET: Variable = Variable {
    name: "WECHAT_SECRET",
    meaning: "ARN of the Secrets Manager secret whose text is the app secret, or JSON `{app id: app secret}` for several mini-programs; never the app secret itself.",
    default: None,
};

/// Where WeChat is and who we are there.
#[derive(Clone, Debug)]
pub struct Config {
    pub(crate) api_base: String,
    pub(crate) app_id: String,
    pub(crate) secret_arn: String,
}

impl Config {
    /// Reads the three `WECHAT_…` variables.
    pub fn read(variables: &mut Variables<'_>) -> Self {
        Self {
            api_base: variables.address(&WECHAT_API_BASE).unwrap_or_default(),
            app_id: variables.required(&WECHAT_APPID),
            secret_arn: variables.required(&WECHAT_SECRET),
        }
    }
}
