use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Multipart;

/// What a URL gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The HTTP status.
    pub status: u16,
    /// The header `content-type`, empty where there is none.
    pub content_type: String,
    /// The body.
    pub bytes: Vec<u8>,
}

/// Sends one request to a plain HTTP URL as somebody does who has nothing but the URL.
pub async fn fetch(method: &str, url: &str) -> Fetched {
    send(method, url, "", &[]).await
}

/// Posts a form to a plain HTTP URL as somebody does who has nothing but the two.
pub async fn post_form(url: &str, form: Multipart) -> Fetched {
    let content_type = format!("content-type: {}\r\n", Multipart::content_type());
    send("POST", url, &content_type, &form.into_body()).await
}

/// Posts a form as far as its middle, and is gone.
pub async fn post_half_a_form(url: &str, form: Multipart) {
    let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let (content_type, body) = (Multipart::content_type(), form.into_body());
    let length = body.len();
    let head = format!(
        "POST /{path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n\r\n"
    );
    let mut connection = TcpStream::connect(host).await.unwrap();
    connection.write_all(&[head.as_bytes(), &body[..length / 2]].concat()).await.unwrap();
    connection.shutdown().await.unwrap();
}

async fn send(method: &str, url: &str, headers: &str, body: &[u8]) -> Fetched {
    let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut connection = TcpStream::connect(host).await.unwrap();
    // HTTP/1.0: the server sends no chunks and closes behind the body.
    let length = body.len();
    let head = format!("{method} /{path} HTTP/1.0\r\nhost: {host}\r\n{headers}content-length: {length}\r\n\r\n");
    connection.write_all(&[head.as_bytes(), body].concat()).await.unwrap();
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).await.unwrap();

    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    let content_type = head.lines().find_map(|line| line.strip_prefix("content-type: ")).unwrap_or_default();
    Fetched {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        content_type: content_type.to_owned(),
        bytes: answer[end + 4..].to_vec(),
    }
}
