//! What the servers see stays out of the log.

use std::io;
use std::sync::{Arc, Mutex};

use crate::clients::{BUCKET, get, s3, send, start};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn signatures_and_refusals_leave_no_line_even_at_the_finest_level() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing_subscriber::filter::LevelFilter::TRACE);
    let _guard = tracing::subscriber::set_default(subscriber.with_writer(move || writer.clone()).finish());
    let emulators = start().await;
    tracing::error!("this line is written");
    let s3_url = format!("{}/{BUCKET}/nowhere?X-Amz-Signature=telltale", emulators.s3_url());
    let wechat_url = format!("{}/sns/jscode2session?secret=telltale", emulators.wechat_url());
    let secrets_url = format!("{}/", emulators.secretsmanager_url());

    get(&s3_url).await;
    get(&wechat_url).await;
    send("POST", &secrets_url, &[("Authorization", "telltale")], b"telltale").await;
    let missing = s3(&emulators).get_object().bucket(BUCKET).key("nowhere").send().await;

    assert!(missing.is_err());
    let lines = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(lines.contains("this line is written"));
    assert!(!lines.contains("telltale") && !lines.contains("s3s::"), "{lines}");
}
