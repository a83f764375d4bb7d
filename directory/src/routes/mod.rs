//! The endpoints, one a file.

pub(crate) mod add_identity_entries;
pub(crate) mod add_session_entries;
pub(crate) mod backups;
pub(crate) mod create_identity;
pub(crate) mod create_session;
pub(crate) mod delete_identity;
pub(crate) mod dev_enrolment;
pub(crate) mod devices;
pub(crate) mod fetch_backup;
pub(crate) mod find_recovery;
pub(crate) mod find_sessions;
pub(crate) mod get_identity;
pub(crate) mod get_session;
pub(crate) mod get_tenant;
pub(crate) mod health;
pub(crate) mod look_up_identities;
pub(crate) mod look_up_memberships;
pub(crate) mod look_up_sessions;
pub(crate) mod look_up_users;
pub(crate) mod operate_session;
pub(crate) mod pairings;
pub(crate) mod restore_identity;
pub(crate) mod restore_session;
pub(crate) mod set_standing;
pub(crate) mod stage_wraps;
pub(crate) mod write_sessions;

use crate::app::App;
use crate::load;
use crate::problem::ApiError;
use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::routing::{get, post};
use plico_protocol::wire::ErrorCode;
use std::sync::Arc;

/// All of them.
pub(crate) fn router(app: Arc<App>) -> Router {
    // Not nested: a nested handler sees a shortened URI, and the whole is signed.
    let mut router = Router::new()
        .route("/v1/tenants/{tenant}", get(get_tenant::handle))
        .route(
            "/v1/tenants/{tenant}/identities",
            post(create_identity::handle),
        )
        .route(
            "/v1/tenants/{tenant}/memberships/lookup",
            post(look_up_memberships::handle),
        )
        .route(
            "/v1/tenants/{tenant}/identities/lookup",
            post(look_up_identities::handle),
        )
        .route(
            "/v1/tenants/{tenant}/identities/{identity}",
            get(get_identity::handle),
        )
        .route(
            "/v1/tenants/{tenant}/identities/{identity}/entries",
            post(add_identity_entries::handle),
        )
        .route(
            "/v1/tenants/{tenant}/identities/{identity}/restore",
            post(restore_identity::handle),
        )
        .route(
            "/v1/tenants/{tenant}/identities/{identity}/backups",
            get(backups::get).post(backups::post),
        )
        .route(
            "/v1/tenants/{tenant}/identities/{identity}/standing",
            post(set_standing::handle),
        )
        .route(
            "/v1/tenants/{tenant}/identities/{identity}/delete",
            post(delete_identity::handle),
        )
        .route(
            "/v1/tenants/{tenant}/identities/{identity}/devices",
            get(devices::get),
        )
        .route(
            "/v1/tenants/{tenant}/identities/{identity}/devices/{device}",
            post(devices::post),
        )
        .route(
            "/v1/tenants/{tenant}/backups/fetch",
            post(fetch_backup::handle),
        )
        .route(
            "/v1/tenants/{tenant}/pairings/{mailbox}",
            get(pairings::get).post(pairings::post),
        )
        .route(
            "/v1/tenants/{tenant}/pairings/{mailbox}/answer",
            post(pairings::answer),
        )
        .route(
            "/v1/tenants/{tenant}/recovery/{key}",
            get(find_recovery::handle),
        )
        .route(
            "/v1/tenants/{tenant}/users/lookup",
            post(look_up_users::handle),
        )
        .route(
            "/v1/tenants/{tenant}/sessions",
            post(create_session::handle),
        )
        .route(
            "/v1/tenants/{tenant}/sessions/lookup",
            post(look_up_sessions::handle),
        )
        .route(
            "/v1/tenants/{tenant}/sessions/find",
            post(find_sessions::handle),
        )
        .route(
            "/v1/tenants/{tenant}/sessions/{session}/operator",
            post(operate_session::handle),
        )
        .route(
            "/v1/tenants/{tenant}/sessions/batch",
            post(write_sessions::handle),
        )
        .route("/v1/tenants/{tenant}/wraps", post(stage_wraps::handle))
        .route(
            "/v1/tenants/{tenant}/sessions/{session}",
            get(get_session::handle),
        )
        .route(
            "/v1/tenants/{tenant}/sessions/{session}/entries",
            post(add_session_entries::handle),
        )
        .route(
            "/v1/tenants/{tenant}/sessions/{session}/restore",
            post(restore_session::handle),
        )
        // Health is answered under load too.
        .route_layer(from_fn_with_state(Arc::clone(&app), load::shed))
        .route("/healthz", get(health::live))
        .route("/readyz", get(health::ready));
    if app.dev.is_some() {
        router = router.route(
            "/dev/tenants/{tenant}/enrolment",
            post(dev_enrolment::handle),
        );
    }
    router
        .method_not_allowed_fallback(async || ApiError::new(ErrorCode::MethodNotAllowed))
        .fallback(async || ApiError::new(ErrorCode::NotFound))
        .with_state(app)
}
