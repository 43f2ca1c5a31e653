use std::collections::BTreeSet;
use std::sync::LazyLock;

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use fastrand::Rng;
use imaging::Limits;
use lambda_http::BoxFuture;
use platform::clock;
use serde_json::{Value, json};
use testkit::{Answer, Event, Multipart, Passage, Stack, Steps, User, post_form};

use crate::actor::{self, Actor, Ended};
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
const UPLOAD_IDS: [&str; 4] = ["one", "two", "three", "four"];
const STEPS_BETWEEN_CALLERS: u32 = 15;
const MINUTES_16: i64 = 16 * 60;
const DAYS_16: i64 = 16 * 24 * 3600;

/// What an actor is at.
#[derive(Clone, Debug)]
enum Doing {
    Upload {
        upload_id: &'static str,
        picture: Picture,
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

/// What a ticket's owner got, and can use twice.
struct Form {
    name: String,
    ticket: Value,
}

/// What can happen next.
#[derive(Clone, Debug)]
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
    Grow16MinutesOlder,
    Grow16DaysOlder,
    EndRow(String),
}

/// How likely things are in one walk. Each walk has its own: what never happens leaves room for what happens often.
struct Odds {
    begin: u32,
    crash: u32,
    time: u32,
    stream: u32,
    /// Of so many calls, one does not pass well.
    fault: u32,
    upload_ids: usize,
    most_images: usize,
    most_actors: usize,
}

impl Odds {
    fn draw(random: &mut Rng) -> Self {
        Self {
            begin: random.u32(2..20),
            crash: random.u32(0..4),
            time: random.u32(2..20),
            stream: random.u32(1..10),
            fault: random.u32(3..30),
            upload_ids: random.usize(1..=UPLOAD_IDS.len()),
            most_images: random.usize(1..4),
            most_actors: random.usize(1..5),
        }
    }
}

/// One owner, one task, and everything that can happen to them.
pub(crate) struct World {
    random: Rng,
    stack: Stack,
    http: SharedHttpClient,
    alice: User,
    task: String,
    actors: Vec<Actor<Doing>>,
    /// Of processes that have ended or crashed, and left requests on the wire.
    left: Vec<Steps>,
    streams: Streams,
    forms: Vec<Form>,
    promises: Promises,
    /// The pictures of the user that became current, the last one at the end.
    avatars: Vec<String>,
    odds: Odds,
    /// Everything comes to its end, and nothing fails any more.
    is_ending: bool,
    calls: usize,
    history: Vec<String>,
}

impl World {
    pub(crate) async fn new(seed: u64) -> Self {
        let stack = Stack::start().await;
        // Names follow from the user's seed and the task: a walk that is made again has the same ones.
        let alice = stack.seeded_user();
        let task = stack.task_as(&alice, "model").await;
        // What the seed set was put by is no news.
        Streams::default().take(&stack);
        let mut random = Rng::with_seed(seed);
        Self {
            odds: Odds::draw(&mut random),
            random,
            http: stack.http(),
            stack,
            alice,
            task,
            actors: Vec::new(),
            left: Vec::new(),
            streams: Streams::default(),
            forms: Vec::new(),
            promises: Promises::default(),
            avatars: Vec::new(),
            is_ending: false,
            calls: 0,
            history: Vec::new(),
        }
    }

    pub(crate) fn history(&self) -> String {
        self.history.join("\n")
    }

    pub(crate) fn calls(&self) -> usize {
        self.calls
    }

    /// One thing happens, and whatever was promised still holds.
    pub(crate) async fn step(&mut self) {
        let moves = self.moves();
        let all: u32 = moves.iter().map(|(weight, _)| weight).sum();
        let mut drawn = self.random.u32(0..all);
        let chosen = moves.into_iter().find(|(weight, _)| {
            let is_hit = drawn < *weight;
            drawn = drawn.wrapping_sub(*weight);
            is_hit
        });
        let (_, chosen) = chosen.expect("something can always happen");
        self.make(chosen).await;
        self.look();
        if self.random.u32(0..STEPS_BETWEEN_CALLERS) == 0 {
            self.ask_what_is_shown().await;
        }
    }

