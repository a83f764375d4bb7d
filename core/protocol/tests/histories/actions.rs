//! What may happen, in small numbers whose meaning depends on where the history
//! stands, so that shrinking stays easy.

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

/// A whole history: who begins, with whom, and what happens then.
#[derive(Clone, Debug)]
pub struct History {
    pub creator: u8,
    pub first: Vec<Grantee>,
    pub actions: Vec<Action>,
    /// For what the directory forges when all is over.
    pub end: u64,
}
