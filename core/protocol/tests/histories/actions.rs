//! What may happen, as proptest makes it up: small numbers whose meaning
//! depends on where the history stands, so that shrinking stays easy.

use proptest::prelude::*;

/// A party.
#[derive(Clone, Copy, Debug)]
pub enum Who {
    Anybody(u8),
    Member(u8),
    /// One of the members with the most rights.
    Strong(u8),
    /// A member that is no owner, if there is one.
    Weak(u8),
    /// Somebody who is no member, if there is one.
    Stranger(u8),
}

/// The rights of a grant.
#[derive(Clone, Copy, Debug)]
pub enum Rights {
    These(u8),
    /// Those of these that the author has.
    OfMine(u8),
}

/// When a grant ends.
#[derive(Clone, Copy, Debug)]
pub enum End {
    Never,
    /// When the author's own ends.
    AsAuthor,
    In(u64),
    Past,
}

/// Which of its recipient's keys a grant names.
#[derive(Clone, Copy, Debug)]
pub enum KeyOf {
    Newest,
    /// The one that was the newest so many entries ago.
    Behind(u8),
    /// An earlier generation, at the head.
    Earlier,
}

/// Which segments a grant is for.
#[derive(Clone, Copy, Debug)]
pub enum Past {
    /// All that the author has.
    All,
    /// From now on only.
    Now,
    /// Some, whether the author has them or not.
    Some(u8),
    /// Of the current one an epoch that is not the newest.
    Stale,
    /// All but the current one.
    NotNow,
}

#[derive(Clone, Copy, Debug)]
pub enum Links {
    Newest,
    /// So many of the newest ones.
    Several(u8),
    /// Steps over the newest.
    StepOver,
    None,
    /// Any epochs.
    Any(u8),
}

#[derive(Clone, Debug)]
pub struct Grantee {
    pub who: Who,
    pub rights: Rights,
    pub end: End,
    pub key: KeyOf,
}

/// How a rotation departs from what an honest client writes.
#[derive(Clone, Copy, Debug)]
pub enum Crooked {
    No,
    /// Tells only some of the newer keys.
    Updates(u8),
    /// Names an earlier key of a member's.
    EarlierKey(u8),
    /// Leaves out whoever it likes.
    Removes(u8),
    /// Keeps those whose time is over.
    Keeps,
    /// Has no wrap for somebody, or one more.
    TooFew(u8),
    TooMany(u8),
    /// Has a stranger's wrap in a member's place.
    Swapped(u8, u8),
    /// Gives some a wrap that does not open.
    FalseWraps(u8),
    FalseLinks,
    /// Is not the next epoch.
    OtherEpoch,
}

#[derive(Clone, Debug)]
pub enum What {
    Grant {
        to: Vec<Grantee>,
        past: Past,
        /// Wraps that do not open.
        crooked: bool,
    },
    Revoke {
        whom: Vec<Who>,
        cascade: bool,
    },
    Rotate {
        links: Links,
        crooked: Crooked,
    },
    Transfer {
        to: Who,
        remaining: u8,
        past: Past,
    },
    Metadata {
        earlier: bool,
    },
    End,
}

/// A change on the way: always to be refused.
#[derive(Clone, Copy, Debug)]
pub enum Tamper {
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
}

#[derive(Clone, Copy, Debug)]
pub struct Sender {
    pub who: Who,
    pub device: u8,
    pub behind: u8,
    /// Minutes.
    pub skew: i8,
    /// The request is somebody else's.
    pub other: bool,
}

#[derive(Clone, Debug)]
pub enum Action {
    /// Minutes pass.
    Wait(u64),
    Enrol {
        party: u8,
        lie: u8,
    },
    AddDevice {
        party: u8,
        device: u8,
        again: bool,
    },
    RevokeDevice {
        party: u8,
        device: u8,
        which: u8,
    },
    RotateUserKey {
        party: u8,
        device: u8,
        lie: u8,
    },
    Write {
        by: Sender,
        what: Vec<What>,
        tamper: Option<Tamper>,
    },
}

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
        5 => any::<u8>().prop_map(likely),
        1 => any::<u8>().prop_map(Who::Member),
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

/// A whole history: who begins, with whom, and what happens then.
#[derive(Clone, Debug)]
pub struct History {
    pub creator: u8,
    pub first: Vec<Grantee>,
    pub actions: Vec<Action>,
    /// For what the directory forges when all is over.
    pub end: u64,
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
