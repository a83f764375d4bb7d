//! Timing two sides in turns, and tables of the result.
//!
//! A round times both sides one after the other, so that whatever else the
//! machine does falls on both; the ratio is taken round by round, and medians
//! and quartiles of the rounds are printed. A ratio says how many times the
//! peer's time Plico takes.

use std::error::Error;
use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// What measuring gives.
pub type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// The time of one call of `work`, as the mean of `count` calls.
pub fn each<T>(count: u32, mut work: impl FnMut() -> Outcome<T>) -> Outcome<Duration> {
    let start = Instant::now();
    for _ in 0..count {
        black_box(work()?);
    }
    Ok(start.elapsed() / count)
}

/// Times of two sides, in seconds, round by round.
pub struct Compared {
    ours: Vec<f64>,
    peer: Vec<f64>,
}

/// Times both sides `rounds` times, after one round that does not count. Each
/// closure gives the time of one operation, so that it may prepare untimed.
pub fn compare(
    rounds: usize,
    mut ours: impl FnMut() -> Outcome<Duration>,
    mut peer: impl FnMut() -> Outcome<Duration>,
) -> Outcome<Compared> {
    ours()?;
    peer()?;
    let mut compared = Compared {
        ours: Vec::new(),
        peer: Vec::new(),
    };
    for round in 0..rounds {
        // Who goes first has the colder caches: they take turns.
        if round % 2 == 0 {
            compared.ours.push(ours()?.as_secs_f64());
            compared.peer.push(peer()?.as_secs_f64());
        } else {
            compared.peer.push(peer()?.as_secs_f64());
            compared.ours.push(ours()?.as_secs_f64());
        }
    }
    Ok(compared)
}

impl Compared {
    fn ratios(&self) -> Vec<f64> {
        let rounds = self.ours.iter().zip(&self.peer);
        rounds.map(|(ours, peer)| ours / peer).collect()
    }
}

/// By the nearest rank.
fn quantile(values: &[f64], q: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    let index = (last as f64 * q).round() as usize;
    sorted.get(index).copied().unwrap_or(f64::NAN)
}

/// How absolute values are shown.
#[derive(Clone, Copy)]
pub enum Show {
    /// The time of one operation.
    Time,
    /// Operations a second.
    Rate,
    /// Bytes a second, for operations of so many bytes.
    Speed(f64),
}

impl Show {
    fn text(self, seconds: f64) -> String {
        match self {
            Self::Speed(bytes) => format!("{:.2} GB/s", bytes / seconds / 1e9),
            Self::Rate => format!("{:.0}/s", 1.0 / seconds),
            Self::Time if seconds < 1e-6 => format!("{:.0} ns", seconds * 1e9),
            Self::Time if seconds < 1e-3 => format!("{:.1} µs", seconds * 1e6),
            Self::Time if seconds < 1.0 => format!("{:.2} ms", seconds * 1e3),
            Self::Time => format!("{seconds:.2} s"),
        }
    }
}

/// Prints the head of a table.
pub fn head(title: &str, peer: &str) {
    println!("### {title}\n\nPeer: {peer}.\n");
    println!("| what | Plico | peer | ratio | quartiles | rounds |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: |");
}

/// A ratio with as many digits as it deserves.
fn ratio(value: f64) -> String {
    if value < 10.0 {
        format!("{value:.2}")
    } else {
        format!("{value:.0}")
    }
}

/// Prints one line of a table.
pub fn line(what: &str, show: Show, compared: &Compared) {
    let ratios = compared.ratios();
    let mut line = format!("| {what} ");
    for side in [&compared.ours, &compared.peer] {
        let _ = write!(line, "| {} ", show.text(quantile(side, 0.5)));
    }
    let [low, median, high] = [0.25, 0.5, 0.75].map(|q| ratio(quantile(&ratios, q)));
    println!("{line}| **{median}** | {low}–{high} | {} |", ratios.len());
}

/// One line on the machine.
pub fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = info.lines().find(|line| line.starts_with(name));
        let value = line.and_then(|line| line.split(':').nth(1));
        value.map_or("unknown", str::trim).to_owned()
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    format!(
        "{} (family {}, model {}), {cores} cores, {}-{}; {}",
        field("model name"),
        field("cpu family"),
        field("model\t"),
        std::env::consts::OS,
        std::env::consts::ARCH,
        load(),
    )
}

/// How busy the machine is, with everything that runs on it.
pub fn load() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let three: Vec<&str> = load.split(' ').take(3).collect();
    format!("load average {}", three.join(", "))
}
