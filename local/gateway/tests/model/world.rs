use std::collections::BTreeSet;
use std::fmt;
use std::sync::LazyLock;

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use fastrand::Rng;
use imaging::Limits;
use jiff::{SignedDuration, Timestamp};
use platform::clock;
use serde_json::{Value, json};
use testkit::{Answer, Event, Multipart, Passage, Stack, Steps, User, post_form};

use crate::actor::{self, Actor, Call, Ended, Function};
use crate::odds::{Asked, Odds, one_of};
use crate::promises::{Picture, Promises};
use crate::streams::Streams;

/// What is sent: two pictures, and bytes that are none.
const PICTURES: [&[u8]; 2] = [
    include_bytes!("../../../../shared/imaging/corpus/orientation_6.jpg"),
    include_bytes!("../../../../shared/imaging/corpus/gray.jpg"),
];
const NO_PICTURE: &[u8] = b"no picture";
const MOST_BYTES: usize = 100_000;
/// What is kept of them.
static KEPT: LazyLock<[Vec<u8>; 2]> =
    LazyLock::new(|| PICTURES.map(|sent| imaging::clean(sent, &Limits::default()).expect("a picture").bytes));
const ALICE: &str = "5e550000-0000-4000-8000-0000000a11ce";
const UPLOAD_IDS: [&str; 4] = ["one", "two", "three", "four"];
const STEPS_BETWEEN_CALLERS: u32 = 15;
/// Whatever has begun has ended, and every form.
const QUARTER: SignedDuration = SignedDuration::from_mins(16);
/// Whatever can expire has.
const FORTNIGHT: SignedDuration = SignedDuration::from_hours(16 * 24);
/// An upload of the API has ended so long after its picture was put: nobody waits for it.
const UPLOAD_ENDS: SignedDuration = SignedDuration::from_secs(5);

/// What an actor is at.
enum Doing {
    Upload {
        upload_id: &'static str,
        picture: Picture,
        was_gone: bool,
    },
    Avatar {
        upload_id: &'static str,
        picture: Picture,
    },
    Remove {
        name: String,
        was_there: bool,
    },
    Ticket {
        upload_id: &'static str,
        was_gone: bool,
    },
    /// The next record of a row.
    Sweep {
        stem: String,
    },
    /// An object that has come.
    Ingest {
        event: Event,
    },
    /// A record or an object once more, after it was worked off.
    Again,
}

/// As it stands in a history.
impl fmt::Display for Doing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Upload { upload_id, picture, .. } => write!(f, "upload {upload_id} of picture {picture}"),
            Self::Avatar { upload_id, picture } => write!(f, "avatar {upload_id} of picture {picture}"),
            Self::Remove { name, .. } => write!(f, "removal of {name}"),
            Self::Ticket { upload_id, .. } => write!(f, "ticket {upload_id}"),
            Self::Sweep { stem } => write!(f, "sweep of {stem}"),
            Self::Ingest { event } => {
                write!(f, "ingest of {}", event.parsed::<Value>()["Records"][0]["s3"]["object"]["key"])
            }
            Self::Again => f.write_str("something once more"),
        }
    }
}

/// What a ticket's owner got, and can use twice.
struct Form {
    upload_id: &'static str,
    ticket: Value,
}

/// What can happen next.
enum Move {
    Begin,
    LetThrough(usize),
    Crash(usize),
    Arrive(usize),
    Post,
    Sweep(String),
    Ingest(Event),
    SweepAgain,
    IngestAgain,
    /// All that runs ends well or not, and so much time passes.
    Rest(SignedDuration),
    EndRow(String),
}

/// One owner, one task, and everything that can happen to them.
pub(crate) struct World {
    random: Rng,
    stack: Stack,
    http: SharedHttpClient,
    alice: User,
    task: String,
    actors: Vec<Actor<Doing>>,
    /// Which of them was let through last.
    latest: Option<usize>,
    /// Of processes that have ended or crashed, and left requests on the wire.
    left: Vec<Steps>,
    streams: Streams,
    forms: Vec<Form>,
    now: Timestamp,
    promises: Promises,
    /// The pictures of the user that became current, the last one at the end.
    avatars: Vec<String>,
    odds: Odds,
    /// Everything comes to its end, and nothing fails any more.
    is_ending: bool,
    calls: u64,
    history: Vec<String>,
}

