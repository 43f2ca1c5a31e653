mod server;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use emulators::{Behaviour, Emulators, Options, WECHAT_APPID, WECHAT_SECRET_NAME};
use platform::aws::{self, Aws};
use platform::{Patience, config, telemetry};
use server::Server;

use crate::{Code, Config, Fault, OpenId, WeChat, WeChatError};

const PATIENCE: Patience = Patience::ANSWERING.stretched(30);
/// Good for Secrets Manager, and little for WeChat.
const HURRY: Patience = Patience { exchange: Duration::from_millis(100), ..PATIENCE };
const HONEST: &str = r#"{"openid":"oAlice","session_key":"HyVFkGl5F5OQWJZZaNzBBg=="}"#;

async fn emulators() -> Emulators {
    Emulators::start(Options::default()).await.unwrap()
}

/// A client of the fake WeChat, or of the server at `api_base`.
async fn wechat(emulators: &Emulators, api_base: Option<&str>) -> WeChat {
    wechat_within(PATIENCE, emulators, api_base)
}

fn wechat_within(patience: Patience, emulators: &Emulators, api_base: Option<&str>) -> WeChat {
    let mut environment: BTreeMap<_, _> = emulators.environment();
    if let Some(address) = api_base {
        environment.insert("WECHAT_API_BASE".to_owned(), address.to_owned());
    }
    let (aws, config) = config::from_lookup(&|name| environment.get(name).cloned(), |variables| {
        (aws::Config::read(variables).with_secretsmanager(variables), Config::read(variables))
    })
    .unwrap();
    WeChat::new(config, &Aws::new(aws, aws::http_client(), patience))
}

async fn login(wechat: &WeChat, code: &str) -> Result<OpenId, WeChatError> {
    wechat.openid(Code::parse(code.to_owned()).unwrap()).await
}

/// What a login meets when WeChat is a server that answers with these bytes.
async fn met(answer: impl Fn(&mut TcpStream) -> io::Result<()> + Send + Sync + 'static) -> Result<OpenId, WeChatError> {
    let server = Server::start(answer);
    let outcome = login(&wechat(&emulators().await, Some(&server.address)).await, "c").await;
    assert_eq!(server.requests().len(), 1, "a code goes out once, whatever comes back");
    outcome
}

