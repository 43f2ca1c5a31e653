use std::time::Duration;

use emulators::template::Template;
use emulators::{Data, Emulators, Options, Ports, ResourceError, StartError};
use tokio::net::TcpListener;

use crate::clients::{get, resources, start, start_with};

#[tokio::test]
async fn every_port_that_is_taken_is_named_at_once() {
    let first = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let second = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = |listener: &TcpListener| listener.local_addr().unwrap().port();
    let ports = Ports { s3: port(&first), wechat: port(&second), ..Ports::default() };

    let refused = Emulators::start(Options { ports, ..Options::default() }).await;

    let Err(StartError::Bind(failures)) = refused else { panic!("it started") };
    let services: Vec<_> = failures.iter().map(|failure| failure.service).collect();
    assert_eq!(services, ["s3", "wechat"]);
}

#[tokio::test]
async fn a_data_directory_belongs_to_one_process_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options { data: Data::Directory(directory.path().to_owned()), ..Options::default() };
    let first = Emulators::start(options.clone()).await.unwrap();

    let second = Emulators::start(options.clone()).await;

    assert!(matches!(second, Err(StartError::DirectoryInUse(_))));
    drop(first);
    assert!(Emulators::start(options).await.is_ok());
}

#[tokio::test]
async fn a_data_directory_that_is_a_file_is_refused() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let data = Data::Directory(file.path().to_owned());

    let refused = Emulators::start(Options { data, ..Options::default() }).await;

    assert!(matches!(refused, Err(StartError::Directory { .. })));
}

#[tokio::test]
async fn the_environment_names_every_server_and_the_secret_by_its_arn() {
    let emulators = start().await;
    let environment = emulators.environment();

    assert_eq!(environment["AWS_ENDPOINT_URL_DYNAMODB"], emulators.dynamodb_url());
    assert_eq!(environment["AWS_ENDPOINT_URL_S3"], emulators.s3_url());
    assert_eq!(environment["AWS_ENDPOINT_URL_SECRETS_MANAGER"], emulators.secretsmanager_url());
    assert_eq!(environment["WECHAT_API_BASE"], emulators.wechat_url());
    assert!(environment["WECHAT_SECRET"].starts_with("arn:aws:secretsmanager:us-east-1:"));
    assert!(!environment.values().any(|value| value == "dev-wechat-secret"), "a secret is no variable's value");
}

#[tokio::test]
async fn making_the_resources_again_changes_nothing() {
    let emulators = start().await;

    emulators.create_resources(&resources()).await.unwrap();

    assert_eq!(emulators.database().table_count().unwrap(), 2);
}

#[tokio::test]
async fn a_kept_table_of_another_shape_is_not_taken_for_the_wanted_one() {
    let directory = tempfile::tempdir().unwrap();
    let options = Options { data: Data::Directory(directory.path().to_owned()), ..Options::default() };
    drop(start_with(options.clone()).await);
    let mut changed = resources();
    changed.tables[1].create["GlobalSecondaryIndexes"][0]["IndexName"] = "by-title".into();

    let emulators = Emulators::start(options).await.unwrap();

    let refused = emulators.create_resources(&changed).await.unwrap_err();
    assert!(matches!(&refused, ResourceError::TableDiffers { table } if table == "TasksTable"), "{refused:?}");
    emulators.create_resources(&resources()).await.unwrap();
}

#[tokio::test]
async fn the_tables_and_the_bucket_of_the_project_can_be_made() {
    let emulators = Emulators::start(Options::default()).await.unwrap();
    let template = Template::parse(include_str!("../../../../template.yaml")).unwrap();

    emulators.create_resources(&template).await.unwrap();
    emulators.create_resources(&template).await.unwrap();

    assert_eq!(emulators.database().table_count().unwrap(), template.tables.len());
    assert_eq!(emulators.bucket(), Some(template.bucket.name.as_str()));
}

#[tokio::test]
async fn dropped_emulators_answer_no_more() {
    let emulators = start().await;
    let url = format!("{}/_nothing", emulators.wechat_url());
    assert_eq!(get(&url).await.status, 404);

    drop(emulators);

    let address = url.strip_prefix("http://").unwrap().split('/').next().unwrap().to_owned();
    let closed = async {
        while tokio::net::TcpStream::connect(&address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(300), closed).await.expect("the port is closed");
}

#[test]
fn printed_options_do_not_show_the_secret() {
    let options = Options { wechat_secret: "telltale".to_owned(), ..Options::default() };

    assert!(!format!("{options:?}").contains("telltale"));
}