impl World {
    pub(crate) async fn new(seed: u64) -> Self {
        let stack = Stack::start().await;
        // Names follow from the user's seed and the task: a walk that is made again has the same ones.
        let alice = User { user_id: ALICE.to_owned(), session_id: "m".repeat(43) };
        let task = stack.task_as(&alice, "model").await;
        // What the seed set was put by is no news.
        Streams::default().take(&stack);
        let mut random = Rng::with_seed(seed);
        let world = Self {
            odds: Odds::draw(&mut random, UPLOAD_IDS.len()),
            random,
            http: stack.http(),
            stack,
            alice,
            task,
            actors: Vec::new(),
            latest: None,
            left: Vec::new(),
            streams: Streams::default(),
            forms: Vec::new(),
            now: clock::now() + UPLOAD_ENDS,
            promises: Promises::default(),
            avatars: Vec::new(),
            is_ending: false,
            calls: 0,
            history: Vec::new(),
        };
        world.sign_in().await;
        world
    }

    /// The whole walk.
    pub(crate) async fn walk(&mut self) {
        match self.random.u32(0..4) {
            0 => {}
            1 => self.begin_with_a_photo_that_came().await,
            _ => self.begin_with_a_full_list().await,
        }
        for _ in 0..self.odds.steps {
            self.step().await;
        }
        self.end().await;
    }

    /// Uploads were cut off half a month ago: the list is full of names that no row belongs to any more. Now one of them is
    /// tried again, while somebody else looks for room.
    async fn begin_with_a_full_list(&mut self) {
        for upload_id in UPLOAD_IDS.into_iter().take(self.odds.most_images) {
            let already = self.stack.listed(&self.task).len();
            self.begin(Doing::Upload { upload_id, picture: 0, was_gone: false }).await;
            while !self.actors.is_empty() && self.stack.listed(&self.task).len() == already {
                self.let_through(0).await;
            }
            if !self.actors.is_empty() {
                self.make(Move::Crash(0)).await;
            }
        }
        self.rest(FORTNIGHT).await;
        self.settle().await;
        for upload_id in [UPLOAD_IDS[0], UPLOAD_IDS[UPLOAD_IDS.len() - 1]] {
            self.begin(Doing::Upload { upload_id, picture: 0, was_gone: false }).await;
        }
    }

    /// A ticket's photo lies in the bucket, nobody has looked at it yet, and the form is good for another one.
    async fn begin_with_a_photo_that_came(&mut self) {
        self.begin(Doing::Ticket { upload_id: UPLOAD_IDS[0], was_gone: false }).await;
        while !self.actors.is_empty() {
            self.let_through(0).await;
        }
        if !self.forms.is_empty() {
            self.post().await;
            self.look();
        }
    }

    pub(crate) fn history(&self) -> String {
        self.history.join("\n")
    }

    pub(crate) fn calls(&self) -> u64 {
        self.calls
    }

    /// One thing happens, and whatever was promised still holds.
    async fn step(&mut self) {
        let moves = self.moves();
        let chosen = one_of(&mut self.random, moves.into_iter());
        self.make(chosen).await;
        self.look();
        if self.random.u32(0..STEPS_BETWEEN_CALLERS) == 0 {
            self.ask_what_is_shown().await;
        }
    }