    /// Everything that has begun ends, all that was told is worked off, and what can expire does.
    pub(crate) async fn end(&mut self) {
        self.settle().await;
        self.grow_older(DAYS_16);
        self.settle().await;
        self.ask_what_is_shown().await;

        let rows = self.stack.image_rows();
        let attempts: BTreeSet<String> =
            rows.iter().filter(|row| row["state"]["S"] == "ready").map(prefix_of).collect();
        for key in self.stack.stored() {
            assert!(attempts.iter().any(|prefix| key.starts_with(prefix)), "{key} belongs to no image");
        }
        let is_left = |key: &String| key.starts_with("incoming/") && !key.starts_with("incoming/5eed");
        assert_eq!(self.stack.emulators().objects().into_iter().find(is_left), None, "what was sent stays for ever");
        let is_pointer = |row: &&Value| row["stem"]["S"].as_str().expect("a stem").starts_with("avatar#");
        for row in rows.iter().filter(|row| !is_pointer(row)) {
            assert_eq!(row["state"]["S"], "ready", "a row that stays for ever: {row}");
        }
        if self.shown().len() < self.odds.most_images {
            let answer = self.ask(actor::task_image_upload, upload(&self.alice, &self.task, "last", 0)).await;
            assert_eq!(answer.status(), 201, "the task takes no picture any more: {}", answer.text());
        }
    }

    /// Until nothing runs, waits, or is on the wire.
    async fn settle(&mut self) {
        self.is_ending = true;
        loop {
            let next = self.moves().into_iter().map(|(_, next)| next).find(|next| {
                matches!(
                    next,
                    Move::LetThrough(_) | Move::Arrive(_) | Move::Sweep(_) | Move::Ingest(_) | Move::EndRow(_)
                )
            });
            match next {
                Some(next) => self.make(next).await,
                None => return,
            }
            self.look();
        }
    }

