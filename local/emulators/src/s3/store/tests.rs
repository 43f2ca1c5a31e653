use std::sync::Barrier;

use super::*;

fn object(key: &str, bytes: Vec<u8>) -> NewObject {
    NewObject {
        key: key.to_owned(),
        bytes: bytes.into(),
        headers: Headers::default(),
        checksums: Checksums::default(),
        by: None,
        modified: Timestamp::default(),
    }
}

fn only_if_absent(stored: Option<&Metadata>) -> Result<(), StoreError> {
    if stored.is_some() { Err(StoreError::PreconditionFailed) } else { Ok(()) }
}

#[test]
fn of_writers_that_start_together_one_is_first() {
    let store = Store::temporary().unwrap();
    store.create_bucket("b").unwrap();

    for round in 0..50 {
        let key = round.to_string();
        let start = Barrier::new(4);
        let write = &|number: u8| {
            start.wait();
            store.put("b", object(&key, vec![number; 50_000]), &only_if_absent).is_ok()
        };
        let winners: Vec<u8> = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..4).map(|number| (number, scope.spawn(move || write(number)))).collect();
            writers.into_iter().filter_map(|(number, writer)| writer.join().unwrap().then_some(number)).collect()
        });

        let [winner] = winners[..] else { panic!("winners of round {round}: {winners:?}") };
        assert_eq!(store.open_object("b", &key).unwrap().read_all().unwrap()[0], winner);
    }
}

#[test]
fn an_opened_object_stays_whole_while_it_is_replaced_and_deleted() {
    let store = Store::temporary().unwrap();
    store.create_bucket("b").unwrap();
    store.put("b", object("k", b"first".to_vec()), &|_| Ok(())).unwrap();
    let opened = store.open_object("b", "k").unwrap();

    store.put("b", object("k", b"second, and longer".to_vec()), &|_| Ok(())).unwrap();
    store.delete("b", "k", &|_| Ok(())).unwrap();

    assert_eq!((opened.metadata.size, opened.read_all().unwrap()), (5, b"first".to_vec()));
    assert!(matches!(store.open_object("b", "k"), Err(StoreError::NoSuchKey)));
}

#[test]
fn a_store_opened_again_knows_its_objects() {
    let directory = tempfile::tempdir().unwrap();
    let first = Store::open(directory.path()).unwrap();
    first.create_bucket("b").unwrap();
    let stored = first.put("b", object("k/ey", b"bytes".to_vec()), &|_| Ok(())).unwrap();
    drop(first);

    let second = Store::open(directory.path()).unwrap();

    assert_eq!(second.find("b", "k/ey").unwrap(), stored);
    assert_eq!(second.open_object("b", "k/ey").unwrap().read(1..3).unwrap(), b"yt");
}

#[test]
fn a_store_opened_again_tells_of_objects_of_the_last_hours_and_of_what_nobody_has_taken_yet_however_old() {
    let directory = tempfile::tempdir().unwrap();
    let first = Store::open(directory.path()).unwrap();
    first.create_bucket("b").unwrap();
    let put = |key: &str, modified: SystemTime| {
        let object = NewObject { modified: modified.into(), ..object(key, b"bytes".to_vec()) };
        first.put("b", object, &|_| Ok(())).unwrap();
    };
    let long_ago = clock::now() - 2 * TOLD_AGAIN;
    put("images/old", long_ago);
    put("incoming/old", long_ago);
    put("images/new", clock::now());

    let second = Store::open(directory.path()).unwrap();

    let told: Vec<_> = second.outbox.take().into_iter().map(|created| created.key).collect();
    assert_eq!(told, ["images/new", "incoming/old"]);
}

#[test]
fn a_refused_write_leaves_no_file() {
    let store = Store::temporary().unwrap();
    store.create_bucket("b").unwrap();
    store.put("b", object("k", b"first".to_vec()), &only_if_absent).unwrap();

    store.put("b", object("k", b"second".to_vec()), &only_if_absent).unwrap_err();
    store.put("nowhere", object("k", b"third".to_vec()), &only_if_absent).unwrap_err();

    assert_eq!(fs::read_dir(store.temporaries()).unwrap().count(), 0);
    assert_eq!(store.open_object("b", "k").unwrap().read_all().unwrap(), b"first");
}
