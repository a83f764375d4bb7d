//! More requests than the directory carries out at a time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::*;
use plico_directory::Config;
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

#[tokio::test]
async fn what_is_over_the_bound_is_told_to_come_again() {
    let mut config = Config::in_memory();
    config.max_in_flight = 1;
    let mut world = World::start(config, None).await;
    let person = world.person("dr.a").await;
    // A request whose body doesn't end.
    let address = world.url.strip_prefix("http://").unwrap();
    let mut slow = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST {} HTTP/1.1\r\nhost: {address}\r\ncontent-length: 100\r\n\r\n{{",
        world.path("/sessions")
    );
    slow.write_all(head.as_bytes()).await.unwrap();

    let refused = loop {
        let answer = world.get(&person, &identity(&person)).await;
        if answer.status != 200 {
            break answer;
        }
    };
    assert_eq!(refused.status, 503);
    assert_eq!(refused.headers["retry-after"], "1");
    assert_eq!(refused.code(), "UNAVAILABLE");
    for path in ["/healthz", "/readyz"] {
        let url = format!("{}{path}", world.url);
        let answer = world.http.get(url).send().await.unwrap();
        assert_eq!(answer.status(), 204, "{path}");
    }
    // It goes away, and the place is free again.
    drop(slow);
    while world.get(&person, &identity(&person)).await.status != 200 {
        tokio::task::yield_now().await;
    }
}
