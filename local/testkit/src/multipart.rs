/// A form as `wx.uploadFile` sends it.
#[derive(Clone, Debug, Default)]
pub struct Multipart(Vec<u8>);

const BOUNDARY: &str = "----TestkitBoundary";

impl Multipart {
    /// An empty form.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a field.
    #[must_use]
    pub fn field(self, name: &str, value: &str) -> Self {
        self.part(&format!("Content-Disposition: form-data; name=\"{name}\""), value.as_bytes())
    }

    /// Adds a file under the name `image`.
    #[must_use]
    pub fn image(self, bytes: &[u8]) -> Self {
        let disposition = "Content-Disposition: form-data; name=\"image\"; filename=\"tmp_5e7a.jpg\"";
        self.part(&format!("{disposition}\r\nContent-Type: image/jpeg"), bytes)
    }

    /// Adds a file under the name `file`, where S3 looks for it.
    #[must_use]
    pub fn file(self, bytes: &[u8]) -> Self {
        let disposition = "Content-Disposition: form-data; name=\"file\"; filename=\"tmp_5e7a.jpg\"";
        self.part(&format!("{disposition}\r\nContent-Type: application/octet-stream"), bytes)
    }

    fn part(mut self, head: &str, body: &[u8]) -> Self {
        self.0.extend_from_slice(format!("--{BOUNDARY}\r\n{head}\r\n\r\n").as_bytes());
        self.0.extend_from_slice(body);
        self.0.extend_from_slice(b"\r\n");
        self
    }

    pub(crate) fn content_type() -> String {
        format!("multipart/form-data; boundary={BOUNDARY}")
    }

    pub(crate) fn into_body(mut self) -> Vec<u8> {
        self.0.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
        self.0
    }
}
