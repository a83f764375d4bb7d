//! The directory that lies: the list, and how each lie is told.

mod answer;
mod bodies;
mod devices;
mod entries;
mod groups;
mod heads;
mod identities;
mod liar;
mod list;
mod outsiders;
mod problems;
mod sessions;
mod tenant;
mod users;
mod wraps;
mod writes;

pub use list::Lie;

use super::connection::path_of;
use super::directory::Inner;
use super::engine::Core;
use super::lock;
use crate::error::Result;
use crate::ports::{Method, Request, Response};
use answer::Answer;
use liar::Liar;
use list::Group;
use plico_protocol::format::ids::ChainId;
use std::sync::{Arc, Mutex};

/// A request with the directory's own answer, if it has seen the request.
pub(super) type Exchange = (Request, Option<Response>);

/// What a connection remembers for its lies.
#[derive(Default)]
pub(super) struct Memory {
    /// All exchanges, oldest first.
    pub log: Mutex<Vec<Exchange>>,
    /// An answer that waits for another one to be exchanged with.
    pub crossing: Mutex<Option<bodies::Crossing>>,
    /// Made up once for a connection: an identity of another tenant.
    pub foreigner: Mutex<Option<super::accomplice::Puppet>>,
}

impl Memory {
    /// The honest answers so far.
    fn answers(&self) -> Vec<(Request, Response)> {
        lock(&self.log)
            .iter()
            .filter_map(|(request, response)| Some((request.clone(), response.clone()?)))
            .collect()
    }
}

/// What comes of a request.
pub(super) struct Told {
    /// The directory's own answer, if it was asked.
    pub honest: Option<Response>,
    /// What the client gets.
    pub shown: Response,
    /// Whether these two differ by a lie.
    pub lied: bool,
}

impl Told {
    /// A server that can't answer now.
    pub fn refused() -> Self {
        Self {
            honest: None,
            shown: Response {
                status: 503,
                body: Vec::new(),
            },
            lied: false,
        }
    }
}

/// Tries to get the entry that `lie` adds past the honest directory.
pub(super) async fn smuggle(core: &Core, inner: &Inner, lie: Lie, session: [u8; 32]) -> Result<()> {
    let nothing = Request {
        method: Method::Get,
        url: String::new(),
        headers: Vec::new(),
        body: Vec::new(),
    };
    let memory = Memory::default();
    let liar = Liar::new(core, inner, &memory, &nothing).await?;
    sessions::smuggle(lie, &liar, ChainId(session)).await
}

/// Hands a request to the directory.
pub(super) async fn handle(core: &Core, request: &Request) -> Result<Response> {
    let serving = core.serving().await?;
    let path = path_of(&request.url);
    let (method, body) = (request.method.as_str(), request.body.clone());
    let (status, body) = serving
        .directory
        .handle(method, path, &request.headers, body)
        .await;
    Ok(Response { status, body })
}

/// Answers `request`, with `lie` in the answer if it applies.
pub(super) async fn answer(
    core: &Arc<Core>,
    inner: &Inner,
    memory: &Memory,
    lie: Option<Lie>,
    request: &Request,
) -> Result<Told> {
    let Some(lie) = lie else {
        let honest = handle(core, request).await?;
        return Ok(Told {
            honest: Some(honest.clone()),
            shown: honest,
            lied: false,
        });
    };
    let liar = Liar::new(core, inner, memory, request).await?;
    if let Some(shown) = instead(lie, &liar).await? {
        return Ok(Told {
            honest: None,
            shown,
            lied: true,
        });
    }
    let honest = handle(core, request).await?;
    let mut shown = honest.clone();
    let lied = match lie.group() {
        Group::Bodies => bodies::tell(lie, &liar, &mut shown).await?,
        Group::Writes => writes::refuse(lie, &liar, &mut shown),
        _ => {
            let mut answer = Answer::parse(request, &honest);
            let lied = inside(lie, &liar, &mut answer).await?;
            if let Some(body) = answer.body().filter(|_| lied) {
                shown.body = body;
            }
            lied
        }
    };
    Ok(Told {
        honest: Some(honest),
        shown,
        lied,
    })
}

/// Lies for which the directory does not do what it was asked.
async fn instead(lie: Lie, liar: &Liar<'_>) -> Result<Option<Response>> {
    match lie.group() {
        Group::Problems => Ok(problems::tell(lie, liar)),
        Group::Writes => writes::tell(lie, liar).await,
        Group::Devices => devices::answer(lie, liar).await,
        Group::Wraps => wraps::write(lie, liar).await.map(|()| None),
        _ => Ok(None),
    }
}

/// Lies within an answer.
async fn inside(lie: Lie, liar: &Liar<'_>, answer: &mut Answer) -> Result<bool> {
    match lie.group() {
        Group::Users => users::tell(lie, liar, answer).await,
        Group::Identities => identities::tell(lie, liar, answer).await,
        Group::Devices => devices::tell(lie, liar, answer).await,
        Group::Heads => heads::tell(lie, liar, answer).await,
        Group::Sessions => sessions::tell(lie, liar, answer).await,
        Group::Groups => groups::tell(lie, liar, answer).await,
        Group::Wraps => wraps::tell(lie, liar, answer).await,
        Group::Tenant => tenant::tell(lie, liar, answer).await,
        Group::Bodies | Group::Problems | Group::Writes => Ok(false),
    }
}
