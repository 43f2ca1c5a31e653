use std::collections::BTreeSet;
use std::sync::LazyLock;

use aws_smithy_runtime_api::client::http::SharedHttpClient;
use fastrand::Rng;
use imaging::Limits;
use lambda_http::BoxFuture;
use platform::clock;
use serde_json::Value;
use testkit::{Answer, Event, Multipart, Passage, Stack, Steps, User};

use crate::actor::{self, Actor, Ended};
use crate::promises::{Picture, Promises};
use crate::streams::Stream;

/// What is sent: two pictures, and bytes that are none.
const PICTURES: [&[u8]; 2] = [
    include_bytes!("../../../../shared/imaging/corpus/orientation_6.jpg"),
    include_bytes!("../../../../shared/imaging/corpus/gray.jpg"),
];
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
    /// The next record of a row, or one that was worked off before.
    Sweep {
        stem: String,
        is_new: bool,
    },
}

/// What can happen next.
#[derive(Clone, Debug)]
enum Move {
    Begin,
    LetThrough(usize),
    Crash(usize),
    Arrive(usize),
    Deliver(String),
    DeliverAgain,
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
    stream: Stream,
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
        let mut stream = Stream::default();
        stream.begin_with(stack.rows("ImagesTable"));
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
            stream,
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
                matches!(next, Move::LetThrough(_) | Move::Arrive(_) | Move::Deliver(_) | Move::EndRow(_))
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
        let busy: BTreeSet<_> = self
            .actors
            .iter()
            .filter_map(|actor| match &actor.what {
                Doing::Sweep { stem, is_new: true } => Some(stem.clone()),
                _ => None,
            })
            .collect();
        let news = self.stream.rows_with_news();
        moves.extend(
            news.iter()
                .filter(|stem| !busy.contains(*stem))
                .map(|stem| (self.odds.stream, Move::Deliver(stem.clone()))),
        );
        if !self.stream.delivered().is_empty() && running < self.odds.most_actors {
            moves.push((1, Move::DeliverAgain));
        }
        // Calls end within 15 minutes, and nothing is under way for 15 days.
        if running == 0 && self.left.is_empty() {
            moves.push((self.odds.time, Move::Grow16MinutesOlder));
            if news.is_empty() {
                moves.push((self.odds.time, Move::Grow16DaysOlder));
            }
        }
        moves.extend(self.expired().into_iter().map(|stem| (self.odds.time, Move::EndRow(stem))));
        moves
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
            Move::Deliver(stem) => self.begin(Doing::Sweep { stem, is_new: true }).await,
            Move::DeliverAgain => self.begin(Doing::Sweep { stem: String::new(), is_new: false }).await,
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
            _ => Doing::Upload { upload_id, picture },
        }
    }

    async fn begin(&mut self, doing: Doing) {
        let steps = Steps::new(self.http.clone());
        let (alice, task) = (&self.alice, &self.task);
        let call = |function: Function, event| function(&self.stack, steps.client(), self.odds.most_images, event);
        let running: BoxFuture<'static, Ended> = match &doing {
            Doing::Upload { upload_id, picture } => {
                call(actor::task_image_upload, upload(alice, task, upload_id, *picture))
            }
            Doing::Avatar { upload_id, picture } => {
                let form = Multipart::new().field("upload_id", upload_id).image(PICTURES[*picture]);
                call(actor::avatar_upload, Event::of("POST", "/me/avatar").from(alice).form(form))
            }
            Doing::Remove { name, .. } => {
                self.promises.begin_removal(name);
                let path = format!("/tasks/{task}/images/{name}");
                call(actor::tasks, Event::of("DELETE", &path).from(alice))
            }
            Doing::Sweep { stem, is_new } => {
                let record = if *is_new {
                    self.stream.next_of(stem)
                } else {
                    let delivered = self.stream.delivered();
                    delivered[self.random.usize(0..delivered.len())].clone()
                };
                actor::image_sweep(&self.stack, steps.client(), record)
            }
        };
        self.note(format!("begin {doing:?}"));
        self.actors.push(Actor::new(doing, steps, running));
        self.run(self.actors.len() - 1).await;
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
            (Doing::Sweep { stem, is_new: true }, Ended::Done) => self.stream.done(&stem),
            (Doing::Sweep { .. }, Ended::Done | Ended::Failed) => {}
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
        for change in self.stream.look_at(self.stack.rows("ImagesTable")) {
            if let (_, Some(row)) = &change
                && row.get("image_name").is_some()
            {
                self.avatars.push(row["image_name"]["S"].as_str().expect("a name").to_owned());
            }
        }
        let shown = self.shown();
        assert!(shown.len() <= self.odds.most_images, "more images than a task may have: {shown:?}");
        self.promises.hold_against(&shown);
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
        self.stream.begin_with(self.stack.rows("ImagesTable"));
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
