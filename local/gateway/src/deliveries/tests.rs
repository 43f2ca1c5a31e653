use std::sync::Mutex;

use emulators::template::{Function as Declared, Pattern};
use emulators::{Data, Options};

use testkit::eventually;

use super::*;
use crate::function::Function;

const TABLE: &str = "ImagesTable";

/// A function and what reaches it.
struct Told {
    emulators: Arc<Emulators>,
    events: Arc<Mutex<Vec<Value>>>,
    stop: Option<watch::Sender<()>>,
    template: Template,
    deliveries: Deliveries,
}

impl Told {
    async fn prepare(answers: impl Fn(&Value) -> Result<Value, String> + Send + Sync + 'static) -> Self {
        Self::prepare_slow(move |event| std::future::ready(answers(&event))).await
    }

    /// A function that may take its time.
    async fn prepare_slow<F>(answers: impl Fn(Value) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Value, String>> + Send + 'static,
    {
        let mut template = Template::parse(include_str!("../../../../template.yaml")).unwrap();
        let emulators = Emulators::start(Options { data: Data::Memory, ..Options::default() }).await.unwrap();
        emulators.create_resources(&template).await.unwrap();
        template.functions = vec![declared()];
        let emulators = Arc::new(emulators);
        let (events, answers) = (Arc::<Mutex<Vec<Value>>>::default(), Arc::new(answers));
        let kept = Arc::clone(&events);
        let mut functions = Functions::default();
        let handle = move |event: lambda_http::LambdaEvent<Value>| {
            kept.lock().unwrap().push(event.payload.clone());
            answers(event.payload)
        };
        functions.insert("told", Function::new(testkit::LONG, handle));
        let at_once = vec![Duration::ZERO; 2];
        let retries = Retries { of_objects: at_once.clone(), of_records: at_once };
        let deliveries = Deliveries { emulators: Arc::clone(&emulators), functions, retries, times: 1 };
        Self { emulators, events, stop: None, template, deliveries }
    }

    async fn start(answers: impl Fn(&Value) -> Result<Value, String> + Send + Sync + 'static) -> Self {
        Self::prepare(answers).await.deliver()
    }

    fn deliver(mut self) -> Self {
        let stop = watch::Sender::new(());
        self.deliveries.clone().start(&self.template, &stop);
        self.stop = Some(stop);
        self
    }

    fn put_object(&self, key: &str) {
        self.emulators.put_object(key, "photo".into(), "image/jpeg").unwrap();
    }

    /// Changes a row.
    fn put_row(&self, stem: &str, state: &str) {
        let row = json!({ "stem": { "S": stem }, "state": { "S": state } });
        let put = json!({ "TableName": TABLE, "Item": row });
        self.emulators.database().put_item(serde_json::from_value(put).unwrap()).unwrap();
    }

    /// The events so far, once there are so many.
    async fn events(&self, count: usize) -> Vec<Value> {
        self.until(|| (self.events.lock().unwrap().len() >= count).then_some(())).await;
        self.events.lock().unwrap().clone()
    }

    /// What was given up on and lies below a folder, once there is something.
    async fn dead_letter(&self, folder: &str) -> (String, Value) {
        let keys = || self.emulators.objects().into_iter().filter(|key| key.starts_with(folder));
        let key = self.until(|| keys().next()).await;
        let letter = serde_json::from_slice(&self.emulators.object(&key).unwrap().bytes).unwrap();
        (key, letter)
    }

    /// The records that were given up on, once there are some.
    async fn given_up_records(&self) -> Value {
        let (_, letter) = self.dead_letter("aws/lambda/").await;
        serde_json::from_str(letter["payload"].as_str().unwrap()).unwrap()
    }

    async fn until<T>(&self, mut look: impl FnMut() -> Option<T>) -> T {
        eventually("the function is told", async || look()).await
    }
}

fn declared() -> Declared {
    let source = |prefix: &str, suffix: &str| ObjectSource { prefix: prefix.to_owned(), suffix: suffix.to_owned() };
    let filter = Pattern::parse(r#"{"dynamodb":{"NewImage":{"state":{"S":["told"]}}}}"#).unwrap();
    Declared {
        logical_id: "ToldFunction".to_owned(),
        name: "told".to_owned(),
        environment: BTreeMap::new(),
        timeout_seconds: 10,
        routes: Vec::new(),
        objects: vec![source("incoming/", ""), source("images/", "/original.jpg")],
        streams: vec![StreamSource { table: TABLE.to_owned(), batch_size: 4, filters: vec![filter] }],
        is_scheduled: false,
        rules: Vec::new(),
    }
}

fn well(_: &Value) -> Result<Value, String> {
    Ok(Value::Null)
}

fn keys(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["Records"][0]["s3"]["object"]["key"].as_str().unwrap()).collect()
}

fn stems(event: &Value) -> Vec<String> {
    let records = event["Records"].as_array().unwrap().iter();
    records.map(|record| record["dynamodb"]["Keys"]["stem"]["S"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_function_is_told_of_the_objects_that_its_sources_name_and_of_no_others() {
    let told = Told::start(well).await;
    for key in ["defaults/missing", "images/a/thumb.jpg", "images/original.png", "other/incoming/a"] {
        told.put_object(key);
    }
    told.put_object("incoming/a b+c");
    assert_eq!(keys(&told.events(1).await), ["incoming/a+b%2Bc"]);

    told.put_object("images/a/original.jpg");
    assert_eq!(keys(&told.events(2).await)[1..], ["images/a/original.jpg"]);
}

#[tokio::test]
async fn an_object_is_told_of_again_until_the_function_has_done_it() {
    let tries = Mutex::new(0);
    let third_time = move |_: &Value| {
        let mut tries = tries.lock().unwrap();
        *tries += 1;
        if *tries < 3 { Err("not yet".to_owned()) } else { Ok(Value::Null) }
    };
    let told = Told::start(third_time).await;
    told.put_object("incoming/a");
    let first = told.events(3).await[0].clone();

    told.put_object("incoming/b");
    let events = told.events(4).await;
    assert_eq!(keys(&events), ["incoming/a", "incoming/a", "incoming/a", "incoming/b"]);
    assert_eq!(events[2], first, "the very same event");
    assert!(told.emulators.objects().iter().all(|key| !key.starts_with("dead-letters/")));
}

#[tokio::test]
async fn what_always_fails_is_kept_as_it_is_and_ends_nothing_else() {
    let told = Told::start(|event| match keys(std::slice::from_ref(event))[0] {
        "incoming/poison" => Err("no".to_owned()),
        _ => Ok(Value::Null),
    })
    .await;
    told.put_object("incoming/poison");

    let (_, letter) = told.dead_letter("dead-letters/told/").await;
    let events = told.events(3).await;
    assert_eq!(keys(&events), ["incoming/poison"; 3]);
    assert_eq!(letter, events[0], "it can be sent again");

    told.put_object("incoming/b");
    assert_eq!(keys(&told.events(4).await)[3..], ["incoming/b"]);
}

#[tokio::test]
async fn of_many_objects_four_are_worked_on_and_the_next_one_when_one_of_these_is_done() {
    let places = Arc::new(Semaphore::new(0));
    let done = Arc::clone(&places);
    let told = Told::prepare_slow(move |_| {
        let done = Arc::clone(&done);
        async move {
            done.acquire().await.unwrap().forget();
            Ok(Value::Null)
        }
    })
    .await;
    for nth in 0..9 {
        told.put_object(&format!("incoming/{nth}"));
    }
    let told = told.deliver();
    assert_eq!(told.events(4).await.len(), 4);

    places.add_permits(1);

    assert_eq!(told.events(5).await.len(), 5);
}

#[tokio::test]
async fn an_object_that_is_to_be_told_again_holds_up_no_other() {
    let mut told = Told::prepare(|_| Err("no".to_owned())).await;
    told.deliveries.retries.of_objects = vec![Duration::from_secs(3600)];
    for nth in 0..9 {
        told.put_object(&format!("incoming/{nth}"));
    }

    told.deliver().events(9).await;
}

#[tokio::test]
async fn records_come_in_order_those_from_before_the_start_too_and_only_those_that_fit() {
    let told = Told::prepare(well).await;
    for stem in ["a", "b", "c"] {
        told.put_row(stem, "told");
        told.put_row(stem, "not told");
    }
    let told = told.deliver();
    let so_far = || told.events.lock().unwrap().iter().flat_map(stems).collect::<Vec<_>>();
    assert_eq!(told.until(|| Some(so_far()).filter(|stems| stems.len() >= 3)).await, ["a", "b", "c"]);

    told.put_row("d", "told");
    assert_eq!(told.until(|| Some(so_far()).filter(|stems| stems.len() >= 4)).await, ["a", "b", "c", "d"]);
    let record = &told.events(1).await.pop().unwrap()["Records"][0];
    assert_eq!(record["eventSource"], "aws:dynamodb");
    assert!(record["eventSourceARN"].as_str().unwrap().contains(":table/ImagesTable/stream/"));
    assert!(record["dynamodb"]["SequenceNumber"].is_string());
}

#[tokio::test]
async fn from_the_first_record_that_failed_on_they_come_again() {
    let failed = Mutex::new(false);
    let told = Told::prepare(move |event| {
        let records = event["Records"].as_array().unwrap();
        let third = records.iter().find(|record| record["dynamodb"]["Keys"]["stem"]["S"] == "c");
        match third {
            Some(third) if !std::mem::replace(&mut *failed.lock().unwrap(), true) => {
                let number = &third["dynamodb"]["SequenceNumber"];
                Ok(json!({ "batchItemFailures": [{ "itemIdentifier": number }] }))
            }
            _ => Ok(json!({ "batchItemFailures": [] })),
        }
    })
    .await;
    for stem in ["a", "b", "c", "d"] {
        told.put_row(stem, "told");
    }
    let told = told.deliver();

    let events = told.events(2).await;
    assert_eq!(events.iter().map(stems).collect::<Vec<_>>(), [vec!["a", "b", "c", "d"], vec!["c", "d"]]);
}

#[tokio::test]
async fn a_batch_that_fails_as_a_whole_comes_in_halves_until_the_poison_is_alone() {
    let told = Told::prepare(|event| match stems(event).iter().any(|stem| stem == "c") {
        true => Err("poison".to_owned()),
        false => Ok(json!({ "batchItemFailures": [] })),
    })
    .await;
    for stem in ["a", "b", "c", "d"] {
        told.put_row(stem, "told");
    }
    let told = told.deliver();

    assert_eq!(stems(&told.given_up_records().await), ["c"]);
    let events = told.events(7).await;
    let batches: Vec<_> = events.iter().map(|event| stems(event).concat()).collect();
    assert_eq!(batches, ["abcd", "ab", "cd", "c", "c", "c", "d"]);
}

#[tokio::test]
async fn records_that_always_fail_are_kept_with_those_behind_them() {
    let told = Told::prepare(|_| Ok(json!({ "batchItemFailures": [{ "itemIdentifier": "" }] }))).await;
    for stem in ["a", "b"] {
        told.put_row(stem, "told");
    }
    let told = told.deliver();

    assert_eq!(
        stems(&told.given_up_records().await),
        ["a", "b"],
        "an answer that names none of the batch means all of it"
    );
    assert_eq!(told.events(3).await.len(), 3);
}

#[tokio::test]
async fn records_are_kept_in_the_form_that_aws_documents() {
    let told = Told::prepare(|_| Err("no".to_owned())).await;
    told.put_row("a", "told");
    let told = told.deliver();

    let (key, letter) = told.dead_letter("aws/lambda/").await;

    let documented: Value = serde_json::from_str(include_str!("given_up.json")).unwrap();
    assert_eq!(form(&letter), form(&documented));
    let info = &letter["DDBStreamBatchInfo"];
    let event = &told.events(3).await[0];
    assert_eq!(info["startSequenceNumber"], sequence_number(&event["Records"][0]));
    assert_eq!((&info["batchSize"], &letter["requestContext"]["approximateInvokeCount"]), (&json!(1), &json!(3)));
    let ["aws", "lambda", source, shard, year, month, day, name] = key.split('/').collect::<Vec<_>>()[..] else {
        panic!("{key}")
    };
    assert_eq!(info["shardId"], shard);
    let (time, random) = name.split_at(20);
    let [_, _] = [source, random].map(|id| uuid::Uuid::parse_str(id).unwrap());
    let kept_at = letter["timestamp"].as_str().unwrap();
    assert_eq!(time, format!("{}-", kept_at[..19].replace(':', ".")));
    assert_eq!(format!("{year}-{month}-{day}"), kept_at[..10]);
}

/// What a document is, without what is in it.
fn form(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), form(value))).collect(),
        Value::String(time) if time.parse::<jiff::Timestamp>().is_ok() => {
            format!("a time of {} bytes", time.len()).into()
        }
        Value::String(_) => "text".into(),
        _ => "number".into(),
    }
}

#[tokio::test]
async fn each_event_comes_as_often_as_was_asked_for() {
    let mut told = Told::prepare(well).await;
    told.deliveries.times = 2;
    told.put_object("incoming/a");
    let told = told.deliver();
    assert_eq!(keys(&told.events(2).await), ["incoming/a", "incoming/a"]);

    told.put_row("a", "told");
    let events = told.events(4).await;
    assert_eq!((stems(&events[2]), &events[3]), (vec!["a".to_owned()], &events[2]));
}
