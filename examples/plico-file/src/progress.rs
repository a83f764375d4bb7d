//! Progress bars.

use crate::args::Common;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use plico::{CancelToken, FileOptions};

const BYTES: &str = "{bar:30} {bytes:>11} of {total_bytes:11} {bytes_per_sec:>13}  {eta}";

/// The options that every command with a file has in common. The bar shows on a
/// terminal only.
pub fn options(common: &Common, cancel: CancelToken) -> FileOptions {
    let mut options = FileOptions::new().cancel(cancel);
    if let Some(threads) = common.threads {
        options = options.threads(threads);
    }
    let target = match common.quiet {
        true => ProgressDrawTarget::hidden(),
        false => ProgressDrawTarget::stderr_with_hz(10),
    };
    if target.is_hidden() {
        return options;
    }
    let style = ProgressStyle::with_template(BYTES);
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::with_draw_target(None, target).with_style(style);
    options.on_progress(move |progress| {
        bar.set_length(progress.total);
        bar.set_position(progress.done);
        if progress.done >= progress.total {
            bar.finish();
        }
    })
}
