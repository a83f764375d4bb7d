//! Answers mixed up, played again, or not of the kind that they should be.

use super::answer::{Answer, is_write};
use super::liar::Liar;
use super::list::Lie;
use crate::error::{ErrorCode, Result};
use crate::ports::{Request, Response};
use crate::testing::lock;
use plico_protocol::wire::Problem;
use plico_protocol::wire::limits::MAX_ANSWER;
use std::sync::Mutex;
use std::time::Duration;
use tokio::sync::oneshot;

/// How long an answer waits for another one to be exchanged with.
const CROSSING: Duration = Duration::from_secs(5);

/// An answer on its way: where to hand over another one, and its own content.
pub(in crate::testing) struct Crossing {
    request: Request,
    mine: Response,
    other: oneshot::Sender<Response>,
}

pub(super) async fn tell(lie: Lie, liar: &Liar<'_>, shown: &mut Response) -> Result<bool> {
    let ok = (200..300).contains(&shown.status);
    match lie {
        Lie::BodyEmpty => shown.body.clear(),
        Lie::BodyNotJson => shown.body = b"<!doctype html><p>Welcome to our Wi-Fi</p>".to_vec(),
        Lie::BodyNested => shown.body = vec![b'['; 1_000_000],
        // JSON allows any amount of space after a value.
        Lie::BodyEndless => shown.body.resize(MAX_ANSWER + 1, b' '),
        Lie::StatusWrong => shown.status = 302,
        Lie::AnswerReplayed => {
            let first = liar
                .memory
                .answers()
                .into_iter()
                .find(|(request, _)| same_question(request, liar.request));
            match first {
                Some((_, old)) if old != *shown && !is_write(liar.request) => *shown = old,
                _ => return Ok(false),
            }
        }
        Lie::ResultsSwapped | Lie::ResultsMissing | Lie::ResultsContradictory => {
            return Ok(results(lie, liar, shown));
        }
        Lie::AnswerToAnotherQuestion => return Ok(ok && another(liar, shown)),
        _ => return Ok(ok && cross(liar, shown).await),
    }
    Ok(true)
}

/// Lies among the results of several sessions.
fn results(lie: Lie, liar: &Liar<'_>, shown: &mut Response) -> bool {
    let Answer::Sessions(mut answer) = Answer::parse(liar.request, shown) else {
        return false;
    };
    let [.., first, second] = answer.results.as_mut_slice() else {
        return false;
    };
    match lie {
        Lie::ResultsSwapped => std::mem::swap(first, second),
        Lie::ResultsContradictory => {
            second.problem = Some(Problem::new(ErrorCode::SessionEnded));
        }
        _ => {
            answer.results.pop();
        }
    }
    if let Some(body) = Answer::Sessions(answer).body() {
        shown.body = body;
    }
    true
}

fn same_question(one: &Request, two: &Request) -> bool {
    one.url == two.url && one.body == two.body
}

fn is_session(request: &Request, response: &Response) -> bool {
    matches!(
        Answer::parse(request, response),
        Answer::Session(_) | Answer::Sessions(_)
    )
}

/// Whether two requests are about other sessions, whatever is known of them.
fn about_others(one: &Request, two: &Request) -> bool {
    let path = |request: &Request| request.url.split('?').next().map(str::to_owned);
    path(one) != path(two) || one.body != two.body
}

/// The newest answer about another session.
fn another(liar: &Liar<'_>, shown: &mut Response) -> bool {
    if !is_session(liar.request, shown) {
        return false;
    }
    let other = liar
        .memory
        .answers()
        .into_iter()
        .rev()
        .filter(|(request, _)| about_others(request, liar.request))
        .find(|(request, response)| is_session(request, response));
    if let Some((_, other)) = other {
        *shown = other;
        return true;
    }
    false
}

/// Exchanges this answer with that to another request under way.
async fn cross(liar: &Liar<'_>, shown: &mut Response) -> bool {
    if !is_session(liar.request, shown) {
        return false;
    }
    let crossing: &Mutex<Option<Crossing>> = &liar.memory.crossing;
    let waiting = {
        let mut slot = lock(crossing);
        match slot.take() {
            Some(first) if about_others(&first.request, liar.request) => Ok(first),
            other => {
                drop(other);
                let (send, receive) = oneshot::channel();
                *slot = Some(Crossing {
                    request: liar.request.clone(),
                    mine: shown.clone(),
                    other: send,
                });
                Err(receive)
            }
        }
    };
    match waiting {
        Ok(first) => {
            let mine = std::mem::replace(shown, first.mine);
            first.other.send(mine).is_ok()
        }
        Err(receive) => match tokio::time::timeout(CROSSING, receive).await {
            Ok(Ok(other)) => {
                *shown = other;
                true
            }
            _ => false,
        },
    }
}
