//! Plays a history on the real protocol and on the model, and compares them
//! after every step.

use super::actions::{Action, Crooked, History, Sender, Tamper, What};
use super::common::world::{MINUTE, T0, upload};
use super::count::{Counts, count};
use super::model::{Due, Gone, Member, Model, Own, Party, Person, Signer};
use super::shelf::{Opened, Served, Shelf, Tried, follow};
use super::stage::{PARTIES, Stage};
use plico_protocol::chain::Replay as _;
use plico_protocol::format::entry::SignedEntry;
use plico_protocol::format::ids::Recipient;
use plico_protocol::keyring::{EpochSecret, open_metadata};
use plico_protocol::rights::draft::{self, Draft};
use plico_protocol::rights::{DueReason, SessionState, due};
use plico_protocol::wire::ErrorCode;
use plico_protocol::wire::accept::{AcceptedWrap, accept_session};
use plico_protocol::wire::access::access;
use plico_protocol::wire::upload::Upload;
use std::collections::{BTreeMap, BTreeSet};

/// What the log said of its members after each entry.
pub type Snapshot = BTreeMap<Party, Member>;

pub struct Play {
    pub stage: Stage,
    pub model: Model,
    pub state: SessionState,
    pub log: Vec<SignedEntry>,
    pub snapshots: Vec<Snapshot>,
    /// The true secret of each epoch.
    pub secrets: Vec<EpochSecret>,
    pub shelf: Shelf,
    pub tried: Tried,
    /// What each party was ever served, opened.
    hoards: Vec<Opened>,
    hoarded_links: Vec<BTreeMap<(u32, u32), plico_protocol::format::wrap::BackLink>>,
    /// Everything that was ever accepted.
    pub ever: Vec<AcceptedWrap>,
    pub links: Vec<plico_protocol::format::wrap::BackLink>,
    pub now: u64,
}

impl Play {
    /// The beginning: a session, with the grants that were made up or, if the
    /// rules forbid those, with none.
    pub fn begin(mut stage: Stage, history: &History, counts: &Counts) -> Self {
        let now = T0 + MINUTE;
        let people = stage.people();
        let enrolled: Vec<Party> = (0..PARTIES).filter(|it| people[*it].enrolled).collect();
        let creator = enrolled[usize::from(history.creator) % enrolled.len()];
        let signer = Signer {
            party: creator,
            device: 0,
            place: people[creator].head,
            claimed: now,
        };
        // A session without members, to pick the first ones with.
        let empty = Model::create(people.clone(), &signer, &[]).expect("a plain session");
        let mut first = empty.grantees(creator, &history.first, now);
        first.retain(|to| to.party != creator);
        let wanted = Model::create(people.clone(), &signer, &first).and_then(|it| {
            let past = first.iter().any(|to| to.end != 0 && to.end <= now);
            if past { Err("over already") } else { Ok(it) }
        });
        let device = stage.parties[creator].devices[0].clone();
        let writer = stage.writer(&signer, &device);
        let tenant = stage.tenant.id();
        let mut create = |grants: &[super::model::To]| {
            let mut rng = stage.rng();
            let grants = grants.iter().map(|to| stage.grant(to)).collect();
            let draft = draft::create(&writer, tenant, 1, grants, &stage.known, &mut rng).unwrap();
            let uploads = [session_upload(&draft)];
            let id = stage.parties[creator].id;
            let accepted = accept_session(None, &uploads, id, &stage.known, now);
            (draft, uploads, accepted)
        };
        let (mut draft, mut uploads, mut accepted) = create(&first);
        count(&counts.created, wanted.is_ok());
        agree(
            "create",
            wanted.as_ref().map(|_| ()),
            accepted.as_ref().map(|_| ()),
        );
        let model = wanted.unwrap_or_else(|_| {
            (draft, uploads, accepted) = create(&[]);
            empty
        });
        let (state, effects) = accepted.expect("a session without grants");
        let mut shelf = Shelf::default();
        shelf.store(effects);
        let mut play = Self {
            stage,
            snapshots: Vec::new(),
            model,
            state,
            log: Vec::new(),
            secrets: Vec::new(),
            shelf,
            tried: Tried::default(),
            hoards: vec![Opened::new(); PARTIES],
            hoarded_links: vec![BTreeMap::new(); PARTIES],
            ever: Vec::new(),
            links: Vec::new(),
            now,
        };
        play.keep(&[draft], &uploads);
        play.check();
        play
    }

    fn keep(&mut self, drafts: &[Draft], uploads: &[Upload]) {
        for (draft, upload) in drafts.iter().zip(uploads) {
            self.secrets.extend(draft.secret.clone());
            self.log.push(upload.entry.clone());
            self.links.extend(upload.back_links.iter().cloned());
            let seq = upload.entry.entry.seq;
            let wraps = upload
                .wraps
                .iter()
                .zip(0..)
                .map(|(it, index)| AcceptedWrap {
                    seq,
                    index,
                    recipient: it.recipient,
                    epoch: it.epoch,
                    generation: it.generation,
                    key_id: it.key_id,
                    sealed: it.sealed.clone(),
                });
            self.ever.extend(wraps);
        }
        self.snapshots
            .resize(self.log.len() - 1, Snapshot::default());
        self.snapshots.push(self.model.members.clone());
    }

