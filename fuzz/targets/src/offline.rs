//! Offline files for the corpus of what reads them.

use plico_protocol::format::ids::{ChainId, KeyId, Recipient};
use plico_protocol::format::offline::{
    DeviceWrap, OFFLINE_VERSION_GROUPS, OfflineFile, StatedChain, StatedGroup, StatedWrap,
};
use plico_protocol::format::opaque::Opaque;

/// An offline file with a little of everything in it.
#[must_use]
pub fn offline_file(version: u16) -> OfflineFile {
    let (id, opaque) = (ChainId([1; 32]), || Opaque::new(vec![7; 3]));
    let chain = || StatedChain {
        id,
        entries: vec![opaque()],
        head: opaque(),
        opening: opaque(),
    };
    let wrap = || StatedWrap {
        recipient: Recipient::group(id),
        epoch: 1,
        generation: 2,
        key_id: KeyId([3; 32]),
        seq: 4,
        index: 5,
        proof: vec![[6; 32]],
        sealed: opaque(),
    };
    let group = StatedGroup {
        chain: chain(),
        wraps: vec![wrap()],
        links: vec![opaque()],
    };
    OfflineFile {
        version,
        tenant: chain(),
        identities: vec![chain()],
        reader: id,
        generation: 0,
        device_wraps: vec![DeviceWrap {
            device: KeyId([8; 32]),
            author_key: KeyId([9; 32]),
            sealed: opaque(),
        }],
        reader_links: vec![opaque()],
        session: chain(),
        wraps: vec![wrap()],
        links: vec![opaque()],
        envelope: opaque(),
        groups: match version {
            OFFLINE_VERSION_GROUPS => vec![group],
            _ => Vec::new(),
        },
    }
}
