use platform::{clock, config, telemetry};
use serde_json::{Value, json};
use testkit::{Capture, Event as EventFile, Fault, Stack, User, event};

use super::*;

mod api_uploads;
mod crashes;
mod foreign;
mod newer;
mod refusals;
mod tickets;

const PATIENCE: Patience = Patience::BACKGROUND.stretched(testkit::PATIENCE);

/// A photo with position and serial number, and what must not be left of it.
const PHOTO: &[u8] = include_bytes!("../../../events/photos/coffee.jpg");
const SECRET: &[u8] = b"PRIVATE-SERIAL";
const OTHER_PHOTO: &[u8] = include_bytes!("../../../events/photos/avatar.jpg");
const LARGE_PHOTO: &[u8] = include_bytes!("../../../shared/imaging/corpus/ultrahdr_motion_photo.jpg");
const TEXT: &[u8] = include_bytes!("../../../events/photos/text.jpg");

/// The ticket that the event `incoming` is about.
const STEM: &str = "5eed0000000040008000000000000003";
const ATTEMPT: &str = "5eed0000000040008000000000000a03";
/// A ticket that nothing came of.
const UNUSED: &str = "5eed00000000400080000000000000ff";

struct House {
    stack: Stack,
    app: App,
    user: User,
    task: String,
}

impl House {
    async fn new() -> Self {
        Self::with(&[]).await
    }

    async fn with(changes: &[(&str, &str)]) -> Self {
        let stack = Stack::start().await;
        let config = config::from_lookup(&stack.lookup("image-ingest", changes), Config::read).unwrap();
        let app = App::new(config, stack.http(), PATIENCE);
        let user = stack.signed_in().await;
        let task = stack.task_of(&user).await;
        Self { stack, app, user, task }
    }

    /// The row of a ticket for a JPEG, in its task's list.
    async fn with_ticket(changes: &[(&str, &str)]) -> Self {
        let house = Self::with(changes).await;
        house.put_ticket("jpg").await;
        house.stack.set_list(&house.task, &[house.name()]);
        house
    }

    /// Its place was given away meanwhile, and the only one there is belongs to a ticket that nothing came of.
    async fn with_full_task() -> Self {
        let house = Self::with(&[("MAX_TASK_IMAGES", "1")]).await;
        house.put_ticket("jpg").await;
        let mut unused = house.row();
        unused["stem"] = json!({"S": UNUSED});
        unused["object_key"] = json!({"S": format!("incoming/{UNUSED}/{ATTEMPT}")});
        unused["touched_at"] = json!({"N": "1"});
        house.stack.put_row("ImagesTable", unused).await;
        house.stack.set_list(&house.task, &[format!("{UNUSED}.jpg")]);
        house
    }

    async fn put_ticket(&self, extension: &str) {
        let row = json!({
            "stem": {"S": STEM},
            "extension": {"S": extension},
            "state": {"S": "pending"},
            "owner_id": {"S": self.user.user_id},
            "target": {"S": format!("task#{}", self.task)},
            "content_hash": {"S": "of the ticket"},
            "attempt": {"S": ATTEMPT},
            "object_key": {"S": incoming()},
            "touched_at": {"N": "$now"},
            "expires_at": {"N": "$in_15_days"},
        });
        self.stack.put_row("ImagesTable", row).await;
    }

    fn name(&self) -> String {
        format!("{STEM}.{}", self.row()["extension"]["S"].as_str().unwrap())
    }

    /// Sends bytes with the ticket's form, and gives what S3 tells of it.
    async fn sent(&self, bytes: &[u8]) -> EventFile {
        let etag = self.stack.put_bytes(&incoming(), bytes).await;
        event!("image-ingest/incoming").changed(|event| event["Records"][0]["s3"]["object"]["eTag"] = json!(etag))
    }

    async fn take(&self, event: EventFile) -> Result<(), ApiError> {
        handle(&self.app, told(&event), clock::now()).await
    }

    /// Waits until so many of these calls have gone out.
    async fn has_called(&self, operation: &str, times: usize) {
        let called = || self.stack.wire().operations().iter().filter(|called| *called == operation).count();
        testkit::eventually(operation, async || (called() >= times).then_some(())).await;
    }

    fn row(&self) -> Value {
        self.stack.image_row(STEM).unwrap()
    }

    fn state(&self) -> String {
        self.row()["state"]["S"].as_str().unwrap().to_owned()
    }

    /// The keys of the ticket's picture, without what comes before the `ETag`.
    fn outputs(&self) -> Vec<String> {
        below(&self.stack, &format!("images/{STEM}/{ATTEMPT}/"))
    }