fn respond(stream: &mut TcpStream, head: &str, body: &str) -> io::Result<()> {
    write!(stream, "HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

#[tokio::test]
async fn a_code_becomes_the_openid_of_its_user() {
    let emulators = emulators().await;
    let wechat = wechat(&emulators, None).await;

    let openid = login(&wechat, "dev-alice-1").await.unwrap();

    assert_eq!(openid.expose(), emulators.wechat().openid("alice"));
    assert_eq!(format!("{openid:?}"), "OpenId(…)");
}

#[tokio::test]
async fn a_code_is_good_once() {
    let emulators = emulators().await;
    let wechat = wechat(&emulators, None).await;
    login(&wechat, "dev-alice-1").await.unwrap();

    let second = login(&wechat, "dev-alice-1").await;

    assert!(matches!(second, Err(WeChatError::CodeInvalid(refusal)) if refusal.errcode == 40163));
}

#[tokio::test]
async fn a_code_arrives_as_it_was_sent() {
    let emulators = emulators().await;
    let wechat = wechat(&emulators, None).await;
    let code = "a&secret=b&js_code=dev-alice-1#c?d=%00+/\\\"";

    let outcome = login(&wechat, code).await;

    assert_eq!(emulators.wechat().codes(), [code]);
    assert!(matches!(outcome, Err(WeChatError::CodeInvalid(refusal)) if refusal.rid.is_some()));
}

#[tokio::test]
async fn whatever_wechat_does_the_code_goes_out_once_and_the_fault_has_its_name() {
    let emulators = emulators().await;
    let fake = emulators.wechat();
    let wechat = wechat(&emulators, None).await;
    for (at, (behaviour, expected)) in [
        (Behaviour::Errcode(40029), "wechat refuses the code: errcode 40029, rid "),
        (Behaviour::Errcode(40163), "wechat refuses the code: errcode 40163, rid "),
        (Behaviour::Errcode(40226), "wechat blocks the login: errcode 40226, rid "),
        (Behaviour::Errcode(45011), "wechat limits us: errcode 45011, rid "),
        (Behaviour::Errcode(-1), "wechat is unavailable: errcode -1, rid "),
        (Behaviour::Errcode(12345), "wechat is unavailable: errcode 12345, rid "),
        (Behaviour::Errcode(40013), "wechat refuses app id or secret: errcode 40013, rid "),
        (Behaviour::Errcode(40125), "wechat refuses app id or secret: errcode 40125, rid "),
        (Behaviour::Status(500), "wechat is unavailable: status 500"),
        (Behaviour::Status(429), "wechat is unavailable: status 429"),
        (Behaviour::Redirect, "wechat is unavailable: a redirect, status 302"),
        (Behaviour::Html, "wechat is unavailable: an answer that is not WeChat's JSON"),
        (Behaviour::Empty, "wechat is unavailable: an answer that is not WeChat's JSON"),
        (Behaviour::NoOpenid, "wechat is unavailable: no openid or no session_key"),
        (Behaviour::NoSessionKey, "wechat is unavailable: no openid or no session_key"),
        (Behaviour::Huge, "wechat is unavailable: an answer that is too large"),
        (Behaviour::Cut, "wechat is unavailable: no connection, or one that broke"),
    ]
    .into_iter()
    .enumerate()
    {
        fake.next(behaviour.clone());

        let error = login(&wechat, &format!("dev-alice-{at}")).await.unwrap_err();

        assert!(error.to_string().starts_with(expected), "{behaviour:?}: {error}");
        assert_eq!(fake.calls(), at + 1, "{behaviour:?}");
    }
    assert_eq!(fake.redirects_followed(), 0);
}

#[tokio::test]
async fn silence_is_given_up_at_the_deadline() {
    let emulators = emulators().await;
    let wechat = wechat_within(HURRY, &emulators, None);

    let outcome = login(&wechat, "silent").await;

    assert_eq!(outcome, Err(Fault::Slow.into()));
    assert!(emulators.wechat().calls() <= 1);
}

#[tokio::test]
async fn a_connection_that_ends_after_the_request_was_read_gets_no_second_one() {
    let server = Server::start(|stream| stream.shutdown(std::net::Shutdown::Both));
    let emulators = emulators().await;
    let wechat = wechat(&emulators, Some(&server.address)).await;

    let outcome = login(&wechat, "c").await;

    assert_eq!(outcome, Err(Fault::Connection.into()));
    assert_eq!((server.connections(), server.requests().len()), (1, 1));
}

#[tokio::test]
async fn each_code_has_a_connection_of_its_own() {
    let server = Server::start(|stream| respond(stream, "200 OK\r\nConnection: keep-alive", HONEST));
    let emulators = emulators().await;
    let wechat = wechat(&emulators, Some(&server.address)).await;

    for _ in 0..3 {
        login(&wechat, "c").await.unwrap();
    }

    assert_eq!((server.connections(), server.requests().len()), (3, 3));
}

#[tokio::test]
async fn the_request_is_one_get_that_says_nothing_but_the_exchange() {
    let server = Server::start(|stream| respond(stream, "200 OK", HONEST));
    let emulators = emulators().await;
    let wechat = wechat(&emulators, Some(&format!("{}/entrance/", server.address))).await;

    login(&wechat, "c").await.unwrap();

    let request = server.requests().remove(0);
    let (line, headers) = request.split_once("\r\n").unwrap();
    assert_eq!(
        line,
        "GET /entrance/sns/jscode2session?appid=wxdev0000000000001&secret=dev-wechat-secret&js_code=c\
         &grant_type=authorization_code HTTP/1.1"
    );
    assert_eq!(headers.to_lowercase(), format!("host: {}\r\n\r\n", server.address.trim_start_matches("http://")));
}

#[tokio::test]
async fn a_redirect_is_not_followed_wherever_it_leads() {
    for status in ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"] {
        let elsewhere = Server::start(|stream| respond(stream, "200 OK", HONEST));
        let location = elsewhere.address.clone();

        let outcome = met(move |stream| respond(stream, &format!("{status}\r\nLocation: {location}/x"), HONEST)).await;

        assert!(matches!(outcome, Err(WeChatError::Unavailable(Fault::Redirect(_)))), "{outcome:?}");
        assert_eq!(elsewhere.connections(), 0);
    }
}

#[tokio::test]
async fn the_content_type_is_ignored() {
    for kind in ["text/plain", "application/json; charset=gbk", "image/png"] {
        let outcome = met(move |stream| respond(stream, &format!("200 OK\r\nContent-Type: {kind}"), HONEST)).await;
        assert_eq!(outcome.unwrap().expose(), "oAlice");
    }
}

#[tokio::test]
async fn a_success_must_be_a_200() {
    for status in ["201 Created", "206 Partial", "400 Bad", "404 None", "500 Down", "502 Gateway"] {
        let outcome = met(move |stream| respond(stream, status, HONEST)).await;
        assert!(matches!(outcome, Err(WeChatError::Unavailable(Fault::Status(_)))), "{status}: {outcome:?}");
    }
}

#[tokio::test]
async fn an_endless_answer_is_read_up_to_its_limit() {
    let endless = |stream: &mut TcpStream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
        loop {
            stream.write_all(&[b' '; 4096])?;
        }
    };
    assert_eq!(met(endless).await, Err(Fault::TooLarge.into()));
}

