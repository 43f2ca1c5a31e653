//! How likely things are in one walk. Each walk has odds of its own: what never happens leaves room for what happens often.

use fastrand::Rng;

/// What callers can ask for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Asked {
    Upload,
    Ticket,
    Avatar,
    Removal,
}

const ASKED: [Asked; 4] = [Asked::Upload, Asked::Ticket, Asked::Avatar, Asked::Removal];

pub(crate) struct Odds {
    /// A beginning is walked more often than what follows from it.
    pub(crate) steps: usize,
    pub(crate) begin: u32,
    /// That the one goes on that went last: a race is lost where one makes several steps between two of another.
    pub(crate) momentum: u32,
    pub(crate) crash: u32,
    pub(crate) quarter: u32,
    pub(crate) fortnight: u32,
    pub(crate) end_of_row: u32,
    pub(crate) stream: u32,
    pub(crate) post: u32,
    pub(crate) upload_ids: usize,
    pub(crate) most_images: usize,
    pub(crate) most_actors: usize,
    /// Nothing crashes, and all that is sent arrives, once and in time.
    pub(crate) is_smooth: bool,
    /// Else of so many calls to AWS, one does not pass well.
    one_fault_in: u32,
    asked: [u32; ASKED.len()],
}

impl Odds {
    pub(crate) fn draw(random: &mut Rng, most_upload_ids: usize) -> Self {
        let mut asked = ASKED.map(|_| random.u32(0..8).saturating_sub(4));
        // A removal alone finds nothing.
        asked[random.usize(0..3)] += 1;
        let is_smooth = random.u32(0..5) == 0;
        Self {
            steps: 15 << random.u32(0..5),
            begin: random.u32(2..20),
            momentum: random.u32(8..64),
            crash: if is_smooth { 0 } else { random.u32(0..8) },
            quarter: random.u32(0..6),
            fortnight: random.u32(0..6),
            end_of_row: random.u32(2..20),
            stream: random.u32(1..10),
            post: random.u32(2..20),
            upload_ids: random.usize(1..=most_upload_ids),
            most_images: random.usize(1..4),
            most_actors: random.usize(2..5),
            is_smooth,
            one_fault_in: random.u32(3..30),
            asked,
        }
    }

    pub(crate) fn is_fault(&self, random: &mut Rng) -> bool {
        !self.is_smooth && random.u32(0..self.one_fault_in) == 0
    }

    pub(crate) fn what_is_asked(&self, random: &mut Rng) -> Asked {
        one_of(random, ASKED.into_iter().enumerate().map(|(nth, asked)| (self.asked[nth], asked)))
    }
}

/// One of these, by their weights.
pub(crate) fn one_of<T>(random: &mut Rng, weighted: impl Iterator<Item = (u32, T)>) -> T {
    let weighted: Vec<_> = weighted.collect();
    let mut drawn = random.u32(0..weighted.iter().map(|(weight, _)| weight).sum());
    let is_drawn = |(weight, _): &(u32, T)| {
        let is_hit = drawn < *weight;
        drawn = drawn.wrapping_sub(*weight);
        is_hit
    };
    weighted.into_iter().find(is_drawn).expect("weights that are not all 0").1
}
