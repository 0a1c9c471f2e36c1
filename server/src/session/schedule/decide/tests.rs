//! Any workload: the rules hold at every moment, everything comes to an end, and nobody waits for ever.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

/// A task of a made-up workload. Times are in minutes.
#[derive(Clone, Debug)]
struct Job {
    arrives: u64,
    lasts: u64,
    priority: i32,
    elsewhere: bool,
    needs: Needs,
}

fn class(name: &str) -> Class {
    Class { name: name.into(), wait: WaitKind::Lock }
}

fn jobs(most: usize) -> impl Strategy<Value = Vec<Job>> {
    let classes = proptest::sample::subsequence(vec!["a", "b", "c"], 0..=2);
    let job = (0..60_u64, 1..10_u64, -3..4_i32, proptest::bool::weighted(0.2), any::<bool>(), classes).prop_map(
        |(arrives, lasts, priority, elsewhere, slot, classes)| {
            let classes = classes.into_iter().map(class).collect();
            // What other windows hold of classes is the store's affair.
            let needs = if elsewhere { Needs { slot, classes: Vec::new() } } else { Needs { slot, classes } };
            Job { arrives, lasts, priority, elsewhere, needs }
        },
    );
    proptest::collection::vec(job, 1..most)
}

/// A day of a window: what waits, what runs, minute by minute.
struct Day<'a> {
    jobs: &'a [Job],
    ids: Vec<TaskId>,
    slots: usize,
    now: u64,
    /// When each began.
    began: BTreeMap<usize, u64>,
    ended: BTreeSet<usize>,
}

impl<'a> Day<'a> {
    fn new(jobs: &'a [Job], slots: usize) -> Self {
        let ids = (0..jobs.len()).map(|at| TaskId(format!("t{at}"))).collect();
        Self { jobs, ids, slots, now: 0, began: BTreeMap::new(), ended: BTreeSet::new() }
    }

    fn running(&self) -> Vec<usize> {
        self.began.keys().copied().filter(|at| !self.ended.contains(at)).collect()
    }

    fn waiting(&self) -> Vec<usize> {
        let here = |at: &usize| self.jobs[*at].arrives <= self.now && !self.began.contains_key(at);
        (0..self.jobs.len()).filter(here).collect()
    }

    /// One minute: ends, arrivals, decisions.
    fn minute(&mut self) {
        let over = |at: &usize| self.began[at] + self.jobs[*at].lasts <= self.now;
        let over: Vec<usize> = self.running().into_iter().filter(over).collect();
        self.ended.extend(over);
        // Other windows ask nobody here.
        let elsewhere: Vec<usize> = self.waiting().into_iter().filter(|at| self.jobs[*at].elsewhere).collect();
        self.began.extend(elsewhere.into_iter().map(|at| (at, self.now)));
        let (waiting, running) = (self.waiting(), self.running());
        let holders: Vec<Holder<'_>> = running
            .iter()
            .map(|&at| {
                let Job { elsewhere, needs, .. } = &self.jobs[at];
                Holder { task: &self.ids[at], elsewhere: *elsewhere, slot: needs.slot, classes: &needs.classes }
            })
            .collect();
        let candidates: Vec<Candidate<'_>> = waiting
            .iter()
            .map(|&at| {
                let Job { arrives, priority, needs, .. } = &self.jobs[at];
                let rank = Rank::new(*priority, Timestamp(arrives * 60_000), at);
                Candidate { task: &self.ids[at], rank, needs, named: None }
            })
            .collect();
        let verdicts = decide(&candidates, &holders, self.slots);
        assert_eq!(verdicts.len(), waiting.len(), "everyone gets a verdict");
        let mut starts = Vec::new();
        for (at, verdict) in verdicts {
            match verdict {
                Verdict::Start => starts.push(waiting[at]),
                Verdict::Wait { holder, .. } => {
                    let holder = holder.expect("who waits knows for whom");
                    assert_ne!(holder, candidates[at].task, "nobody waits for itself");
                    let known = running.iter().chain(&waiting).any(|other| self.ids[*other] == *holder);
                    assert!(known, "{holder} is there");
                }
            }
        }
        self.began.extend(starts.into_iter().map(|at| (at, self.now)));
        self.check();
        self.now += 1;
    }

    fn check(&self) {
        let running = self.running();
        let in_slots = |elsewhere| {
            let here = |at: &&usize| self.jobs[**at].needs.slot && self.jobs[**at].elsewhere == elsewhere;
            running.iter().filter(here).count()
        };
        let most = self.slots.saturating_sub(in_slots(true)).max(1);
        // Other windows may have begun since: what runs here is not stopped for them.
        assert!(in_slots(false) <= most.max(self.slots), "{} of {most} slots", in_slots(false));
        let mut held = BTreeSet::new();
        for at in &running {
            for class in &self.jobs[*at].needs.classes {
                assert!(held.insert(&class.name), "two hold {}", class.name);
            }
        }
        // Nothing is idle for nothing: who is first in line waits for one that runs.
        if running.iter().all(|at| self.jobs[*at].elsewhere) {
            assert!(self.waiting().is_empty(), "nothing runs, and somebody waits");
        }
    }
}

