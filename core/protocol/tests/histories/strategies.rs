//! How proptest makes histories up.

use super::actions::{
    Action, Crooked, End, Grantee, History, KeyOf, Links, Past, Rights, Sender, Tamper, What, Who,
};
use proptest::prelude::*;

/// What a test is about: how often each thing happens.
#[derive(Clone, Copy)]
pub struct Weights {
    pub wait: u32,
    pub devices: u32,
    pub grant: u32,
    pub revoke: u32,
    pub rotate: u32,
    pub transfer: u32,
    /// Percent of what is crooked, forged, late or somebody else's.
    pub lies: u32,
}

/// Mostly `likely`, for there are many more ways to be refused than not.
fn who(likely: fn(u8) -> Who) -> impl Strategy<Value = Who> {
    prop_oneof![
        4 => any::<u8>().prop_map(likely),
        2 => any::<u8>().prop_map(Who::Member),
        1 => any::<u8>().prop_map(Who::Anybody),
    ]
}

fn mostly<T: Clone + std::fmt::Debug + 'static>(
    lies: u32,
    honest: T,
    lie: impl Strategy<Value = T> + 'static,
) -> BoxedStrategy<T> {
    prop_oneof![100 - lies => Just(honest), lies => lie].boxed()
}

fn rights(lies: u32) -> impl Strategy<Value = Rights> {
    let real = || prop::sample::select(vec![1u8, 3, 5, 7, 7, 0x87]);
    let odd = prop::sample::select(vec![0u8, 2, 4, 6, 0x80, 0x83, 0x09]);
    prop_oneof![
        140 => real().prop_map(Rights::OfMine),
        60 => real().prop_map(Rights::These),
        lies / 2 => odd.prop_map(Rights::These),
    ]
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![
        4 => Just(End::Never),
        6 => Just(End::AsAuthor),
        4 => prop::sample::select(vec![2u64, 30, 1_500, 50_000]).prop_map(End::In),
        1 => Just(End::Past),
    ]
}

fn key(lies: u32) -> impl Strategy<Value = KeyOf> {
    let other = prop_oneof![
        4 => (1u8..3).prop_map(KeyOf::Behind),
        1 => Just(KeyOf::Earlier),
    ];
    mostly(lies, KeyOf::Newest, other)
}

fn past(lies: u32) -> BoxedStrategy<Past> {
    let odd = prop_oneof![
        any::<u8>().prop_map(Past::Some),
        Just(Past::Stale),
        Just(Past::NotNow),
    ];
    prop_oneof![
        60 => Just(Past::All),
        40 => Just(Past::Now),
        lies => odd,
    ]
    .boxed()
}

pub fn grantee(lies: u32) -> impl Strategy<Value = Grantee> {
    (who(Who::Stranger), rights(lies), end(), key(lies)).prop_map(|(who, rights, end, key)| {
        Grantee {
            who,
            rights,
            end,
            key,
        }
    })
}

fn what(weights: Weights) -> impl Strategy<Value = What> {
    let lies = weights.lies;
    let grant = (
        prop::collection::vec(grantee(lies), 1..3),
        past(lies),
        mostly(lies / 4, false, Just(true)),
    );
    let crooked = prop_oneof![
        any::<u8>().prop_map(Crooked::Updates),
        any::<u8>().prop_map(Crooked::EarlierKey),
        any::<u8>().prop_map(Crooked::Removes),
        Just(Crooked::Keeps),
        any::<u8>().prop_map(Crooked::TooFew),
        any::<u8>().prop_map(Crooked::TooMany),
        (any::<u8>(), any::<u8>()).prop_map(|(out, within)| Crooked::Swapped(out, within)),
        any::<u8>().prop_map(Crooked::FalseWraps),
        any::<u8>().prop_map(Crooked::FalseWraps),
        Just(Crooked::FalseLinks),
        Just(Crooked::OtherEpoch),
    ];
    let links = prop_oneof![
        60 => Just(Links::Newest),
        15 => Just(Links::None),
        10 => (2u8..4).prop_map(Links::Several),
        lies => Just(Links::StepOver),
        lies => any::<u8>().prop_map(Links::Any),
    ];
    prop_oneof![
        weights.grant => grant.prop_map(|(to, past, crooked)| What::Grant { to, past, crooked }),
        weights.revoke => (prop::collection::vec(who(Who::Weak), 1..3), any::<bool>())
            .prop_map(|(whom, cascade)| What::Revoke { whom, cascade }),
        weights.rotate => (links, mostly(lies, Crooked::No, crooked))
            .prop_map(|(links, crooked)| What::Rotate { links, crooked }),
        weights.transfer => (who(Who::Anybody), prop::sample::select(vec![0u8, 0, 1, 7, 0x87, 2]), past(lies))
            .prop_map(|(to, remaining, past)| What::Transfer { to, remaining, past }),
        2 => mostly(20, false, Just(true)).prop_map(|earlier| What::Metadata { earlier }),
        1 => Just(What::End),
    ]
}

fn sender(lies: u32) -> impl Strategy<Value = Sender> {
    let lies = lies / 3;
    (
        who(Who::Strong),
        mostly(20, 0, any::<u8>()),
        mostly(lies, 0, 1u8..3),
        mostly(lies, 0, prop::sample::select(vec![-3i8, 3, -20, 20, 5])),
        mostly(lies / 2, false, Just(true)),
    )
        .prop_map(|(who, device, behind, skew, other)| Sender {
            who,
            device,
            behind,
            skew,
            other,
        })
}

fn tamper() -> impl Strategy<Value = Tamper> {
    use Tamper::*;
    prop::sample::select(vec![
        Signature,
        OtherSigner,
        OtherAuthor,
        OtherPlace,
        Skipped,
        NotAfter,
        OtherTime,
        DropWrap,
        SwapWraps,
        FlipWrap,
        OtherRecipient,
        DropLink,
        FlipLink,
        ForeignBlob,
    ])
}

pub fn action(weights: Weights) -> impl Strategy<Value = Action> {
    let lies = weights.lies;
    let lie = move || mostly(lies, 0u8, 1u8..6);
    let device = || mostly(30, 0u8, any::<u8>());
    let write = (
        sender(lies),
        prop_oneof![
            3 => prop::collection::vec(what(weights), 1),
            1 => prop::collection::vec(what(weights), 2),
        ],
        mostly(lies / 2, None, tamper().prop_map(Some)),
    );
    prop_oneof![
        weights.wait => prop::sample::select(vec![1u64, 3, 40, 2_000, 60_000]).prop_map(Action::Wait),
        weights.devices => prop_oneof![
            (any::<u8>(), lie()).prop_map(|(party, lie)| Action::Enrol { party, lie }),
            (any::<u8>(), device(), mostly(lies, false, Just(true)))
                .prop_map(|(party, device, again)| Action::AddDevice { party, device, again }),
            (any::<u8>(), device(), any::<u8>())
                .prop_map(|(party, device, which)| Action::RevokeDevice { party, device, which }),
            (any::<u8>(), device(), lie())
                .prop_map(|(party, device, lie)| Action::RotateUserKey { party, device, lie }),
        ],
        30 => write.prop_map(|(by, what, tamper)| Action::Write { by, what, tamper }),
    ]
}

pub fn history(weights: Weights, steps: std::ops::Range<usize>) -> impl Strategy<Value = History> {
    (
        any::<u8>(),
        prop::collection::vec(grantee(weights.lies / 4), 0..4),
        prop::collection::vec(action(weights), steps),
        any::<u64>(),
    )
        .prop_map(|(creator, first, actions, end)| History {
            creator,
            first,
            actions,
            end,
        })
}
