//! Backups: what a passphrase and a host's secret give, and what they open.

use super::case::{flipped, hex, ok, refused};
use crate::common::world::{Person, World};
use plico_protocol::chain::Replay as _;
use plico_protocol::identity::backup::{BackupRoot, access_hash, device_mark};
use plico_protocol::identity::file::{IdentityFile, Protection};
use plico_protocol::primitives::secret::Secret32;
use serde_json::{Value, json};

pub fn cases(world: &World, owner: &Person) -> Vec<Value> {
    let device = owner.devices[0].clone();
    let secret = owner.secrets.last().unwrap();
    let file = IdentityFile {
        tenant_id: world.tenant_id(),
        identity: owner.id,
        position: world.state(owner).tip().head,
        user_id: "dr.a".into(),
        device: device.clone(),
    };
    let host = Secret32::from_slice(&[9; 32]).expect("32 bytes");
    let mut cases = Vec::new();
    for (name, protection, field, right, wrong) in [
        (
            "under a secret of the host",
            Protection::Host(&host),
            "secret",
            hex([9; 32]),
            hex([8; 32]),
        ),
        (
            "under a passphrase",
            Protection::Passphrase("correct horse battery"),
            "passphrase",
            "correct horse battery".into(),
            "correct horse batterz".into(),
        ),
    ] {
        let root = BackupRoot::derive(world.tenant_id(), "dr.a", protection).unwrap();
        let sealed = root.seal(&file, &mut world.rng()).unwrap();
        let access = root.access();
        let mut fields = json!({
            "tenant_id": hex(file.tenant_id.0),
            "identity_id": hex(file.identity.0),
            "signing_seed": hex(device.signing.dangerous_seed().expose()),
            "kem_seed": hex(device.kem.dangerous_seed().expose()),
            "seq": file.position.seq,
            "hash": hex(file.position.hash.0),
            "user_id": file.user_id,
            "backup": hex(&sealed),
            "access": hex(access.expose()),
            "access_hash": hex(access_hash(access.expose())),
            "user_key_secret": hex(secret.dangerous_secret().expose()),
            "generation": secret.context().epoch,
            "device": hex(device.id().0),
            "mark": hex(device_mark(secret, &device.id())),
        });
        fields[field] = right;
        let good = ok("backup", name, fields);
        for (name, at) in [
            ("another magic", 0),
            ("another version", 5),
            ("another kind", 6),
            ("another memory", 8),
            ("other passes", 14),
            ("another salt", 20),
            ("another commitment", 60),
            ("another ciphertext", sealed.len() - 20),
            ("another tag", sealed.len() - 1),
        ] {
            let altered = flipped(&good["backup"], at);
            cases.push(refused(&good, name, "backup", altered));
        }
        cases.push(refused(&good, "protected by another", field, wrong));
        cases.push(refused(&good, "another's", "user_id", "dr.b".into()));
        let tenant = flipped(&good["tenant_id"], 0);
        cases.push(refused(&good, "another tenant", "tenant_id", tenant));
        for (name, field) in [
            ("another access secret", "access"),
            ("another hash of it", "access_hash"),
            ("another mark", "mark"),
            ("another device marked", "device"),
        ] {
            let altered = flipped(&good[field], 0);
            cases.push(refused(&good, name, field, altered));
        }
        cases.push(good);
    }
    cases
}