    /// Everything that has begun ends, all that was told is worked off, and what can expire does.
    async fn end(&mut self) {
        self.is_ending = true;
        self.settle().await;
        if self.odds.is_smooth {
            self.see_that_the_removed_is_gone();
        }
        self.pass(FORTNIGHT).await;
        self.settle().await;
        self.ask_what_is_shown().await;

        let rows = self.stack.image_rows();
        let ready: Vec<_> = rows.iter().filter(|row| row["state"]["S"] == "ready").collect();
        for key in self.stack.stored() {
            assert!(ready.iter().any(|row| key.starts_with(&prefix_of(row))), "{key} belongs to no image");
            // What a delivery left that crashed, or what arrives late, stays until the image goes.
            let is_spare = !ready.iter().any(|row| row.to_string().contains(&key));
            assert!(!(self.odds.is_smooth && is_spare), "{key} is shown by no image");
        }
        let is_left = |key: &String| key.starts_with("incoming/") && !key.starts_with("incoming/5eed");
        assert_eq!(self.stack.emulators().objects().into_iter().find(is_left), None, "what was sent stays for ever");
        let mut living: BTreeSet<_> = self.stack.listed(&self.task).into_iter().collect();
        living.extend(self.avatars.last().cloned());
        for row in rows.iter().filter(|row| !text(row, "stem").starts_with("avatar#")) {
            assert_eq!(text(row, "state"), "ready", "a row that stays for ever: {row}");
            assert!(living.contains(&name_of(row)), "a picture that nothing leads to stays for ever: {row}");
        }
        if self.shown().len() < self.odds.most_images {
            let answer = self.ask(actor::task_image_upload, upload(&self.alice, &self.task, "last", 0)).await;
            assert_eq!(answer.status(), 201, "the task takes no picture any more: {}", answer.text());
        }
    }

    /// A removed picture's objects go when the sweep hears of it, not with the tombstone.
    fn see_that_the_removed_is_gone(&self) {
        let stored = self.stack.stored();
        for row in self.stack.image_rows().iter().filter(|row| row["state"]["S"] == "removed") {
            let left = stored.iter().find(|key| key.starts_with(&prefix_of(row)));
            assert_eq!(left, None, "an object of a removed picture");
        }
    }

    /// Until nothing runs, waits, or is on the wire.
    async fn settle(&mut self) {
        let is_end = |next: &Move| {
            matches!(next, Move::LetThrough(_) | Move::Arrive(_) | Move::Sweep(_) | Move::Ingest(_) | Move::EndRow(_))
        };
        while let Some((_, next)) = self.moves().into_iter().find(|(_, next)| is_end(next)) {
            self.make(next).await;
            self.look();
        }
    }

    /// Calls end within 15 minutes, and nothing is under way for 15 days.
    async fn rest(&mut self, time: SignedDuration) {
        let is_rest = |next: &Move| match next {
            Move::LetThrough(_) | Move::Crash(_) | Move::Arrive(_) => true,
            Move::Sweep(_) | Move::Ingest(_) => time == FORTNIGHT,
            _ => false,
        };
        loop {
            let under_way: Vec<_> = self.moves().into_iter().filter(|(_, next)| is_rest(next)).collect();
            if under_way.is_empty() {
                return self.pass(time).await;
            }
            let next = one_of(&mut self.random, under_way.into_iter());
            self.make(next).await;
            self.look();
        }
    }

    /// Everything that can happen now, with how often it shall.
    fn moves(&self) -> Vec<(u32, Move)> {
        let mut moves = Vec::new();
        let running = self.actors.len();
        let haste = |nth| if self.latest == Some(nth) { self.odds.momentum } else { 8 };
        moves.extend((0..running).map(|nth| (haste(nth), Move::LetThrough(nth))));
        if running < self.odds.most_actors {
            moves.push((self.odds.begin, Move::Begin));
        }
        moves.extend((0..running).map(|nth| (self.odds.crash, Move::Crash(nth))));
        moves.extend((0..self.left.len()).map(|nth| (3, Move::Arrive(nth))));
        moves.extend(self.what_can_be_told().into_iter().map(|told| (self.odds.stream, told)));
        if !self.forms.is_empty() && !self.is_ending {
            moves.push((self.odds.post, Move::Post));
        }
        if running < self.odds.most_actors {
            moves.extend((!self.streams.rows_done().is_empty()).then_some((1, Move::SweepAgain)));
            moves.extend((!self.streams.objects_done().is_empty()).then_some((1, Move::IngestAgain)));
        }
        moves.extend([(self.odds.quarter, Move::Rest(QUARTER)), (self.odds.fortnight, Move::Rest(FORTNIGHT))]);
        moves.extend(self.expired().into_iter().map(|stem| (self.odds.end_of_row, Move::EndRow(stem))));
        moves
    }

