//! Request signatures: HTTP Message Signatures (RFC 9421) with Ed25519, over a
//! fixed list of components in a fixed order, and Content-Digest (RFC 9530).
//!
//! ```text
//! Signature-Input: plico=("@method" "@target-uri" "content-digest" "content-type");
//!     created=…;expires=…;nonce="…";keyid="identity.key";tag="plico"
//! ```
//!
//! The same list for every method: a request without a body signs the digest
//! of the empty string. Parameters may come in any order; unknown ones are refused.

use super::limits::{MAX_SIGNATURE_FUTURE_S, MAX_SIGNATURE_LIFETIME_S};
use crate::format::ids::{ChainId, KeyId};
use crate::primitives::hash::sha256;
use crate::primitives::sign::{SigningKey, VerifyingKey};
use crate::wire::b64;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sfv::{BareItem, Dictionary, InnerList, Item, ListEntry, ListSerializer, Parser};
use thiserror::Error;

/// The components that are signed, in this order.
pub const COMPONENTS: [&str; 4] = ["@method", "@target-uri", "content-digest", "content-type"];
/// The signature's label and tag.
pub const TAG: &str = "plico";
/// The content type of every request.
pub const CONTENT_TYPE: &str = "application/json";

/// Why a request's signature was refused.
#[derive(Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SigningError {
    /// There is no signature labelled `plico`.
    #[error("the request has no signature labelled plico")]
    Missing,
    /// The signature's input does not have the form that Plico asks for.
    #[error("the signature's components or parameters are not those that Plico asks for")]
    Malformed,
    /// The body is not the one that was signed.
    #[error("the content digest does not match the body")]
    Digest,
    /// The signature does not verify.
    #[error("the request's signature does not verify")]
    Invalid,
    /// Created in the future, expired, or valid for more than a minute.
    #[error("the request's signature is not valid at this time")]
    Time,
}

/// The parts of a request that are signed.
#[derive(Clone, Copy, Debug)]
pub struct RequestParts<'a> {
    /// The method, upper case.
    pub method: &'a str,
    /// The full URL as the directory knows it: its public URL, path and query.
    pub target_uri: &'a str,
    /// The Content-Digest header.
    pub content_digest: &'a str,
    /// The Content-Type header.
    pub content_type: &'a str,
}

/// The parameters of a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureParams {
    /// Seconds since 1970-01-01 UTC.
    pub created_s: u64,
    /// Seconds since 1970-01-01 UTC; at most 60 after `created_s`.
    pub expires_s: u64,
    /// 16 random bytes.
    pub nonce: [u8; 16],
    /// The signing identity.
    pub identity: ChainId,
    /// Its device's key.
    pub key: KeyId,
}

/// `sha-256=:…:` of a body.
#[must_use]
pub fn content_digest(body: &[u8]) -> String {
    format!("sha-256=:{}:", STANDARD.encode(sha256(&[body])))
}

/// The signature base (RFC 9421 §2.5) over `components` (name, value), with the
/// serialised signature parameters.
#[must_use]
pub fn signature_base(components: &[(&str, &str)], params: &str) -> String {
    let mut base = String::new();
    for (name, value) in components {
        base.push_str(&format!("\"{name}\": {value}\n"));
    }
    base.push_str(&format!("\"@signature-params\": {params}"));
    base
}

impl SignatureParams {
    fn serialise(&self) -> String {
        let names: Vec<String> = COMPONENTS
            .iter()
            .map(|name| format!("\"{name}\""))
            .collect();
        format!(
            "({});created={};expires={};nonce=\"{}\";keyid=\"{}.{}\";tag=\"{TAG}\"",
            names.join(" "),
            self.created_s,
            self.expires_s,
            b64::encode(&self.nonce),
            b64::encode(&self.identity.0),
            b64::encode(&self.key.0),
        )
    }
}

fn base_of(parts: &RequestParts<'_>, params: &str) -> String {
    let components = [
        (COMPONENTS[0], parts.method),
        (COMPONENTS[1], parts.target_uri),
        (COMPONENTS[2], parts.content_digest),
        (COMPONENTS[3], parts.content_type),
    ];
    signature_base(&components, params)
}

/// Signs a request: gives the values of `Signature-Input` and `Signature`.
#[must_use]
pub fn sign_request(
    parts: &RequestParts<'_>,
    params: &SignatureParams,
    key: &SigningKey,
) -> (String, String) {
    let serialised = params.serialise();
    let signature = key.sign_raw(base_of(parts, &serialised).as_bytes());
    (
        format!("{TAG}={serialised}"),
        format!("{TAG}=:{}:", STANDARD.encode(signature)),
    )
}

