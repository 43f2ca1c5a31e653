//! What a path answers when it is called in another way than the one it is there for.

use crate::client::{Request, get};
use crate::target::Target;

#[tokio::test]
async fn a_path_that_is_nobodys_is_404_in_our_shape() {
    let target = Target::reach().await;
    let base = target.base();

    for path in ["/", "/nowhere", "/session/", "/images", "/tasks/t/nowhere"] {
        get(base, path).send().await.assert_refused(404, "not_found");
    }
}

#[tokio::test]
async fn another_method_is_405_and_told_what_the_path_takes() {
    let target = Target::reach().await;
    let base = target.base();

    for (method, path, allow) in [
        ("PATCH", "/session", "DELETE, GET, HEAD, POST"),
        ("PUT", "/tasks", "GET, HEAD, POST"),
        ("GET", "/tasks/t/images", "POST"),
        ("GET", "/task/postImage", "POST"),
        ("GET", "/me/avatar", "POST"),
        ("GET", "/images/resolve", "POST"),
        ("POST", "/images/n.jpg", "GET, HEAD"),
    ] {
        let answer = Request::new(method, base, path).send().await;
        answer.assert_refused(405, "method_not_allowed");
        assert_eq!(answer.header("allow"), allow, "{method} {path}");
    }
}

#[tokio::test]
async fn head_is_get_without_its_body() {
    let target = Target::reach().await;
    let base = target.base();

    let session = Request::new("HEAD", base, "/session").send().await;
    let image = Request::new("HEAD", base, "/images/none.jpg").send().await;

    assert_eq!((session.status, session.body.len()), (401, 0));
    assert!(image.location().contains("/defaults/"));
    assert!(image.body.is_empty());
}

#[tokio::test]
async fn a_doubled_session_header_is_refused() {
    let target = Target::reach().await;
    let base = target.base();
    let alice = target.newcomer("alice").await;

    let doubled = get(base, "/session").from(&alice).header("session-id", &alice.session_id);

    doubled.send().await.assert_refused(401, "session_invalid");
}