#[tokio::test]
async fn an_answer_that_fills_the_limit_is_read_and_one_byte_more_is_not() {
    let padded = |bytes: usize| {
        let body = HONEST.to_owned() + &" ".repeat(bytes - HONEST.len());
        move |stream: &mut TcpStream| respond(stream, "200 OK", &body)
    };

    assert_eq!(met(padded(64 * 1024)).await.unwrap().expose(), "oAlice");
    assert_eq!(met(padded(64 * 1024 + 1)).await, Err(Fault::TooLarge.into()));
}

#[tokio::test]
async fn a_dripping_answer_is_given_up_at_the_deadline() {
    let server = Server::start(|stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n{")?;
        loop {
            std::thread::sleep(Duration::from_millis(20));
            stream.write_all(b" ")?;
        }
    });
    let emulators = emulators().await;
    let wechat = wechat_within(HURRY, &emulators, Some(&server.address));

    let outcome = login(&wechat, "c").await;

    assert_eq!(outcome, Err(Fault::Slow.into()));
    assert!(server.requests().len() <= 1);
}

#[tokio::test]
async fn something_that_speaks_no_http_is_no_wechat() {
    let outcome = met(|stream| stream.write_all(b"220 mail.example ESMTP\r\n")).await;
    assert_eq!(outcome, Err(Fault::Connection.into()));
}

#[tokio::test]
async fn nobody_at_the_address_is_a_broken_connection() {
    let closed = server::closed_address();
    let emulators = emulators().await;
    let wechat = wechat(&emulators, Some(&closed)).await;

    assert_eq!(login(&wechat, "c").await, Err(Fault::Connection.into()));
}

#[tokio::test]
async fn without_a_secret_no_code_goes_out_and_the_next_login_tries_again() {
    let emulators = emulators().await;
    let wechat = wechat(&emulators, None).await;
    emulators.secrets().remove(WECHAT_SECRET_NAME);
    wechat.warm().await;

    let without = login(&wechat, "dev-alice-1").await;
    emulators.secrets().put(WECHAT_SECRET_NAME, "dev-wechat-secret");
    let with = login(&wechat, "dev-alice-1").await;

    assert!(matches!(without, Err(WeChatError::NoSecret(_))), "{without:?}");
    assert!(with.is_ok(), "{with:?}");
    assert_eq!(emulators.wechat().calls(), 1);
}

#[tokio::test]
async fn an_empty_secret_is_none() {
    let emulators = emulators().await;
    let wechat = wechat(&emulators, None).await;
    emulators.secrets().put(WECHAT_SECRET_NAME, " \n");

    assert!(matches!(login(&wechat, "dev-alice-1").await, Err(WeChatError::NoSecret(_))));
}

#[tokio::test]
async fn a_secret_that_ends_with_a_line_feed_works() {
    let emulators = emulators().await;
    let wechat = wechat(&emulators, None).await;
    emulators.secrets().put(WECHAT_SECRET_NAME, "dev-wechat-secret\n");

    assert!(login(&wechat, "dev-alice-1").await.is_ok());
}

