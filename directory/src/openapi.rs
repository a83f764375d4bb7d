//! The OpenAPI document.

use crate::routes;
use plico_protocol::wire::{ErrorCode, Problem};
use std::collections::BTreeMap;
use utoipa::openapi::response::Response;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, ResponseBuilder};
use utoipa::{IntoResponses, Modify, OpenApi, ToSchema as _};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Plico directory",
        description = "The key directory of Plico: it stores signed chains and wrapped keys, and can read none of them. Signed things travel as the bytes that are signed, in base64url. `docs/spec/rest.md` says everything else.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    paths(
        routes::get_tenant::handle,
        routes::create_identity::handle,
        routes::get_identity::handle,
        routes::add_identity_entries::handle,
        routes::restore_identity::handle,
        routes::look_up_identities::handle,
        routes::set_standing::handle,
        routes::delete_identity::handle,
        routes::pairings::get,
        routes::pairings::post,
        routes::pairings::answer,
        routes::devices::get,
        routes::devices::post,
        routes::find_recovery::handle,
        routes::backups::get,
        routes::backups::post,
        routes::fetch_backup::handle,
        routes::look_up_memberships::handle,
        routes::look_up_users::handle,
        routes::create_session::handle,
        routes::get_session::handle,
        routes::add_session_entries::handle,
        routes::restore_session::handle,
        routes::look_up_sessions::handle,
        routes::find_sessions::handle,
        routes::operate_session::handle,
        routes::write_sessions::handle,
        routes::stage_wraps::handle,
        routes::health::live,
        routes::health::ready,
        routes::dev_enrolment::handle,
    ),
    components(schemas(Problem)),
    security(("signature" = [])),
    tags(
        (name = "tenants", description = "One app or institution: whom to believe"),
        (name = "identities", description = "People and services, and their devices"),
        (name = "backups", description = "A device of an identity, encrypted under what its owner knows or keeps"),
        (name = "pairing", description = "Two devices of one person meet"),
        (name = "sessions", description = "Who may open what"),
        (name = "operation", description = "For whatever watches the process"),
        (name = "development", description = "Only in `plico-directory dev`"),
    ),
    modifiers(&Signature),
)]
struct Document;

struct Signature;

impl Modify for Signature {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = ApiKey::Header(ApiKeyValue::with_description(
            "Signature",
            "An HTTP message signature (RFC 9421) labelled `plico` with Ed25519, with its `Signature-Input`: over \"@method\" \"@target-uri\" \"content-digest\" \"content-type\", in this order; parameters `created`, `expires` (at most 60 s later), `nonce` (16 bytes), `keyid` (identity id \".\" key id) and `tag` = \"plico\"; ids and nonce in base64url. `Content-Digest` (RFC 9530) is sha-256, of the empty string if there is no body.",
        ));
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("signature", SecurityScheme::ApiKey(scheme));
        let mut token = Http::new(HttpAuthScheme::Bearer);
        token.bearer_format = Some("JWT".into());
        token.description = Some("The app backend's token for looking keys up: a JWT of type `plico-service+jwt`, signed with Ed25519 by an enrolment key of the tenant, with `aud` (the tenant id), `plico_use` = `read-keys`, `iat` and `exp` (at most 300 s later). It gives chains and groups' logs, and no wraps, no back-links, no metadata and no session.".into());
        components.add_security_scheme("service", SecurityScheme::Http(token));
    }
}

/// The document as it is committed in `docs/openapi.json`, with a newline at the end.
///
/// # Errors
/// If it does not serialise, which would be a defect.
pub fn document() -> Result<String, serde_json::Error> {
    Document::openapi().to_pretty_json().map(|text| text + "\n")
}

/// One response for each status, which lists its codes.
fn problems(codes: &[ErrorCode]) -> BTreeMap<String, RefOr<Response>> {
    let mut by_status = BTreeMap::<u16, Vec<&str>>::new();
    for code in codes {
        by_status
            .entry(code.status())
            .or_default()
            .push(code.as_str());
    }
    let schema = Ref::from_schema_name(Problem::name());
    let response = |codes: Vec<&str>| {
        ResponseBuilder::new()
            .description(codes.join(", "))
            .content(
                "application/problem+json",
                ContentBuilder::new().schema(Some(schema.clone())).build(),
            )
            .build()
            .into()
    };
    by_status
        .into_iter()
        .map(|(status, codes)| (status.to_string(), response(codes)))
        .collect()
}