/// A parsed, not yet verified signature.
#[derive(Clone, Debug)]
pub struct ParsedSignature {
    /// Its parameters.
    pub params: SignatureParams,
    serialised: String,
    signature: Vec<u8>,
}

impl ParsedSignature {
    /// Parses the two headers, refusing every other list of components.
    pub fn parse(signature_input: &str, signature: &str) -> Result<Self, SigningError> {
        let inputs: Dictionary = Parser::new(signature_input)
            .parse()
            .map_err(|_| SigningError::Malformed)?;
        let signatures: Dictionary = Parser::new(signature)
            .parse()
            .map_err(|_| SigningError::Malformed)?;
        let input = inputs.get(TAG).ok_or(SigningError::Missing)?;
        let signature = signatures.get(TAG).ok_or(SigningError::Missing)?;
        let (ListEntry::InnerList(input), ListEntry::Item(signature)) = (input, signature) else {
            return Err(SigningError::Malformed);
        };
        let BareItem::ByteSequence(signature) = &signature.bare_item else {
            return Err(SigningError::Malformed);
        };
        let names: Option<Vec<&str>> = input.items.iter().map(component_name).collect();
        if names.as_deref() != Some(&COMPONENTS) {
            return Err(SigningError::Malformed);
        }
        Ok(Self {
            params: params_of(input)?,
            serialised: serialise(input)?,
            signature: signature.clone(),
        })
    }

    /// Checks digest, time and signature.
    ///
    /// # Errors
    /// [`SigningError::Digest`], [`SigningError::Time`], [`SigningError::Invalid`].
    pub fn verify(
        &self,
        parts: &RequestParts<'_>,
        body: &[u8],
        key: &VerifyingKey,
        now_s: u64,
    ) -> Result<(), SigningError> {
        if parts.content_digest != content_digest(body) {
            return Err(SigningError::Digest);
        }
        key.verify_raw(base_of(parts, &self.serialised).as_bytes(), &self.signature)
            .map_err(|_| SigningError::Invalid)?;
        let SignatureParams {
            created_s,
            expires_s,
            ..
        } = self.params;
        let lifetime_ok = expires_s
            .checked_sub(created_s)
            .is_some_and(|lifetime| (1..=MAX_SIGNATURE_LIFETIME_S).contains(&lifetime));
        let latest_s = now_s.saturating_add(MAX_SIGNATURE_FUTURE_S);
        if !lifetime_ok || created_s > latest_s || now_s > expires_s {
            return Err(SigningError::Time);
        }
        Ok(())
    }
}

fn component_name(item: &Item) -> Option<&str> {
    match &item.bare_item {
        BareItem::String(name) if item.params.is_empty() => Some(name.as_str()),
        _ => None,
    }
}

fn params_of(input: &InnerList) -> Result<SignatureParams, SigningError> {
    let text = |name: &str| {
        input
            .params
            .get(name)
            .and_then(BareItem::as_string)
            .map(|value| value.as_str())
            .ok_or(SigningError::Malformed)
    };
    let seconds = |name: &str| {
        let value = input.params.get(name).and_then(BareItem::as_integer);
        value
            .and_then(|value| u64::try_from(i64::from(value)).ok())
            .ok_or(SigningError::Malformed)
    };
    if input.params.len() != 5 || text("tag")? != TAG {
        return Err(SigningError::Malformed);
    }
    let (identity, key) = text("keyid")?
        .split_once('.')
        .ok_or(SigningError::Malformed)?;
    Ok(SignatureParams {
        created_s: seconds("created")?,
        expires_s: seconds("expires")?,
        nonce: b64::decode_array(text("nonce")?).ok_or(SigningError::Malformed)?,
        identity: ChainId(b64::decode_array(identity).ok_or(SigningError::Malformed)?),
        key: KeyId(b64::decode_array(key).ok_or(SigningError::Malformed)?),
    })
}