    pub fn step(&mut self, action: &Action, counts: &Counts) {
        match action {
            Action::Wait(minutes) => self.now += minutes * MINUTE,
            Action::Enrol { party, lie } => {
                let party = usize::from(*party) % PARTIES;
                if !self.model.people[party].enrolled {
                    let accepted = self.stage.enrol(party, *lie, self.now);
                    assert_eq!(accepted, *lie == 0, "enrolment with lie {lie}");
                    if accepted {
                        self.model.people[party] = Person::new(true);
                    }
                }
            }
            Action::AddDevice {
                party,
                device,
                again,
            } => {
                let devices = |it: &Person| it.devices.len();
                let new = |it: &Person| Own::Add(if *again { 0 } else { devices(it) });
                if self.stage.has_spare() {
                    self.own(*party, *device, new, counts);
                }
            }
            Action::RevokeDevice {
                party,
                device,
                which,
            } => {
                let which = |it: &Person| Own::Revoke(usize::from(*which) % it.devices.len());
                self.own(*party, *device, which, counts);
            }
            Action::RotateUserKey { party, device, lie } => {
                let rotate = |it: &Person| {
                    let active = it.active();
                    let gone = (0..it.devices.len()).find(|it| !active.contains(it));
                    let several = active.len() > 1;
                    Own::Rotate {
                        left_out: active.last().copied().filter(|_| several && lie & 1 != 0),
                        slipped_in: gone.filter(|_| *lie > 1),
                    }
                };
                self.own(*party, *device, rotate, counts);
            }
            Action::Write { by, what, tamper } => self.write(*by, what, *tamper, counts),
        }
        self.check();
    }

    fn own(&mut self, party: u8, device: u8, own: impl Fn(&Person) -> Own, counts: &Counts) {
        let party = usize::from(party) % PARTIES;
        if !self.model.people[party].enrolled {
            return;
        }
        let device = self.model.device(party, device);
        let person = &self.model.people[party];
        let own = own(person);
        let wanted = person.after(device, own);
        let accepted = self.stage.append_own(party, device, own, self.now);
        count(&counts.own, accepted);
        agree(
            &format!("{own:?} of {party} by device {device}"),
            wanted.as_ref().map(|_| ()),
            if accepted { Ok(()) } else { Err("refused") },
        );
        if let Ok(person) = wanted {
            self.model.people[party] = person;
        }
    }

    /// One request: one or more entries, accepted whole or not at all.
    fn write(&mut self, by: Sender, what: &[What], tamper: Option<Tamper>, counts: &Counts) {
        let signer = self.model.signer(by, self.now);
        let sent_by = (signer.party + usize::from(by.other)) % PARTIES;
        let mut verdict = Ok(());
        let (mut model, mut state) = (self.model.clone(), Some(self.state.clone()));
        let mut secrets = self.secrets.clone();
        let (mut drafts, mut uploads) = (Vec::new(), Vec::new());
        for what in what {
            let Some(before) = state.take() else { break };
            let deed = model.deed(&signer, what, self.now);
            let crooked = |it: &Crooked| !matches!(it, Crooked::No);
            let honest = !matches!(what, What::Rotate { crooked: it, .. } if crooked(it));
            let draft = self.stage.draft(&signer, &deed, honest, &before, &secrets);
            let mut upload = session_upload(&draft);
            let rules = model.after(&signer, &deed);
            let mut after = before.clone();
            let known = &self.stage.known;
            let applied = after.apply(&draft.entry, known);
            let what = format!("{deed:?} by {signer:?} at {}", self.now);
            count(counts.of(&deed), rules.is_ok());
            agree(&what, rules.as_ref().map(|_| ()), applied);
            if let (Ok(next), None) = (&rules, tamper) {
                let allowed = model.directory(next, &signer, &deed, sent_by, self.now);
                count(&counts.directory, allowed.is_ok());
                verdict = verdict.and(allowed);
            }
            if let (Some(how), true) = (tamper, uploads.is_empty()) {
                self.stage.tamper(&mut upload, &signer, how);
                verdict = Err("tampered with");
                if Stage::shows_in_replay(how) {
                    let refused = before.clone().apply(&upload.entry, known).is_err();
                    assert!(refused, "{what}, {how:?}: replay does not see it");
                }
            }
            secrets.extend(draft.secret.clone());
            drafts.push(draft);
            uploads.push(upload);
            match rules {
                Ok(next) => (model, state) = (next, Some(after)),
                Err(why) => verdict = Err(why),
            }
        }
        let sender = self.stage.parties[sent_by].id;
        let before = Some(self.state.clone());
        let accepted = accept_session(before, &uploads, sender, &self.stage.known, self.now);
        let what = format!("{what:?} by {signer:?}, {tamper:?}, at {}", self.now);
        agree(&what, verdict, accepted.as_ref().map(|_| ()));
        if let Ok((state, effects)) = accepted {
            self.state = state;
            self.model = model;
            self.shelf.store(effects);
            self.keep(&drafts, &uploads);
        }
    }

