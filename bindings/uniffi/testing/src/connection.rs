//! The way of one program to the directory, with its switches.

use crate::directory::lie;
use crate::failure::{KitFailure, invalid};
use plico::ports::{Method, Request, Transport as _};
use plico::testing::TestConnection;
use std::sync::Arc;
use std::time::Duration;

/// One request.
#[derive(Clone, uniffi::Record)]
pub struct KitRequest {
    /// `GET` or `POST`.
    pub method: String,
    /// The whole URL.
    pub url: String,
    /// Names in lower case, and values.
    pub headers: Vec<KitHeader>,
    /// The body; empty for GET.
    pub body: Vec<u8>,
}

/// One header.
#[derive(Clone, uniffi::Record)]
pub struct KitHeader {
    /// In lower case.
    pub name: String,
    /// The value.
    pub value: String,
}

/// An answer.
#[derive(Clone, uniffi::Record)]
pub struct KitResponse {
    /// The HTTP status.
    pub status: u16,
    /// The whole body.
    pub body: Vec<u8>,
}

/// A program's connection to the directory.
#[derive(Debug, uniffi::Object)]
pub struct KitConnection {
    pub(crate) connection: Arc<TestConnection>,
}

#[uniffi::export]
impl KitConnection {
    /// Carries one request, as the switches are set.
    pub async fn send(&self, request: KitRequest) -> Result<KitResponse, KitFailure> {
        let method = match request.method.as_str() {
            "GET" => Method::Get,
            "POST" => Method::Post,
            _ => return Err(invalid("a method is GET or POST")),
        };
        let headers = request.headers.into_iter();
        let request = Request {
            method,
            url: request.url,
            headers: headers.map(|it| (it.name, it.value)).collect(),
            body: request.body,
        };
        let answer = self.connection.send(request).await.map_err(|error| {
            plico::Error::new(plico::ErrorCode::Network).with_detail(error.to_string())
        })?;
        Ok(KitResponse {
            status: answer.status,
            body: answer.body,
        })
    }

    /// The next `count` requests are carried out, but their replies are lost.
    pub fn lose_replies(&self, count: u32) {
        self.connection.lose_replies(size(count));
    }

    /// The next `count` requests are lost on the way.
    pub fn lose_requests(&self, count: u32) {
        self.connection.lose_requests(size(count));
    }

    /// The next `count` requests are refused with status 503.
    pub fn unavailable(&self, count: u32) {
        self.connection.unavailable(size(count));
    }

    /// Each answer takes so much longer.
    pub fn slow(&self, delay: Duration) {
        self.connection.slow(delay);
    }

    /// Whether this program is offline.
    pub fn down(&self, down: bool) {
        self.connection.down(down);
    }

    /// From now on this program is told this lie.
    pub fn tell(&self, name: &str) -> Result<(), KitFailure> {
        self.connection.tell(lie(name)?);
        Ok(())
    }

    /// No more lies to this program.
    pub fn honest(&self) {
        self.connection.honest();
    }

    /// In how many answers the current lie was told.
    pub fn told(&self) -> u64 {
        self.connection.told() as u64
    }

    /// How many requests were sent.
    pub fn requests(&self) -> u64 {
        self.connection.requests() as u64
    }

    /// Method and URL of each, oldest first.
    pub fn urls(&self) -> Vec<String> {
        self.connection.urls()
    }
}

fn size(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}
