//! From a session's payload key to the keys of one message (envelope spec,
//! "Key schedule").

use super::chunked::{MessageKeys, SALT_LEN};
use super::error::EnvelopeError;
use crate::format::context::AppContext;
use crate::format::header::{HANDLE_LEN, HEADER_LEN, Header};
use crate::format::opaque::Opaque;
use crate::format::suite::Suite;
use crate::primitives::aead::Backend;
use crate::primitives::kdf::expand_with_label;
use crate::primitives::secret::Secret32;
use tls_codec::{SerializeBytes, TlsSerializeBytes, TlsSize};

const CONTEXT_LABEL: &[u8] = b"plico/v1/payload";
const ITEM_LABEL: &str = "item";

/// What one epoch of a session needs to seal and open envelopes.
#[derive(Clone, Debug)]
pub struct EnvelopeKey {
    payload_key: Secret32,
    tenant_id: [u8; 32],
    chain_id: [u8; 32],
    epoch: u32,
    suite: Suite,
    offline: bool,
    backend: Backend,
}

/// ```text
/// struct {
///     opaque label<V> = "plico/v1/payload";
///     opaque tenant_id[32];
///     opaque chain_id[32];
///     opaque header[26];
///     opaque app_context_hash[32];
/// } PayloadContext;
/// ```
#[derive(TlsSerializeBytes, TlsSize)]
struct PayloadContext {
    label: Opaque,
    tenant_id: [u8; 32],
    chain_id: [u8; 32],
    header: [u8; HEADER_LEN],
    app_context_hash: [u8; 32],
}

impl EnvelopeKey {
    /// `payload_key` is the epoch's payload key, `chain_id` the session's full
    /// 32-byte id and `suite` the one that the session was created with.
    #[must_use]
    pub fn new(
        payload_key: Secret32,
        tenant_id: [u8; 32],
        chain_id: [u8; 32],
        epoch: u32,
        suite: Suite,
    ) -> Self {
        Self {
            payload_key,
            tenant_id,
            chain_id,
            epoch,
            suite,
            offline: false,
            backend: Backend::in_use(),
        }
    }

    /// The same key for the ciphers of this back end, instead of the one in
    /// use. What they give is the same.
    #[must_use]
    pub fn on_backend(mut self, backend: Backend) -> Self {
        self.backend = backend;
        self
    }

    /// The same key for a writer who has not looked whether the epoch is still
    /// the one to write under: what it seals says so. Opening is not affected.
    #[must_use]
    pub fn offline(mut self) -> Self {
        self.offline = true;
        self
    }

    /// The session's suite.
    #[must_use]
    pub fn suite(&self) -> Suite {
        self.suite
    }

    /// The header of an envelope sealed with this key.
    #[must_use]
    pub fn header(&self, padded: bool, has_context: bool) -> Header {
        Header {
            suite: self.suite,
            padded,
            has_context,
            offline: self.offline,
            session_handle: self.handle(),
            epoch: self.epoch,
        }
    }

    /// Refuses a header that is not of this session, epoch and suite, and a
    /// context that is missing or superfluous.
    pub(super) fn check_header(
        &self,
        header: &Header,
        context: Option<&AppContext>,
    ) -> Result<(), EnvelopeError> {
        if header.session_handle != self.handle()
            || header.epoch != self.epoch
            || header.suite != self.suite
        {
            return Err(EnvelopeError::WrongSession);
        }
        match (header.has_context, context) {
            (true, None) => Err(EnvelopeError::ContextRequired),
            (false, Some(_)) => Err(EnvelopeError::ContextUnexpected),
            _ => Ok(()),
        }
    }

    /// The input key of the one message with this salt:
    /// `ExpandWithLabel(payload key, "item", salt, 32)`. Whoever has it can
    /// open that message and no other.
    fn item_key(&self, salt: &[u8; SALT_LEN]) -> Secret32 {
        expand_with_label(&self.payload_key, ITEM_LABEL, salt)
    }

    /// The keys of the message with this header, context and salt.
    pub(super) fn message_keys(
        &self,
        header: &Header,
        context: Option<&AppContext>,
        salt: &[u8; SALT_LEN],
    ) -> Result<MessageKeys, EnvelopeError> {
        let payload_context = PayloadContext {
            label: CONTEXT_LABEL.into(),
            tenant_id: self.tenant_id,
            chain_id: self.chain_id,
            header: header.encode(),
            app_context_hash: AppContext::hash_of(context),
        };
        // Serialising fails only for lengths that these fields cannot have.
        let payload_context = payload_context
            .tls_serialize_bytes()
            .map_err(|_| EnvelopeError::TooLong)?;
        let keys = MessageKeys::derive(
            self.suite.aead(),
            self.item_key(salt).expose(),
            salt,
            &payload_context,
        )?;
        Ok(keys.on_backend(self.backend))
    }

    fn handle(&self) -> [u8; HANDLE_LEN] {
        let mut handle = [0u8; HANDLE_LEN];
        handle.copy_from_slice(&self.chain_id[..HANDLE_LEN]);
        handle
    }
}
