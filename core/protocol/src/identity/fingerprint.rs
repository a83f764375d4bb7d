//! What two people compare to know that each sees the other's true identity:
//! see `docs/spec/fingerprint.md`.

use crate::format::encode;
use crate::format::ids::ChainId;
use crate::primitives::hash::ref_hash;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use tls_codec::{TlsSerializeBytes, TlsSize};

const SCAN_PREFIX: &str = "plico-fp1.";

#[derive(TlsSerializeBytes, TlsSize)]
struct Pair {
    tenant_id: ChainId,
    lower: ChainId,
    higher: ChainId,
}

/// The identities that one person sees: its own and another's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fingerprint {
    tenant: ChainId,
    own: ChainId,
    other: ChainId,
}

impl Fingerprint {
    /// Of two identities of a tenant.
    #[must_use]
    pub fn new(tenant: ChainId, own: ChainId, other: ChainId) -> Self {
        Self { tenant, own, other }
    }

    /// 40 digits, the same for both people: eight groups of five, each a big-endian
    /// uint32 of RefHash("fingerprint", Pair) modulo 100,000.
    #[must_use]
    pub fn digits(&self) -> String {
        let pair = Pair {
            tenant_id: self.tenant,
            lower: self.own.min(self.other),
            higher: self.own.max(self.other),
        };
        let hash = ref_hash("fingerprint", &encode(&pair));
        let groups = hash.chunks_exact(4).map(|four| {
            let number = four.iter().fold(0, |all, byte| all << 8 | u32::from(*byte));
            format!("{:05}", number % 100_000)
        });
        groups.collect::<Vec<_>>().join(" ")
    }

    /// What one person shows as a QR code: `plico-fp1.` and, in base64url, the
    /// tenant's id, its own and the other's.
    #[must_use]
    pub fn to_scan(&self) -> String {
        let ids = [self.tenant.0, self.own.0, self.other.0].concat();
        format!("{SCAN_PREFIX}{}", BASE64.encode(ids))
    }

    /// Whether `text`, the other person's digits or code, says the same.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let text = text.trim();
        if text.starts_with(SCAN_PREFIX) {
            // What the other shows is seen from the other side.
            let there = Self::new(self.tenant, self.other, self.own);
            return text == there.to_scan();
        }
        let digits = |text: &str| -> String { text.split_whitespace().collect() };
        digits(text) == digits(&self.digits())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_see_the_same_and_nobody_else_does() {
        let id = |byte| ChainId([byte; 32]);
        let here = Fingerprint::new(id(1), id(2), id(3));
        let there = Fingerprint::new(id(1), id(3), id(2));
        assert_eq!(here.digits(), there.digits());
        assert_eq!(here.digits().len(), 47);
        assert!(here.matches(&there.digits().replace(' ', "\n")));
        assert!(here.matches(&there.to_scan()));
        // One's own code, shown back by a mirror.
        assert!(!here.matches(&here.to_scan()));
        for other in [
            Fingerprint::new(id(9), id(3), id(2)),
            Fingerprint::new(id(1), id(9), id(2)),
            Fingerprint::new(id(1), id(3), id(9)),
        ] {
            assert!(!here.matches(&other.digits()));
            assert!(!here.matches(&other.to_scan()));
        }
        assert!(!here.matches(""));
    }
}