proptest! {
    #[test]
    fn every_finite_workload_ends(jobs in jobs(60), slots in 1..5_usize) {
        let mut day = Day::new(&jobs, slots);
        // One after another they need the sum of all.
        let limit = 60 + jobs.iter().map(|job| job.lasts + 1).sum::<u64>();
        while day.ended.len() < jobs.len() {
            prop_assert!(day.now <= limit, "{:?} still wait", day.waiting());
            day.minute();
        }
    }

    #[test]
    fn nobody_waits_for_ever_under_a_stream_of_higher_ones(
        first in jobs(4), stream in jobs(30), slots in 1..3_usize, ahead in 1..1_000_000_i32,
    ) {
        // The stream is without an end for those who were there first: it is longer than the longest possible wait.
        let patience = 2 * u64::try_from(MOST_POINTS).unwrap() + 60;
        let mut jobs = first.clone();
        let copies = 0..=(patience * 3 / 60);
        jobs.extend(copies.flat_map(|hour| {
            let later = stream.iter().filter(|job| !job.elsewhere);
            later.map(move |job| Job { arrives: job.arrives + hour * 60, priority: ahead, ..job.clone() })
        }));
        let mut day = Day::new(&jobs, slots);
        let behind: u64 = jobs.iter().filter(|job| job.arrives <= patience).map(|job| job.lasts).sum();
        while !(0..first.len()).all(|at| day.ended.contains(&at)) {
            prop_assert!(day.now <= patience + behind + 60, "{:?} still wait", day.waiting());
            day.minute();
        }
    }
}

fn id(name: &str) -> TaskId {
    name.into()
}

#[test]
fn priority_comes_first_and_wears_off_against_age() {
    let rank = |priority, minutes: u64| Rank::new(priority, Timestamp(minutes * 60_000), 0);
    assert!(rank(1, 10) < rank(0, 10));
    assert!(rank(5, 10) < rank(0, 6));
    assert!(rank(0, 4) < rank(5, 10));
    assert!(rank(0, 1) < rank(0, 2));
    assert_eq!(rank(i32::MAX, 10), rank(MOST_POINTS, 10));
}

#[test]
fn who_waits_names_a_holder_and_stays_with_it() {
    let ids: Vec<TaskId> = ["a", "b", "c", "d", "e"].map(id).into();
    let needs = Needs { slot: true, classes: Vec::new() };
    let holder = |at: usize| Holder { task: &ids[at], elsewhere: false, slot: true, classes: &[] };
    let candidate =
        |at: usize, named| Candidate { task: &ids[at], rank: Rank::new(0, Timestamp(0), at), needs: &needs, named };
    let wait = |at: usize| Verdict::Wait { kind: WaitKind::Slot, holder: Some(&ids[at]) };
    let waiting = [candidate(2, None), candidate(3, None), candidate(4, Some("a"))];
    let verdicts = decide(&waiting, &[holder(0), holder(1)], 2);
    assert_eq!(verdicts, [(0, wait(0)), (1, wait(1)), (2, wait(0))]);
}

#[test]
fn another_window_leaves_one_slot() {
    let ids: Vec<TaskId> = ["a", "b", "c", "d"].map(id).into();
    let needs = Needs { slot: true, classes: Vec::new() };
    let holders: Vec<Holder<'_>> =
        ids[..2].iter().map(|task| Holder { task, elsewhere: true, slot: true, classes: &[] }).collect();
    let candidate =
        |at: usize| Candidate { task: &ids[at], rank: Rank::new(0, Timestamp(0), at), needs: &needs, named: None };
    let verdicts = decide(&[candidate(2), candidate(3)], &holders, 2);
    assert_eq!(verdicts[0], (0, Verdict::Start));
    assert!(matches!(verdicts[1], (1, Verdict::Wait { .. })));
}

#[test]
fn nobody_gets_in_between() {
    let ids: Vec<TaskId> = ["running", "first", "second"].map(id).into();
    let both = Needs { slot: true, classes: vec![class("install")] };
    let light = Needs { slot: false, classes: vec![class("install")] };
    let holders = [Holder { task: &ids[0], elsewhere: false, slot: true, classes: &[] }];
    let candidate =
        |at: usize, needs| Candidate { task: &ids[at], rank: Rank::new(0, Timestamp(0), at), needs, named: None };
    let waiting = [candidate(1, &both), candidate(2, &light)];
    let verdicts = decide(&waiting, &holders, 1);
    assert_eq!(verdicts[0].1, Verdict::Wait { kind: WaitKind::Slot, holder: Some(&ids[0]) });
    assert_eq!(verdicts[1].1, Verdict::Wait { kind: WaitKind::Lock, holder: Some(&ids[1]) });
}