macro_rules! problem_sets {
    ($($(#[$doc:meta])* $name:ident = [$($code:ident),* $(,)?];)*) => {$(
        $(#[$doc])*
        pub(crate) struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                problems(&[$(ErrorCode::$code),*])
            }
        }
    )*};
}

problem_sets! {
    /// Of routes without a signature.
    OpenProblems = [BadRequest, TenantNotFound, MethodNotAllowed, TooLarge, Internal, Unavailable];
    /// Of what an app's backend says of an identity.
    StandingProblems = [
        BadRequest, EnrolmentInvalid, EnrolmentExpired, TenantNotFound, IdentityNotFound,
        MethodNotAllowed, Conflict, IdentityDeleted, TooLarge, UnsupportedMediaType, Internal,
        Unavailable,
    ];
    /// Of what the tenant's operator says of sessions.
    OperatorProblems = [
        BadRequest, EnrolmentInvalid, EnrolmentExpired, TenantNotFound, SessionNotFound,
        MethodNotAllowed, Conflict, TooLarge, UnsupportedMediaType, Internal, Unavailable,
    ];
    /// Of a device that shows a code.
    PairingProblems = [
        BadRequest, TenantNotFound, PairingNotFound, MethodNotAllowed, Conflict, TooLarge,
        UnsupportedMediaType, Internal, Unavailable,
    ];
    /// Of fetching a backup.
    BackupProblems = [
        BadRequest, NeedsNewerClient, BackupRefused, TenantNotFound, MethodNotAllowed, TooLarge,
        UnsupportedMediaType, TooManyTries, Internal, Unavailable,
    ];
    /// Of looking a recovery key up.
    FindProblems = [
        BadRequest, TenantNotFound, RecoveryKeyUnknown, MethodNotAllowed, TooLarge, Internal,
        Unavailable,
    ];
    /// Of the development server's enrolment.
    DevProblems = [
        BadRequest, TenantNotFound, NotFound, MethodNotAllowed, TooLarge, UnsupportedMediaType,
        Internal, Unavailable,
    ];
    /// Of the health checks.
    HealthProblems = [MethodNotAllowed, Internal, Unavailable];
    /// Of signed reads.
    ReadProblems = [
        BadRequest, SignatureMissing, SignatureInvalid, ClockSkewed, DeviceRevoked, IdentityDisabled,
        IdentityDeleted, AccessRevoked, AccessExpired, AccessWithdrawn, TenantNotFound, IdentityNotFound, SessionNotFound, MethodNotAllowed, SessionEnded,
        TooLarge, UnsupportedMediaType, Internal, Unavailable,
    ];
    /// Of signed reads that the app's backend may do, too, by a token.
    KeyProblems = [
        BadRequest, SignatureMissing, SignatureInvalid, ClockSkewed, EnrolmentInvalid,
        EnrolmentExpired, DeviceRevoked, IdentityDisabled, IdentityDeleted, NotAllowed,
        AccessRevoked, AccessExpired, AccessWithdrawn, TenantNotFound, IdentityNotFound, SessionNotFound,
        MethodNotAllowed, SessionEnded, TooLarge, UnsupportedMediaType, Internal, Unavailable,
    ];
    /// Of writes.
    WriteProblems = [
        BadRequest, NeedsNewerClient, SignatureMissing, SignatureInvalid, ClockSkewed, DeviceRevoked,
        IdentityDisabled, IdentityDeleted, NotAllowed,
        EnrolmentInvalid, EnrolmentExpired, AccessRevoked, AccessExpired, AccessWithdrawn, TenantNotFound,
        IdentityNotFound, SessionNotFound, MethodNotAllowed, Conflict, AuthorBehind,
        RequestReplayed, UserIdTaken, SessionEnded, TooLarge, UnsupportedMediaType, EntryInvalid,
        Internal, Unavailable,
    ];
}