    /// What a party opens with an answer and nothing else.
    pub fn open(&mut self, served: &Served) -> Opened {
        let mut open = Opened::new();
        for wrap in &served.wraps {
            let leaves = &self.shelf.leaves[&wrap.seq];
            let secret = self.tried.open(&self.stage, &self.state, leaves, wrap);
            open.extend(secret.map(|secret| (wrap.epoch, secret)));
        }
        follow(&self.state, open, served.links.iter())
    }

    /// Compares everything.
    fn check(&mut self) {
        let now = self.now;
        assert_eq!(members(&self.stage, &self.state), self.model.members);
        assert_eq!(self.state.ended(), self.model.ended);
        let segments: Vec<u32> = self.state.epochs().iter().map(|it| it.segment).collect();
        assert_eq!(segments, self.model.epochs);
        let reason = due(&self.state, &self.stage.known, now).map(|reason| match reason {
            DueReason::Left => Due::Left,
            DueReason::Expired(who) => Due::TimeOver(self.stage.party_of(&who)),
            DueReason::NewGeneration(who) => Due::NewKey(self.stage.party_of(&who)),
            other => panic!("{other:?} is new"),
        });
        assert_eq!(reason, self.model.due(now));
        self.model.fetch(now);
        for party in 0..PARTIES {
            self.check_party(party);
        }
    }

    fn check_party(&mut self, party: Party) {
        let now = self.now;
        let recipient = self.stage.parties[party].recipient();
        if self.model.people[party].enrolled {
            assert_eq!(self.stage.head(party), self.model.people[party].head);
            let due = self.stage.identity(party).rotation_due();
            assert_eq!(due, self.model.people[party].rotation_due);
        }
        let allowed = access(&self.state, &recipient, now).map(|_| ());
        let wanted = self.model.access(party, now);
        let wanted = wanted.map(|_| ()).map_err(|gone| match gone {
            Some(Gone::TimeOver) => ErrorCode::AccessExpired,
            Some(Gone::Taken) => ErrorCode::AccessRevoked,
            None if self.model.members.contains_key(&party) => ErrorCode::SessionEnded,
            None => ErrorCode::SessionNotFound,
        });
        assert_eq!(allowed, wanted, "access of {party}");
        // Honest: what it is served now opens exactly what it may open.
        let served = self.shelf.serve(&self.state, &recipient, now);
        let open = self.open(&served);
        assert_eq!(epochs(&open), self.model.opens(party, now), "{party} opens");
        for (epoch, secret) in &open {
            assert_eq!(*secret, self.secrets[*epoch as usize]);
        }
        if let (Some(set), Some(blob)) = (self.state.metadata(), &self.shelf.metadata) {
            let secret = open.get(&set.epoch);
            let read = secret.and_then(|secret| open_metadata(secret, blob).ok());
            assert_eq!(read.is_some(), secret.is_some(), "metadata of its epoch");
            assert_eq!(Some(set.epoch), self.model.metadata);
        }
        // Greedy: everything that it was ever served opens no more than that,
        // and nothing that was begun without it.
        let links = &mut self.hoarded_links[party];
        links.extend(
            served
                .links
                .into_iter()
                .map(|it| ((it.epoch, it.target), it)),
        );
        let mut hoard = std::mem::take(&mut self.hoards[party]);
        hoard.extend(open);
        let hoard = follow(&self.state, hoard, links.values());
        let hoarded = epochs(&hoard);
        assert_eq!(hoarded, self.model.hoard[party], "the hoard of {party}");
        let closed = |epoch: &u32| self.model.closed.contains(&(party, *epoch));
        assert!(
            !hoarded.iter().any(closed),
            "{party} opens what was closed to it"
        );
        self.hoards[party] = hoard;
    }
}

pub fn epochs(open: &Opened) -> BTreeSet<u32> {
    open.keys().copied().collect()
}

/// The members that replay gives, in the model's words.
pub fn members(stage: &Stage, state: &SessionState) -> Snapshot {
    let member = |(recipient, member): (&Recipient, &plico_protocol::rights::Member)| {
        let by = Recipient::identity(member.granted_by);
        let told = Member {
            rights: member.rights.0,
            end: member.expires_ms,
            by: stage.party_of(&by),
            generation: member.key.generation,
            segments: member.segments.clone(),
        };
        (stage.party_of(recipient), told)
    };
    state.members().map(member).collect()
}

pub fn session_upload(draft: &Draft) -> Upload {
    Upload {
        metadata: draft.metadata.clone(),
        ..upload(&draft.entry, &draft.wraps, &draft.back_links)
    }
}

/// Both say yes, or both say no.
fn agree<A: std::fmt::Debug, B: std::fmt::Debug>(
    what: &str,
    model: Result<(), A>,
    real: Result<(), B>,
) {
    assert_eq!(
        model.is_ok(),
        real.is_ok(),
        "{what}: the model says {model:?}, the protocol {real:?}"
    );
}