    /// Everything that can happen now, with how often it shall.
    fn moves(&self) -> Vec<(u32, Move)> {
        let mut moves = Vec::new();
        let running = self.actors.len();
        moves.extend((0..running).map(|nth| (8, Move::LetThrough(nth))));
        if running < self.odds.most_actors {
            moves.push((self.odds.begin, Move::Begin));
        }
        moves.extend((0..running).map(|nth| (self.odds.crash, Move::Crash(nth))));
        moves.extend((0..self.left.len()).map(|nth| (3, Move::Arrive(nth))));
        moves.extend(self.what_can_be_told().into_iter().map(|told| (self.odds.stream, told)));
        if !self.forms.is_empty() && !self.is_ending {
            moves.push((self.odds.begin, Move::Post));
        }
        if running < self.odds.most_actors {
            moves.extend((!self.streams.rows_done().is_empty()).then_some((1, Move::SweepAgain)));
            moves.extend((!self.streams.objects_done().is_empty()).then_some((1, Move::IngestAgain)));
        }
        // Calls end within 15 minutes, and nothing is under way for 15 days.
        if running == 0 && self.left.is_empty() {
            moves.push((self.odds.time, Move::Grow16MinutesOlder));
            if self.streams.are_empty() {
                moves.push((self.odds.time, Move::Grow16DaysOlder));
            }
        }
        moves.extend(self.expired().into_iter().map(|stem| (self.odds.time, Move::EndRow(stem))));
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
                let actor = self.actors.remove(nth);
                self.note(format!("crash of {:?} before {:?}", actor.what, actor.steps.waiting()));
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
                let record = self.one_of(self.streams.rows_done().to_vec());
                self.begin_with(Doing::Again, actor::image_sweep, record).await;
            }
            Move::IngestAgain => {
                let event = self.one_of(self.streams.objects_done().to_vec());
                self.begin_with(Doing::Again, actor::image_ingest, event).await;
            }
            Move::Grow16MinutesOlder => self.grow_older(MINUTES_16),
            Move::Grow16DaysOlder => self.grow_older(DAYS_16),
            Move::EndRow(stem) => self.end_row(&stem),
        }
    }

    fn something_to_do(&mut self) -> Doing {
        let picture = self.random.usize(0..PICTURES.len());
        let upload_id = UPLOAD_IDS[self.random.usize(0..self.odds.upload_ids)];
        let known = self.promises.known();
        match self.random.u32(0..10) {
            0..2 if !known.is_empty() => {
                let name = known[self.random.usize(0..known.len())].clone();
                Doing::Remove { was_there: self.promises.must_be_there(&name), name }
            }
            2..4 => Doing::Avatar { upload_id, picture },
            4..7 => Doing::Ticket { upload_id },
            _ => Doing::Upload { upload_id, picture },
        }
    }

    /// Somebody calls.
    async fn begin(&mut self, doing: Doing) {
        let (alice, task) = (&self.alice, &self.task);
        let (function, event): (Function, _) = match &doing {
            Doing::Upload { upload_id, picture } => {
                (actor::task_image_upload, upload(alice, task, upload_id, *picture))
            }
            Doing::Avatar { upload_id, picture } => {
                let form = Multipart::new().field("upload_id", upload_id).image(PICTURES[*picture]);
                (actor::avatar_upload, Event::of("POST", "/me/avatar").from(alice).form(form))
            }
            Doing::Ticket { upload_id } => {
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
        let running = function(&self.stack, steps.client(), self.odds.most_images, event);
        self.note(format!("begin {doing:?}"));
        self.actors.push(Actor::new(doing, steps, running));
        self.run(self.actors.len() - 1).await;
    }

    /// Whoever has a form sends something with it: a picture, or what is none.
    async fn post(&mut self) {
        let form = self.random.usize(0..self.forms.len());
        let sent = [PICTURES[0], PICTURES[1], NO_PICTURE][self.random.usize(0..3)];
        let Form { name, ticket } = &self.forms[form];
        let fields = ticket["fields"].as_object().expect("fields").iter();
        let fields =
            fields.fold(Multipart::new(), |form, (name, value)| form.field(name, value.as_str().expect("a text")));
        let answer = post_form(ticket["url"].as_str().expect("a URL"), fields.file(sent)).await;
        self.history.push(format!("{} bytes for {name}: {}", sent.len(), answer.status));
        assert_eq!(answer.status, 201);
    }

    fn one_of<T>(&mut self, mut all: Vec<T>) -> T {
        all.swap_remove(self.random.usize(0..all.len()))
    }

    async fn let_through(&mut self, nth: usize) {
        let passage = self.passage();
        let actor = &self.actors[nth];
        let waiting = actor.steps.waiting();
        let call = self.random.usize(0..waiting.len());
        self.history.push(format!("{:?} of {:?}: {passage:?}", waiting[call], actor.what));
        actor.steps.let_through(call, passage);
        self.calls += 1;
        self.run(nth).await;
    }

    fn passage(&mut self) -> Passage {
        if self.is_ending || self.random.u32(0..self.odds.fault) > 0 {
            return Passage::Well;
        }
        let faults = [Passage::Twice, Passage::Unanswered, Passage::Lost, Passage::Repeated, Passage::Late];
        faults[self.random.usize(0..faults.len())]
    }

    async fn run(&mut self, nth: usize) {
        let Some(ended) = self.actors[nth].run().await else {
            return;
        };
        let actor = self.actors.remove(nth);
        self.keep_what_it_left(&actor);
        self.note(format!("end of {:?}: {ended:?}", actor.what));
        match (actor.what, ended) {
            (Doing::Upload { picture, .. }, Ended::Answered(answer)) => self.uploaded(&answer, picture),
            (Doing::Avatar { .. }, Ended::Answered(answer)) => {
                assert!(matches!(answer.status(), 201 | 404 | 409 | 503), "{}", answer.text());
            }
            (Doing::Remove { name, was_there }, Ended::Answered(answer)) => {
                self.asked_to_remove(&name, was_there, &answer)
            }
            (Doing::Ticket { .. }, Ended::Answered(answer)) => self.asked_for_ticket(&answer),
            (Doing::Sweep { stem }, Ended::Done) => self.streams.row_done(&stem),
            (Doing::Ingest { event }, Ended::Done) => self.streams.object_done(&event),
            (Doing::Sweep { .. } | Doing::Ingest { .. } | Doing::Again, Ended::Done | Ended::Failed) => {}
            (what, ended) => panic!("{what:?} ended as {ended:?}"),
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

    fn asked_for_ticket(&mut self, answer: &Answer) {
        match answer.status() {
            201 => {
                let ticket = answer.json();
                let name = ticket["name"].as_str().expect("a name").to_owned();
                self.forms.push(Form { name, ticket });
            }
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
        for row in self.streams.take(&self.stack) {
            if let Some(name) = row["image_name"]["S"].as_str() {
                self.avatars.push(name.to_owned());
            }
        }
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
        match function(&self.stack, self.http.clone(), self.odds.most_images, event).await {
            Ended::Answered(answer) => answer,
            ended => panic!("{ended:?}"),
        }
    }

    /// All rows are so much older, as if time had passed.
    fn grow_older(&mut self, seconds: i64) {
        self.note(format!("{seconds} seconds pass"));
        for row in self.stack.image_rows() {
            self.stack.change_image_row(row["stem"]["S"].as_str().expect("a stem"), |row| {
                for attribute in ["touched_at", "expires_at"] {
                    if let Some(then) = row.get(attribute).and_then(|then| then["N"].as_str()?.parse::<i64>().ok()) {
                        row[attribute]["N"] = (then - seconds).to_string().into();
                    }
                }
            });
        }
        // Nobody wrote this.
        self.stack.take_changes();
        if seconds == DAYS_16 {
            self.streams.forget_objects();
            self.forms.clear();
        } else if self.random.bool() {
            // Of the others, one was begun to be sent in time, and is a quarter of an hour on its way.
            self.forms.clear();
        }
    }

    /// The rows that the TTL may take.
    fn expired(&self) -> Vec<String> {
        let now = clock::now().as_second();
        let has_ended = |row: &Value| {
            row["expires_at"]["N"].as_str().is_some_and(|end| end.parse::<i64>().is_ok_and(|end| end < now))
        };
        let rows = self.stack.image_rows().into_iter().filter(has_ended);
        rows.map(|row| row["stem"]["S"].as_str().expect("a stem").to_owned()).collect()
    }

    fn end_row(&mut self, stem: &str) {
        self.note(format!("the TTL takes {stem}"));
        let row = self.stack.image_row(stem).expect("an expired row");
        let extension = row["extension"]["S"].as_str().expect("an extension");
        self.promises.forget(&format!("{stem}.{extension}"));
        self.stack.remove_image_row(stem);
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

type Function = fn(&Stack, SharedHttpClient, usize, Event) -> BoxFuture<'static, Ended>;

fn upload(user: &User, task: &str, upload_id: &str, picture: Picture) -> Event {
    let form = Multipart::new().field("upload_id", upload_id).image(PICTURES[picture]);
    Event::of("POST", &format!("/tasks/{task}/images")).from(user).form(form)
}

/// Where the objects of a row lie.
fn prefix_of(row: &Value) -> String {
    let part = |name: &str| row[name]["S"].as_str().expect("a key").to_owned();
    format!("images/{}/{}/", part("stem"), part("attempt"))
}