/// The inner list as RFC 9421 puts it into the base.
fn serialise(input: &InnerList) -> Result<String, SigningError> {
    let mut list = ListSerializer::new();
    {
        let mut inner = list.inner_list();
        for item in &input.items {
            let _ = inner.bare_item(&item.bare_item);
        }
        let parameters = inner.finish();
        let _ = input.params.iter().fold(parameters, |done, (name, value)| {
            done.parameter(name, value)
        });
    }
    list.finish().ok_or(SigningError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::primitives::secret::Secret;

    fn key() -> SigningKey {
        SigningKey::from_seed(&Secret::new(&mut [7; 32]))
    }

    fn params() -> SignatureParams {
        SignatureParams {
            created_s: 1_000,
            expires_s: 1_060,
            nonce: [1; 16],
            identity: ChainId([2; 32]),
            key: KeyId([3; 32]),
        }
    }

    const BODY: &[u8] = br#"{"a":1}"#;

    fn signed() -> (String, String, String) {
        let digest = content_digest(BODY);
        let parts = RequestParts {
            method: "POST",
            target_uri: "https://keys.example.org/v1/x?from=1",
            content_digest: &digest,
            content_type: CONTENT_TYPE,
        };
        let (input, signature) = sign_request(&parts, &params(), &key());
        (digest, input, signature)
    }

    fn verify(
        change: impl FnOnce(&mut RequestParts<'_>),
        body: &[u8],
        now_s: u64,
    ) -> Result<(), SigningError> {
        let (digest, input, signature) = signed();
        let mut parts = RequestParts {
            method: "POST",
            target_uri: "https://keys.example.org/v1/x?from=1",
            content_digest: &digest,
            content_type: CONTENT_TYPE,
        };
        change(&mut parts);
        ParsedSignature::parse(&input, &signature)?.verify(
            &parts,
            body,
            &key().verifying_key(),
            now_s,
        )
    }

    /// RFC 9421, B.2.6: "Signing a Request Using ed25519".
    #[test]
    fn the_example_of_the_rfc() {
        let seed = hex::decode("9f8362f87a484a954e6e740c5b4c0e84229139a20aa8ab56ff66586f6a7d29c5")
            .unwrap();
        let key = SigningKey::from_seed(&Secret::from_slice(&seed).unwrap());
        let base = signature_base(
            &[
                ("date", "Tue, 20 Apr 2021 02:07:55 GMT"),
                ("@method", "POST"),
                ("@path", "/foo"),
                ("@authority", "example.com"),
                ("content-type", "application/json"),
                ("content-length", "18"),
            ],
            "(\"date\" \"@method\" \"@path\" \"@authority\" \"content-type\" \"content-length\")\
             ;created=1618884473;keyid=\"test-key-ed25519\"",
        );
        let signature = key.sign_raw(base.as_bytes());
        assert_eq!(
            STANDARD.encode(signature),
            "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw=="
        );
        key.verifying_key()
            .verify_raw(base.as_bytes(), &signature)
            .unwrap();
    }

    #[test]
    fn what_was_signed_verifies_and_nothing_else() {
        assert_eq!(verify(|_| {}, BODY, 1_000), Ok(()));
        assert_eq!(
            verify(|p| p.method = "PUT", BODY, 1_000),
            Err(SigningError::Invalid)
        );
        assert_eq!(
            verify(
                |p| p.target_uri = "https://evil.example.org/v1/x?from=1",
                BODY,
                1_000
            ),
            Err(SigningError::Invalid)
        );
        assert_eq!(
            verify(|p| p.content_type = "text/plain", BODY, 1_000),
            Err(SigningError::Invalid)
        );
        assert_eq!(verify(|_| {}, b"{}", 1_000), Err(SigningError::Digest));
        assert_eq!(verify(|_| {}, BODY, 1_061), Err(SigningError::Time));
        assert_eq!(verify(|_| {}, BODY, 900), Err(SigningError::Time));
        assert_eq!(verify(|_| {}, BODY, u64::MAX), Err(SigningError::Time));
    }

    #[test]
    fn other_components_and_parameters_are_refused() {
        let (_, input, signature) = signed();
        for bad in [
            input.replace(" \"content-digest\"", ""),
            input.replace("\"@method\"", "\"@path\""),
            input.replace(";tag=\"plico\"", ""),
            input.replace(";tag=\"plico\"", ";tag=\"other\""),
            input.replace(";created=1000", ""),
            format!("{input};alg=\"ed25519\""),
        ] {
            assert_eq!(
                ParsedSignature::parse(&bad, &signature).unwrap_err(),
                SigningError::Malformed,
                "{bad}"
            );
        }
        assert_eq!(
            ParsedSignature::parse("other=()", &signature).unwrap_err(),
            SigningError::Missing
        );
    }
}
