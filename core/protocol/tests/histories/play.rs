//! Plays a history on the real protocol and on the model, and compares them
//! after every step.

use super::actions::{Action, Crooked, History, Sender, Tamper, What};
use super::common::world::{MINUTE, T0, upload};
use super::count::{Counts, count};
use super::model::{Member, Model, Party, Signer};
use super::people::{Own, Person};
use super::shelf::{Opened, Shelf, Tried};
use super::stage::{PARTIES, Stage};
use plico_protocol::chain::Replay as _;
use plico_protocol::format::entry::SignedEntry;
use plico_protocol::keyring::EpochSecret;
use plico_protocol::rights::SessionState;
use plico_protocol::rights::draft::{self, Draft};
use plico_protocol::wire::accept::{AcceptedWrap, accept_session};
use plico_protocol::wire::upload::Upload;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

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
    pub hoards: Vec<Opened>,
    pub hoarded_links: Vec<BTreeMap<(u32, u32), plico_protocol::format::wrap::BackLink>>,
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
            let accepted = accept_session(None, &uploads, id, &BTreeSet::new(), &stage.known, now);
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
        let accepted = accept_session(
            before,
            &uploads,
            sender,
            &BTreeSet::new(),
            &self.stage.known,
            self.now,
        );
        let what = format!("{what:?} by {signer:?}, {tamper:?}, at {}", self.now);
        agree(&what, verdict, accepted.as_ref().map(|_| ()));
        if let Ok((state, effects)) = accepted {
            self.state = state;
            self.model = model;
            self.shelf.store(effects);
            self.keep(&drafts, &uploads);
        }
    }
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