    /// News that nobody is at work on. One row's records go one after the other; S3 may tell of one object twice at once.
    fn what_can_be_told(&self) -> Vec<Move> {
        let is_swept =
            |row: &String| self.actors.iter().any(|actor| matches!(&actor.what, Doing::Sweep { stem } if stem == row));
        let rows = self.streams.rows().filter(|stem| !is_swept(stem)).map(|stem| Move::Sweep(stem.clone()));
        let ingests = self.actors.iter().filter(|actor| matches!(actor.what, Doing::Ingest { .. })).count();
        let objects = self.streams.objects().iter().filter(|_| ingests < 2).map(|event| Move::Ingest(event.clone()));
        rows.chain(objects).collect()
    }

    async fn make(&mut self, chosen: Move) {
        match chosen {
            Move::Begin => {
                let doing = self.something_to_do();
                self.begin(doing).await;
            }
            Move::LetThrough(nth) => self.let_through(nth).await,
            Move::Crash(nth) => {
                let actor = self.remove_actor(nth);
                self.note(format!("crash of {} before {:?}", actor.what, actor.steps.waiting()));
                self.keep_what_it_left(&actor);
            }
            Move::Arrive(nth) => {
                let steps = self.left[nth].clone();
                self.note("a late request arrives".to_owned());
                steps.arrive(0).await;
                self.left.retain(|steps| steps.on_the_wire() > 0);
            }
            Move::Post => self.post().await,
            Move::Sweep(stem) => {
                let record = self.streams.next_of(&stem);
                self.begin_with(Doing::Sweep { stem }, actor::image_sweep, record).await;
            }
            Move::Ingest(event) => {
                self.begin_with(Doing::Ingest { event: event.clone() }, actor::image_ingest, event).await;
            }
            Move::SweepAgain => {
                let record = self.random.choice(self.streams.rows_done()).expect("a record").clone();
                self.begin_with(Doing::Again, actor::image_sweep, record).await;
            }
            Move::IngestAgain => {
                let event = self.random.choice(self.streams.objects_done()).expect("an event").clone();
                self.begin_with(Doing::Again, actor::image_ingest, event).await;
            }
            Move::Rest(time) => Box::pin(self.rest(time)).await,
            Move::EndRow(stem) => self.end_row(&stem),
        }
    }

    fn something_to_do(&mut self) -> Doing {
        let picture = self.random.usize(0..PICTURES.len());
        let upload_id = UPLOAD_IDS[self.random.usize(0..self.odds.upload_ids)];
        match self.odds.what_is_asked(&mut self.random) {
            Asked::Removal if let Some(name) = self.random.choice(self.promises.known()) => {
                Doing::Remove { was_there: self.promises.must_be_there(&name), name }
            }
            Asked::Avatar => Doing::Avatar { upload_id, picture },
            Asked::Ticket => Doing::Ticket { upload_id, was_gone: self.promises.is_gone(upload_id) },
            Asked::Upload | Asked::Removal => {
                Doing::Upload { upload_id, picture, was_gone: self.promises.is_gone(upload_id) }
            }
        }
    }

    /// Somebody calls.
    async fn begin(&mut self, doing: Doing) {
        let (alice, task) = (&self.alice, &self.task);
        let (function, event): (Function, _) = match &doing {
            Doing::Upload { upload_id, picture, .. } => {
                self.promises.send(upload_id, *picture);
                (actor::task_image_upload, upload(alice, task, upload_id, *picture))
            }
            Doing::Avatar { upload_id, picture } => {
                let form = Multipart::new().field("upload_id", upload_id).image(PICTURES[*picture]);
                (actor::avatar_upload, Event::of("POST", "/me/avatar").from(alice).form(form))
            }
            Doing::Ticket { upload_id, .. } => {
                let asked = json!({"content_type": "image/jpeg", "bytes": MOST_BYTES, "upload_id": upload_id});
                (actor::upload_ticket, Event::of("POST", &format!("/tasks/{task}/uploads")).from(alice).json(&asked))
            }
            Doing::Remove { name, .. } => {
                self.promises.begin_removal(name);
                (actor::tasks, Event::of("DELETE", &format!("/tasks/{task}/images/{name}")).from(alice))
            }
            Doing::Sweep { .. } | Doing::Ingest { .. } | Doing::Again => return,
        };
        self.begin_with(doing, function, event).await;
    }

