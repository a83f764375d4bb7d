//! Backups: what a passphrase and a host's secret give, and what they open.

use super::case::{flipped, hex, ok, refused};
use super::identities::{bytes_flipped, fields_of, file_of, protections};
use crate::common::world::{Person, World};
use plico_protocol::identity::backup::{BackupRoot, access_hash, device_mark};
use plico_protocol::primitives::secret::Secret32;
use serde_json::Value;

pub fn cases(world: &World, owner: &Person) -> Vec<Value> {
    let secret = owner.secrets.last().unwrap();
    let file = file_of(world, owner);
    let device = file.device.id();
    let host = Secret32::from_slice(&[9; 32]).expect("32 bytes");
    let mut cases = Vec::new();
    for (name, protection, field, right, wrong) in protections(&host) {
        let root = BackupRoot::derive(world.tenant_id(), "dr.a", protection).unwrap();
        let sealed = root.seal(&file, &mut world.rng()).unwrap();
        let access = root.access();
        let mut fields = fields_of(&file);
        fields["backup"] = hex(&sealed);
        fields["access"] = hex(access.expose());
        fields["access_hash"] = hex(access_hash(access.expose()));
        fields["user_key_secret"] = hex(secret.dangerous_secret().expose());
        fields["generation"] = secret.context().epoch.into();
        fields["device"] = hex(device.0);
        fields["mark"] = hex(device_mark(secret, &device));
        fields[field] = right;
        let good = ok("backup", name, fields);
        let places = [
            ("another magic", 0),
            ("another version", 5),
            ("another kind", 6),
            ("another memory", 8),
            ("other passes", 14),
            ("another salt", 20),
            ("another commitment", 60),
            ("another ciphertext", sealed.len() - 20),
            ("another tag", sealed.len() - 1),
        ];
        cases.extend(bytes_flipped(&good, "backup", &places));
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
