//! What a device has learnt of a directory, for another device of the same
//! person: pins of heads and user ids, and who was verified.

use super::fingerprint::{MARK, VERIFIED};
use super::pins::{HEAD_PINS, USER_PINS, head_of_pin, store_error};
use super::saves::Saves;
use crate::error::{ErrorCode, Result};
use crate::ports::Store;
use plico_protocol::format::codec::decode;
use plico_protocol::format::encode;
use plico_protocol::format::ids::ChainId;
use plico_protocol::format::opaque::Opaque;
use plico_protocol::identity::pairing::PINS_LEN;
use plico_protocol::wire::b64;
use tls_codec::{TlsDeserializeBytes, TlsSerializeBytes, TlsSize};

/// The names in the store that a travelling item may have: nothing else gets in.
const PLACES: [&str; 3] = [VERIFIED, USER_PINS, HEAD_PINS];

#[derive(TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
struct Item {
    /// Which of the places.
    place: u8,
    /// Whose: 32 bytes, in the name as base64url.
    of: ChainId,
    value: Opaque,
}

#[derive(TlsSerializeBytes, TlsDeserializeBytes, TlsSize)]
struct Items {
    version: u16,
    items: Vec<Item>,
}

async fn items(store: &dyn Store, place: u8) -> Result<Vec<Item>> {
    let prefix = PLACES[usize::from(place)];
    let pairs = store.scan(prefix).await.map_err(store_error)?;
    let item = |(name, value): (String, Vec<u8>)| {
        let of = b64::decode_array(name.strip_prefix(prefix)?)?;
        Some(Item {
            place,
            of: ChainId(of),
            value: Opaque::new(value),
        })
    };
    Ok(pairs.into_iter().filter_map(item).collect())
}

/// What fits, the most important first: who was verified, which identity stands
/// behind which user id, the tenant's and one's own head, then the heads that
/// were seen last.
pub(crate) async fn pack(store: &dyn Store, own: ChainId, tenant: ChainId) -> Result<Vec<u8>> {
    let mut all = items(store, 0).await?;
    all.append(&mut items(store, 1).await?);
    let mut heads = items(store, 2).await?;
    heads.sort_by_key(|it| {
        let time_ms = head_of_pin(it.value.as_slice()).map_or(0, |head| head.time_ms);
        let first = it.of == own || it.of == tenant;
        (!first, std::cmp::Reverse(time_ms))
    });
    all.append(&mut heads);
    let mut chosen = Items {
        version: 1,
        items: Vec::new(),
    };
    // Version, and the length of the list in four bytes.
    let mut room = PINS_LEN - 6;
    for item in all {
        let Some(left) = room.checked_sub(encode(&item).len()) else {
            break;
        };
        room = left;
        chosen.items.push(item);
    }
    Ok(encode(&chosen))
}

/// Takes over what is not known here yet.
pub(crate) async fn unpack(store: &dyn Store, bytes: &[u8], saves: &mut Saves) -> Result<()> {
    let invalid = || ErrorCode::PairingInvalid;
    let items: Items = decode("pins", bytes).map_err(|_| invalid())?;
    if items.version != 1 {
        return Err(ErrorCode::NeedsNewerClient.into());
    }
    for item in items.items {
        let place = PLACES.get(usize::from(item.place)).ok_or_else(invalid)?;
        let value = item.value.as_slice();
        let sound = match *place {
            VERIFIED => value == MARK,
            HEAD_PINS => head_of_pin(value).is_some_and(|head| head.chain_id == item.of),
            _ => super::pins::is_user_pin(value),
        };
        if !sound {
            return Err(invalid().into());
        }
        let name = format!("{place}{}", b64::encode(&item.of.0));
        if store.get(&name).await.map_err(store_error)?.is_none() {
            saves.put(name, value.to_vec());
        }
    }
    Ok(())
}
