//! The way of one program to the directory, with everything that goes wrong on it.

use super::directory::Inner;
use super::engine::URL;
use super::lies::{self, Lie, Memory};
use super::lock;
use crate::ports::{BoxFuture, Request, Response, Transport, TransportError};
use plico_protocol::wire::limits::MAX_ANSWER;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

type Alter = Arc<Mutex<dyn FnMut(&Request, &mut Response) + Send>>;

#[derive(Default)]
struct Switches {
    lose_requests: usize,
    lose_replies: usize,
    unavailable: usize,
    delay: Duration,
    down: bool,
    lie: Option<Lie>,
    told: usize,
    alter: Option<Alter>,
}

/// A [`Transport`] to a [`TestDirectory`](super::TestDirectory). All switches
/// work from the next request on.
pub struct TestConnection {
    inner: Arc<Inner>,
    switches: Mutex<Switches>,
    memory: Arc<Memory>,
}

impl core::fmt::Debug for TestConnection {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "TestConnection({} requests)", self.requests())
    }
}

fn lost(why: &str) -> TransportError {
    TransportError(why.to_owned())
}

impl TestConnection {
    pub(super) fn new(inner: Arc<Inner>) -> Self {
        Self {
            inner,
            switches: Mutex::default(),
            memory: Arc::default(),
        }
    }

    /// The next `count` requests are carried out, but their replies are lost.
    pub fn lose_replies(&self, count: usize) {
        lock(&self.switches).lose_replies = count;
    }

    /// The next `count` requests are lost before the directory sees them.
    pub fn lose_requests(&self, count: usize) {
        lock(&self.switches).lose_requests = count;
    }

    /// The next `count` requests are refused with status 503 and not carried out.
    pub fn unavailable(&self, count: usize) {
        lock(&self.switches).unavailable = count;
    }

    /// Each answer takes so much longer, in real time.
    pub fn slow(&self, delay: Duration) {
        lock(&self.switches).delay = delay;
    }

    /// Whether this program is offline.
    pub fn down(&self, down: bool) {
        lock(&self.switches).down = down;
    }

    /// From now on this program is told this lie in every answer to which it
    /// applies, in place of any other.
    pub fn tell(&self, lie: Lie) {
        let mut switches = lock(&self.switches);
        switches.lie = Some(lie);
        switches.told = 0;
    }

    /// No more lies to this program, but for those that the directory tells
    /// everybody; what [`Self::alter`] was given is taken away, too.
    pub fn honest(&self) {
        let mut switches = lock(&self.switches);
        switches.lie = None;
        switches.alter = None;
    }

    /// In how many answers the current lie was told. A lie that found nothing
    /// to apply to proves nothing: let a test look at this.
    #[must_use]
    pub fn told(&self) -> usize {
        lock(&self.switches).told
    }

    /// A lie of the test's own: sees every request and may change its answer,
    /// after all other switches.
    pub fn alter(&self, change: impl FnMut(&Request, &mut Response) + Send + 'static) {
        lock(&self.switches).alter = Some(Arc::new(Mutex::new(change)));
    }

    /// How many requests were sent, lost ones included.
    #[must_use]
    pub fn requests(&self) -> usize {
        lock(&self.memory.log).len()
    }

    /// The requests that were sent: method and URL, oldest first.
    #[must_use]
    pub fn urls(&self) -> Vec<String> {
        lock(&self.memory.log)
            .iter()
            .map(|(request, _)| format!("{} {}", request.method.as_str(), request.url))
            .collect()
    }

    /// Everything that was sent, with what the directory answered (before any
    /// lie, and even if the reply was lost); `None` if it never saw the request.
    #[must_use]
    pub fn exchanges(&self) -> Vec<(Request, Option<Response>)> {
        lock(&self.memory.log).clone()
    }

    async fn carry(&self, request: Request) -> Result<Response, TransportError> {
        let number = {
            let mut log = lock(&self.memory.log);
            log.push((request.clone(), None));
            log.len() - 1
        };
        let (lie, delay, refused) = {
            let mut switches = lock(&self.switches);
            if switches.down || self.inner.down.load(Ordering::SeqCst) {
                return Err(lost("the directory is down"));
            }
            if switches.lose_requests > 0 {
                switches.lose_requests -= 1;
                return Err(lost("the request was lost"));
            }
            let refused = switches.unavailable > 0;
            switches.unavailable = switches.unavailable.saturating_sub(1);
            let lie = switches.lie.or(*lock(&self.inner.lie));
            (lie, switches.delay, refused)
        };
        let told = {
            let (inner, memory) = (self.inner.clone(), self.memory.clone());
            let asked = request.clone();
            let work = move |core| async move {
                if !delay.is_zero() {
                    tokio::time::sleep(delay).await;
                }
                if refused {
                    return Ok(lies::Told::refused());
                }
                lies::answer(&core, &inner, &memory, lie, &asked).await
            };
            self.inner.engine.run(work).await
        };
        let told = told
            .and_then(|result| result)
            .map_err(|error| TransportError(error.to_string()))?;
        if let Some(exchange) = lock(&self.memory.log).get_mut(number) {
            exchange.1 = told.honest;
        }
        let alter = {
            let mut switches = lock(&self.switches);
            if switches.lose_replies > 0 {
                switches.lose_replies -= 1;
                return Err(lost("the reply was lost"));
            }
            switches.told += usize::from(told.lied);
            self.inner
                .told
                .fetch_add(usize::from(told.lied), Ordering::SeqCst);
            switches.alter.clone()
        };
        let mut response = told.shown;
        if let Some(alter) = alter {
            lock(&*alter)(&request, &mut response);
        }
        // What every transport must do.
        if response.body.len() > MAX_ANSWER {
            return Err(lost("the answer is too long"));
        }
        Ok(response)
    }
}

impl Transport for TestConnection {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        Box::pin(self.carry(request))
    }
}

/// The path and query of a URL below the directory's.
pub(super) fn path_of(url: &str) -> &str {
    url.strip_prefix(URL).unwrap_or(url)
}