    fn is_sent_still(&self) -> bool {
        self.stack.emulators().object(&incoming()).is_some()
    }

    /// What is promised of a picture that was sent: it is ready, listed once, without metadata, and nothing else is there.
    #[track_caller]
    fn assert_shown(&self, etag: &str, files: &[&str]) {
        let row = self.row();
        assert_eq!((&row["state"]["S"], row.get("expires_at")), (&json!("ready"), None));
        assert_eq!(row["object_key"]["S"], format!("images/{STEM}/{ATTEMPT}/{etag}/original.jpg"));
        assert_eq!(self.stack.listed(&self.task), [self.name()]);
        assert_eq!(self.outputs(), files.iter().map(|file| format!("{etag}/{file}")).collect::<Vec<_>>());
        assert!(!self.is_sent_still());
    }

    #[track_caller]
    fn assert_rejected(&self, reason: &str) {
        let row = self.row();
        assert_eq!((&row["state"]["S"], &row["reason"]["S"]), (&json!("rejected"), &json!(reason)));
        assert!(row["expires_at"]["N"].is_string(), "its TTL ends it");
        assert!(self.outputs().is_empty() && !self.is_sent_still());
    }
}

fn told(event: &EventFile) -> LambdaEvent<Event> {
    LambdaEvent::new(event.parsed(), Context::default())
}

fn incoming() -> String {
    format!("incoming/{STEM}/{ATTEMPT}")
}

fn below(stack: &Stack, prefix: &str) -> Vec<String> {
    stack.emulators().objects().iter().filter_map(|key| key.strip_prefix(prefix)).map(str::to_owned).collect()
}

fn etag(event: &EventFile) -> String {
    event.parsed::<Value>()["Records"][0]["s3"]["object"]["eTag"].as_str().unwrap().to_owned()
}

/// The function's own lines; the local DynamoDB writes some, too.
fn ours(log: &Capture) -> Vec<Value> {
    log.lines().into_iter().filter(|line| line["message"] == "ingest").collect()
}

/// The segments of a JPEG in front of its scan, and the scan with what follows it.
fn segments(jpeg: &[u8]) -> (Vec<&[u8]>, &[u8]) {
    let (mut segments, mut rest) = (Vec::new(), &jpeg[2..]);
    while rest[1] != 0xDA {
        let (segment, behind) = rest.split_at(2 + usize::from(u16::from_be_bytes([rest[2], rest[3]])));
        segments.push(segment);
        rest = behind;
    }
    (segments, rest)
}

/// Width and height in the header of a baseline JPEG.
fn sides_of(jpeg: &[u8]) -> [u16; 2] {
    let (segments, _) = segments(jpeg);
    let frame = segments.iter().find(|segment| segment[1] == 0xC0).unwrap();
    [u16::from_be_bytes([frame[7], frame[8]]), u16::from_be_bytes([frame[5], frame[6]])]
}

/// A JPEG whose structure is whole, and which nobody can decode.
fn undecodable() -> Vec<u8> {
    let (segments, scan) = segments(PHOTO);
    // Its header, and bits that are no code.
    let scan = [&scan[..14], &[0xFF, 0].repeat(8), &[0xFF, 0xD9]].concat();
    [&PHOTO[..2]].into_iter().chain(segments).chain([scan.as_slice()]).collect::<Vec<_>>().concat()
}

#[tokio::test]
async fn an_event_of_many_objects_has_one_deadline_and_each_object_a_log_line() {
    let mut house = House::new().await;
    house.app.deadline = Duration::from_millis(200);
    assert!(Patience::BACKGROUND.deadline < house.stack.timeout_of("image-ingest"), "or Lambda ends it without a line");
    let log = Capture::start(|lines| telemetry::subscriber(move || lines.clone()));
    house.stack.wire().fail_nth("DynamoDB.GetItem", 1, Fault::Silent);

    let taken = house.take(event!("image-ingest/several")).await;

    assert_eq!(taken.unwrap_err().code(), web::ErrorCode::Busy);
    let causes: Vec<_> = ours(&log).iter().map(|line| line["error.cause"].clone()).collect();
    assert_eq!(causes, ["the deadline passed", "the deadline passed"]);
}

#[test]
fn every_variable_that_is_missing_is_named_at_once() {
    let Err(problems) = config::from_lookup(&|_| None, Config::read) else {
        panic!("an empty environment was accepted")
    };
    let names: Vec<_> = problems.0.iter().filter_map(|problem| problem.split(' ').next()).collect();
    assert_eq!(
        names,
        ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "TASKS_TABLE", "IMAGES_TABLE", "IMAGES_BUCKET"]
    );
}
