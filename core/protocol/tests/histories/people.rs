//! The model of one identity: its devices, and the generations of its user key.

use super::model::{Key, Why};
use std::collections::BTreeSet;

/// One entry of an identity's own chain.
#[derive(Clone, Copy, Debug)]
pub enum Own {
    /// The device with this number: a new one, or one that is there already.
    Add(usize),
    Revoke(usize),
    Rotate {
        left_out: Option<usize>,
        slipped_in: Option<usize>,
    },
}

#[derive(Clone, Debug)]
pub struct Device {
    pub added: u64,
    pub revoked: Option<u64>,
}

#[derive(Clone, Debug)]
pub struct Generation {
    pub since: u64,
    pub wrapped_to: BTreeSet<usize>,
}

#[derive(Clone, Debug)]
pub struct Person {
    pub enrolled: bool,
    /// The number of its chain's last entry.
    pub head: u64,
    pub devices: Vec<Device>,
    pub generations: Vec<Generation>,
    pub rotation_due: bool,
}

impl Person {
    /// Somebody with one device and one generation.
    pub fn new(enrolled: bool) -> Self {
        Self {
            enrolled,
            head: u64::from(enrolled),
            devices: vec![Device {
                added: 0,
                revoked: None,
            }],
            generations: vec![Generation {
                since: 0,
                wrapped_to: BTreeSet::from([0]),
            }],
            rotation_due: false,
        }
    }

    pub fn could_sign(&self, device: usize, place: u64) -> bool {
        self.devices
            .get(device)
            .is_some_and(|it| it.added <= place && it.revoked.is_none_or(|end| place < end))
    }

    pub fn active(&self) -> BTreeSet<usize> {
        let all = 0..self.devices.len();
        all.filter(|it| self.devices[*it].revoked.is_none())
            .collect()
    }

    pub fn generation_at(&self, place: u64) -> u32 {
        let made = self.generations.iter().filter(|it| it.since <= place);
        made.count() as u32 - 1
    }

    pub fn newest(&self) -> Key {
        Key {
            generation: self.generation_at(self.head),
            place: self.head,
        }
    }

    /// Generations that a device opens: those wrapped to it and all before.
    pub fn opens(&self, device: usize) -> BTreeSet<u32> {
        let newest = (0..self.generations.len() as u32)
            .rev()
            .find(|it| self.generations[*it as usize].wrapped_to.contains(&device));
        newest.map_or_else(BTreeSet::new, |newest| (0..=newest).collect())
    }

    /// After an entry of its own chain.
    pub fn after(&self, device: usize, own: Own) -> Result<Self, Why> {
        let mut next = self.clone();
        next.head += 1;
        if !self.enrolled || !self.could_sign(device, self.head) {
            return Err("no device of that identity, or a revoked one");
        }
        match own {
            Own::Add(new) => {
                if new != self.devices.len() {
                    return Err("a device that is registered already");
                }
                next.devices.push(Device {
                    added: next.head,
                    revoked: None,
                });
                let newest = next.generations.last_mut().expect("there is one");
                newest.wrapped_to.insert(new);
            }
            Own::Revoke(which) => {
                if !self.active().contains(&which) || self.active().len() == 1 {
                    return Err("not a device, or the last one");
                }
                next.devices[which].revoked = Some(next.head);
                next.rotation_due = true;
            }
            Own::Rotate {
                left_out,
                slipped_in,
            } => {
                if left_out.is_some() || slipped_in.is_some() {
                    return Err("wrapped to others than the devices");
                }
                next.generations.push(Generation {
                    since: next.head,
                    wrapped_to: self.active(),
                });
                next.rotation_due = false;
            }
        }
        Ok(next)
    }
}