#[tokio::test]
async fn the_secret_is_kept_once_it_was_read() {
    let emulators = emulators().await;
    let wechat = wechat(&emulators, None).await;
    wechat.warm().await;
    emulators.secrets().remove(WECHAT_SECRET_NAME);

    assert!(login(&wechat, "dev-alice-1").await.is_ok());
}

#[tokio::test]
async fn after_a_rotation_one_code_is_lost_and_the_next_login_works() {
    let emulators = emulators().await;
    let wechat = wechat(&emulators, None).await;
    login(&wechat, "dev-alice-1").await.unwrap();
    emulators.wechat().set_secret("rotated");
    emulators.secrets().put(WECHAT_SECRET_NAME, "rotated");

    let refused = login(&wechat, "dev-alice-2").await;
    let next = login(&wechat, "dev-alice-3").await;

    assert!(matches!(refused, Err(WeChatError::SecretRefused(_))), "{refused:?}");
    assert!(next.is_ok(), "{next:?}");
    assert_eq!(emulators.wechat().codes(), ["dev-alice-1", "dev-alice-2", "dev-alice-3"]);
}

#[tokio::test]
async fn a_secret_for_several_mini_programs_has_the_one_of_ours() {
    let emulators = emulators().await;
    let wechat = wechat(&emulators, None).await;
    emulators.secrets().put(WECHAT_SECRET_NAME, r#"{"wx0000000000000000": "another"}"#);
    let without = login(&wechat, "dev-alice-1").await;
    let ours = format!(r#"{{"wx0000000000000000": "another", "{WECHAT_APPID}": "dev-wechat-secret"}}"#);
    emulators.secrets().put(WECHAT_SECRET_NAME, &ours);

    assert!(matches!(without, Err(WeChatError::NoSecret(_))), "{without:?}");
    assert!(login(&wechat, "dev-alice-1").await.is_ok());
}

#[tokio::test]
async fn a_refused_secret_is_dropped_even_when_no_new_one_can_be_read() {
    let emulators = emulators().await;
    let wechat = wechat(&emulators, None).await;
    wechat.warm().await;
    emulators.wechat().set_secret("rotated");
    emulators.secrets().remove(WECHAT_SECRET_NAME);

    let refused = login(&wechat, "dev-alice-1").await;
    let without = login(&wechat, "dev-alice-2").await;

    assert!(matches!(refused, Err(WeChatError::SecretRefused(_))), "{refused:?}");
    assert!(matches!(without, Err(WeChatError::NoSecret(_))), "{without:?}");
    assert_eq!(emulators.wechat().codes(), ["dev-alice-1"]);
}

#[tokio::test]
async fn a_refused_secret_is_one_error_event_that_holds_neither_secret_nor_code() {
    let emulators = emulators().await;
    let wechat = wechat(&emulators, None).await;
    emulators.wechat().set_secret("rotated");
    let log = Log::default();

    // Of a single subscriber, tracing keeps what the thread says that meets a callsite first: perhaps another test's.
    let second = tracing::Dispatch::new(telemetry::subscriber(io::sink));
    let subscriber = tracing::subscriber::set_default(telemetry::subscriber(log.writer()));
    login(&wechat, "dev-alice-1").await.unwrap_err();
    drop((subscriber, second));

    let lines = log.lines();
    assert_eq!(lines.matches("wechat refuses app id or secret").count(), 1, "{lines}");
    assert!(lines.contains(r#""level":"ERROR""#) && lines.contains(r#""wechat.errcode":40125"#), "{lines}");
    for secret in ["dev-wechat-secret", "rotated", "dev-alice-1", "js_code"] {
        assert!(!lines.contains(secret), "{lines}");
    }
}

#[test]
fn a_configuration_without_app_id_and_secret_is_refused() {
    let problems = config::from_lookup(&|_| None, Config::read).unwrap_err();
    assert_eq!(problems.0, ["WECHAT_APPID is not set", "WECHAT_SECRET is not set"]);
}

/// The log lines of a test.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn writer(&self) -> impl Fn() -> Self + Send + Sync + 'static {
        let log = self.clone();
        move || log.clone()
    }

    fn lines(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