    async fn begin_with(&mut self, doing: Doing, function: Function, event: Event) {
        let steps = Steps::new(self.http.clone());
        let running = function(self.call(steps.client(), event));
        self.note(format!("begin {doing}"));
        self.actors.push(Actor::new(doing, steps, running));
        self.run(self.actors.len() - 1).await;
    }

    /// Whoever has a form sends something with it: a picture, or what is none.
    async fn post(&mut self) {
        let Form { upload_id, ticket } = &self.forms[self.random.usize(0..self.forms.len())];
        let picture = self.random.usize(0..=PICTURES.len());
        let sent = PICTURES.get(picture).copied().unwrap_or(NO_PICTURE);
        let fields = ticket["fields"].as_object().expect("fields").iter();
        let fields =
            fields.fold(Multipart::new(), |form, (name, value)| form.field(name, value.as_str().expect("a text")));
        let answer = post_form(ticket["url"].as_str().expect("a URL"), fields.file(sent)).await;
        self.history.push(format!("{} bytes for {upload_id}: {}", sent.len(), answer.status));
        assert_eq!(answer.status, 201);
        self.promises.send(upload_id, picture);
    }

    fn call(&self, client: SharedHttpClient, event: Event) -> Call<'_> {
        Call { stack: &self.stack, client, most_images: self.odds.most_images, now: self.now, event }
    }

    async fn let_through(&mut self, nth: usize) {
        let passage = self.passage();
        let actor = &self.actors[nth];
        let waiting = actor.steps.waiting();
        let call = self.random.usize(0..waiting.len());
        self.history.push(format!("{} of {}: {passage:?}", waiting[call], actor.what));
        actor.steps.let_through(call, passage);
        self.latest = Some(nth);
        self.calls += 1;
        self.run(nth).await;
    }

    fn passage(&mut self) -> Passage {
        if self.is_ending || !self.odds.is_fault(&mut self.random) {
            return Passage::Well;
        }
        let faults = [Passage::Twice, Passage::Unanswered, Passage::Lost, Passage::Repeated, Passage::Late];
        faults[self.random.usize(0..faults.len())]
    }

    async fn run(&mut self, nth: usize) {
        let Some(ended) = self.actors[nth].run().await else {
            return;
        };
        let actor = self.remove_actor(nth);
        self.keep_what_it_left(&actor);
        self.note(format!("end of {}: {ended}", actor.what));
        match (actor.what, ended) {
            (Doing::Upload { upload_id, picture, was_gone }, Ended::Answered(answer)) => {
                self.hold_answer(upload_id, was_gone, &answer);
                self.uploaded(&answer, picture);
            }
            (Doing::Avatar { picture, .. }, Ended::Answered(answer)) => self.changed_avatar(&answer, picture),
            (Doing::Remove { name, was_there }, Ended::Answered(answer)) => {
                self.asked_to_remove(&name, was_there, &answer)
            }
            (Doing::Ticket { upload_id, was_gone }, Ended::Answered(answer)) => {
                self.hold_answer(upload_id, was_gone, &answer);
                self.asked_for_ticket(upload_id, &answer);
            }
            (Doing::Sweep { stem }, Ended::Done) => self.streams.row_done(&stem),
            (Doing::Ingest { event }, Ended::Done) => self.streams.object_done(&event),
            (Doing::Sweep { .. } | Doing::Ingest { .. } | Doing::Again, Ended::Done | Ended::Failed) => {}
            (what, ended) => panic!("{what} ended as {ended}"),
        }
    }

    /// An upload id stands for one image, as long as the image or its tombstone lives.
    fn hold_answer(&mut self, upload_id: &'static str, was_gone: bool, answer: &Answer) {
        if was_gone && self.promises.is_gone(upload_id) {
            assert!(matches!(answer.status(), 404 | 503), "{upload_id} was removed, and is answered {}", answer.text());
        }
        match answer.status() {
            200 | 201 => self.promises.name(upload_id, answer.json()["name"].as_str().expect("a name")),
            404 => assert!(self.promises.was_ever_going(upload_id), "nobody removed {upload_id}: {}", answer.text()),
            _ => {}
        }
    }

    fn uploaded(&mut self, answer: &Answer, picture: Picture) {
        match answer.status() {
            201 => {
                let name = answer.json()["name"].as_str().expect("a name").to_owned();
                // It can have been asked for and removed while this answer was on its way.
                if !self.promises.may_be_gone(&name) {
                    self.promises.acknowledge(&name, picture);
                }
            }
            404 | 409 | 503 => {}
            other => panic!("an upload was answered {other}: {}", answer.text()),
        }
    }

    fn changed_avatar(&mut self, answer: &Answer, picture: Picture) {
        match answer.status() {
            201 => {
                self.learn();
                let name = answer.json()["name"].as_str().expect("a name").to_owned();
                assert!(self.avatars.contains(&name), "{name} is acknowledged, and never became current");
                if self.avatars.last() == Some(&name) {
                    assert_eq!(self.picture_of(&name), picture, "another picture became current");
                }
            }
            404 | 409 | 503 => {}
            other => panic!("an avatar was answered {other}: {}", answer.text()),
        }
    }

    fn asked_for_ticket(&mut self, upload_id: &'static str, answer: &Answer) {
        match answer.status() {
            201 => self.forms.push(Form { upload_id, ticket: answer.json() }),
            200 | 404 | 409 | 503 => {}
            other => panic!("a ticket was answered {other}: {}", answer.text()),
        }
    }

    fn asked_to_remove(&mut self, name: &str, was_there: bool, answer: &Answer) {
        match answer.status() {
            204 => self.promises.removed(name),
            // An earlier removal did it, and its tombstone has ended meanwhile.
            404 if !was_there => {}
            503 => {}
            other => panic!("a removal of {name} was answered {other}: {}", answer.text()),
        }
    }

    /// Whoever looks now sees what was promised.
    fn look(&mut self) {
        self.learn();
        let shown = self.shown();
        assert!(shown.len() <= self.odds.most_images, "more images than a task may have: {shown:?}");
        self.promises.hold_against(&shown);
        // Of a direct upload, this is the acknowledgement.
        for (name, picture) in shown {
            if !self.promises.may_be_gone(&name) {
                self.promises.acknowledge(&name, picture);
            }
        }
        if let Some(current) = self.avatars.last() {
            self.picture_of(current);
        }
    }

    /// Hears of changes; each of the avatar's pointer is one.
    fn learn(&mut self) {
        let rows = self.streams.take(&self.stack);
        self.avatars.extend(rows.iter().filter_map(|row| Some(row["image_name"]["S"].as_str()?.to_owned())));
    }

    /// What the task shows, with the picture that each image's object holds.
    fn shown(&self) -> Vec<(String, Picture)> {
        let is_ready = |name: &String| self.stack.image_row(name).is_some_and(|row| row["state"]["S"] == "ready");
        let names = self.stack.listed(&self.task).into_iter().filter(is_ready);
        names.map(|name| (name.clone(), self.picture_of(&name))).collect()
    }

    /// Whoever asks the functions is shown just that.
    async fn ask_what_is_shown(&self) {
        let path = format!("/tasks/{}", self.task);
        let answer = self.ask(actor::tasks, Event::of("GET", &path).from(&self.alice)).await;
        assert_eq!(answer.status(), 200, "{}", answer.text());
        let page = answer.json();
        let images = page["images"].as_array().expect("images").iter().filter(|image| image["state"] == "ready");
        let names: Vec<_> = images.map(|image| image["name"].as_str().expect("a name").to_owned()).collect();
        assert_eq!(names, self.shown().into_iter().map(|(name, _)| name).collect::<Vec<_>>());

        for name in self.promises.known() {
            let answer = self.ask(actor::image_redirect, Event::of("GET", &format!("/images/{name}"))).await;
            assert_eq!(answer.status(), 302, "{}", answer.text());
            let ready = self.stack.image_row(&name).filter(|row| text(row, "state") == "ready");
            let shown = ready.as_ref().map_or("/defaults/", |row| text(row, "object_key"));
            assert!(answer.location_path().contains(shown), "{name} leads to {}", answer.location_path());
        }

        let path = format!("/users/{}/avatar", self.alice.user_id);
        let answer = self.ask(actor::image_redirect, Event::of("GET", &path)).await;
        assert_eq!(answer.status(), 302, "{}", answer.text());
        if let Some(current) = self.avatars.last() {
            let stem = current.split('.').next().expect("a stem");
            assert!(answer.location_path().contains(stem), "{current} is not shown: {}", answer.location_path());
        }
    }

    /// The picture that was sent, by what is kept of it.
    #[track_caller]
    fn picture_of(&self, name: &str) -> Picture {
        let row = self.stack.image_row(name).expect("a row of what is shown");
        let key = row["object_key"]["S"].as_str().expect("a key");
        let object = self.stack.emulators().object(key).unwrap_or_else(|| panic!("{key} of {name} is not there"));
        let kept = KEPT.iter().position(|kept| *kept == object.bytes);
        kept.unwrap_or_else(|| panic!("{name} shows what nobody sent"))
    }

    /// A call that nothing disturbs.
    async fn ask(&self, function: Function, event: Event) -> Answer {
        match function(self.call(self.http.clone(), event)).await {
            Ended::Answered(answer) => answer,
            ended => panic!("ended as {ended}"),
        }
    }

    async fn pass(&mut self, time: SignedDuration) {
        self.note(format!("{time:#} pass"));
        self.now += time;
        self.sign_in().await;
        if time == FORTNIGHT {
            self.streams.forget_objects();
            self.forms.clear();
        } else if self.random.bool() {
            // Of the others, one was begun to be sent in time, and is a quarter of an hour on its way.
            self.forms.clear();
        }
    }

    /// The same session, as if it were new.
    async fn sign_in(&self) {
        let now = self.now.as_millisecond();
        self.stack.put_session(&self.alice, now, now).await;
    }

    /// The rows that the TTL may take.
    fn expired(&self) -> Vec<String> {
        let has_ended = |row: &Value| {
            let end = row["expires_at"]["N"].as_str();
            end.is_some_and(|end| end.parse::<i64>().is_ok_and(|end| end < self.now.as_second()))
        };
        let rows = self.stack.image_rows().into_iter().filter(has_ended);
        rows.map(|row| text(&row, "stem").to_owned()).collect()
    }

    fn end_row(&mut self, stem: &str) {
        self.note(format!("the TTL takes {stem}"));
        let name = name_of(&self.stack.image_row(stem).expect("an expired row"));
        let is_removal =
            |actor: &Actor<Doing>| matches!(&actor.what, Doing::Remove { name: other, .. } if *other == name);
        self.promises.forget(&name, self.actors.iter().any(is_removal));
        self.stack.remove_image_row(stem);
    }

    fn remove_actor(&mut self, nth: usize) -> Actor<Doing> {
        self.latest = None;
        self.actors.remove(nth)
    }

    fn keep_what_it_left(&mut self, actor: &Actor<Doing>) {
        if actor.steps.on_the_wire() > 0 {
            self.left.push(actor.steps.clone());
        }
    }

    fn note(&mut self, what: String) {
        self.history.push(what);
    }
}

fn upload(user: &User, task: &str, upload_id: &str, picture: Picture) -> Event {
    let form = Multipart::new().field("upload_id", upload_id).image(PICTURES[picture]);
    Event::of("POST", &format!("/tasks/{task}/images")).from(user).form(form)
}

/// Where the objects of a row lie.
fn prefix_of(row: &Value) -> String {
    format!("images/{}/{}/", text(row, "stem"), text(row, "attempt"))
}

fn name_of(row: &Value) -> String {
    format!("{}.{}", text(row, "stem"), text(row, "extension"))
}

fn text<'a>(row: &'a Value, attribute: &str) -> &'a str {
    row[attribute]["S"].as_str().expect("a text")
}
