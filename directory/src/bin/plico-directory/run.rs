//! Running the server.

use crate::args::{Dev, Serve};
use crate::{Failure, print};
use plico_directory::{Clock, Config, DatabaseConfig, DevConfig, Server, key_file};
use plico_protocol::wire::b64;

pub async fn serve(args: Serve) -> Result<(), Failure> {
    if !args.database.exists() {
        return Err(format!(
            "there is no database {}; make one with `plico-directory tenant create`",
            args.database.display()
        )
        .into());
    }
    let server = Server::bind(Config {
        listen: args.listen,
        public_url: Some(args.public_url),
        database: DatabaseConfig::File(args.database),
        clock: Clock::system(),
        restored_from_ms: args.restored_from,
        max_in_flight: args.max_in_flight,
        dev: None,
    })
    .await?;
    if let Some(ms) = args.restored_from {
        tracing::warn!(
            ms,
            "entries that were lost since this time may be handed back; remove --restored-from after a day"
        );
    }
    let stopped = shutdown();
    tracing::info!(address = %server.local_addr(), public_url = server.public_url(), "listening");
    server.run_until(stopped).await?;
    Ok(())
}

pub async fn dev(args: Dev) -> Result<(), Failure> {
    std::fs::create_dir_all(&args.data)
        .map_err(|error| format!("{}: {error}", args.data.display()))?;
    let (enrolment_key, _) = key_file::read_or_create(&args.data.join("enrolment.pem"))?;
    let server = Server::bind(Config {
        listen: args.listen,
        public_url: args.public_url,
        database: DatabaseConfig::File(args.data.join("directory.sqlite")),
        clock: Clock::system(),
        restored_from_ms: None,
        max_in_flight: plico_directory::MAX_IN_FLIGHT,
        dev: Some(DevConfig { enrolment_key }),
    })
    .await?;
    let stopped = shutdown();
    tracing::warn!("this is a development server: it enrols anybody");
    let url = server.public_url();
    let tenant = server.dev_tenant().ok_or("there is no tenant")?;
    let tenant = b64::encode(&tenant.0);
    print(&format!(
        "Plico directory for development\n\n  \
         directory  {url}\n  \
         tenant     {tenant}\n  \
         data       {}\n\n\
         Paste into your app:\n\n  \
         let plico = plico::Plico::open(\n      \
         \"{url}\",\n      \
         \"{tenant}\",\n  \
         ).await?;\n\n\
         Enrolment tokens for anybody (in production your backend signs them):\n\n  \
         POST {url}/dev/tenants/{tenant}/enrolment\n  \
         {{\"user_id\": \"dr.a\", \"identity_id\": \"<43 characters>\"}}\n\n",
        args.data.display(),
    ))?;
    server.run_until(stopped).await?;
    Ok(())
}

/// Ctrl-C, or SIGTERM where there is one. SIGTERM is listened for from this
/// call on, so it must come before anybody is told that the server runs.
fn shutdown() -> impl Future<Output = ()> {
    #[cfg(unix)]
    let terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate());
    async move {
        let interrupt = async {
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        #[cfg(unix)]
        let terminate = async {
            match terminate {
                Ok(mut signal) => {
                    signal.recv().await;
                }
                Err(_) => std::future::pending::<()>().await,
            }
        };
        #[cfg(not(unix))]
        let terminate = std::future::pending::<()>();
        tokio::select! {
            () = interrupt => {}
            () = terminate => {}
        }
    }
}
