//! The whole view: built from the log beside the one that is served, compared with it, and put in its place.

use std::ops::ControlFlow;
use std::time::Duration;

use assent_contract::rebuild::RebuildOutcome;
use assent_contract::words::{RebuildRefusal, RebuildStage};
use assent_domain::ids::Sequence;
use assent_permission_store::{
    Candidate, Comparison, NotAdopted, NotCompared, ReadError, RowsCheck, View,
};
use tokio::task::block_in_place;
use tokio::time::{Instant, sleep, timeout};

use super::ended::{Ended, Refusal};
use super::log_reader::LogReader;
use super::rebuilder::Rebuilder;
use super::rebuilds::Progress;
use super::report;
use super::turn::Held;
use crate::entries::as_entry;
use crate::served_view::show_counts;
use crate::unblock::{Refolding, Unblock};

/// Nobody waits for a batch of what is built.
const LOAD_BATCH: usize = 8192;
/// Of what is built already, readers of the disk's other users wait.
const APPLY_BATCH: usize = 1024;
/// How long applying events to the view that is served may be held up at once.
const HELD_UP: Duration = Duration::from_millis(500);
/// Between two attempts at what others are in the way of: a digest, a void message that was not heard of yet.
const PAUSE: Duration = Duration::from_millis(50);
/// How long others may be in the way.
const PATIENCE: Duration = Duration::from_mins(2);
/// What has to stay free on the disk, for the view that is served: what the database holds back, and then some.
const RESERVE: u64 = 32 * 1024 * 1024;

/// A view that is built, and where its log is read.
struct Building {
    candidate: Candidate,
    reader: LogReader,
    progress: Progress,
}

impl Rebuilder {
    pub(super) async fn rebuild_whole_view(&self, dry_run: bool) -> Result<RebuildOutcome, Ended> {
        let mut building = self.build().await?;
        let comparison = self.compare(&mut building).await?;
        if comparison.same_events {
            self.compare_with_fold(&building.candidate, &comparison)
                .await?;
        }
        let found = report::comparison(&comparison);
        if !comparison.same_events {
            // What such a log permits more is nobody's decision yet; nor is what it permits less.
            return Err(Ended::Refused(Refusal {
                reason: RebuildRefusal::LogLostEvents,
                detail: NotAdopted::OtherEvents(comparison.sequence).to_string(),
                comparison: Some(found),
            }));
        }
        if dry_run {
            block_in_place(|| drop(building));
            return Ok(RebuildOutcome::Compared { comparison: found });
        }
        let sequence = self.swap(&mut building).await?;
        // Closing and removing what was served takes a moment.
        block_in_place(|| drop(building));
        Ok(RebuildOutcome::Swapped {
            sequence: sequence.0,
            comparison: found,
        })
    }

    /// Folds the log, until little is left that the view that is served reflects.
    async fn build(&self) -> Result<Building, Ended> {
        let view = &self.ground.view;
        self.room_for(view.bytes_on_disk())?;
        let mut progress = Progress {
            stage: RebuildStage::Folding,
            events_folded: 0,
            events_total: view.cursor().sequence.0,
            rows_compared: 0,
        };
        self.rebuilds.show(progress);
        let mut load = block_in_place(|| view.build_beside())?;
        let mut reader = LogReader::from_the_beginning(&self.ground.log);
        loop {
            let through = view.cursor().sequence;
            if through <= load.sequence() {
                break;
            }
            let entries = reader.next(through, LOAD_BATCH).await?;
            if !entries.is_empty() {
                block_in_place(|| {
                    let voids = &self.ground.voids;
                    let read: Vec<_> = entries.iter().map(|entry| as_entry(entry, voids)).collect();
                    load.add(&read)
                })?;
                self.room_for(0)?;
            }
            progress.events_folded = load.sequence().0;
            progress.events_total = through.0;
            self.rebuilds.show(progress);
        }
        let candidate = block_in_place(|| load.finish())?;
        self.room_for(0)?;
        // What was written is read back: the sum was kept while it was folded.
        let checked = block_in_place(|| candidate.view().verify(|| {}));
        match checked.map_err(|ReadError::Damaged(damage)| damage)? {
            RowsCheck::Sound => {}
            RowsCheck::Damaged => {
                let detail = "the rows that were written are not those that are read back";
                return Err(Ended::refused(RebuildRefusal::Broken, detail));
            }
        }
        Ok(Building {
            candidate,
            reader,
            progress,
        })
    }

    /// Compares both views as they are at one sequence, while the one that is served goes on.
    async fn compare(&self, building: &mut Building) -> Result<Comparison, Ended> {
        let until = Instant::now() + PATIENCE;
        loop {
            building.progress.stage = RebuildStage::Comparing;
            self.rebuilds.show(building.progress);
            let turn = self.level(building).await?;
            let mut progress = building.progress;
            let compared = block_in_place(|| {
                self.ground.view.compare_with(
                    &building.candidate,
                    move || drop(turn),
                    |rows| {
                        progress.rows_compared = rows;
                        self.rebuilds.show(progress);
                        if self.runtime.is_shutting_down() {
                            return ControlFlow::Break(());
                        }
                        ControlFlow::Continue(())
                    },
                )
            });
            match compared {
                Ok(comparison) => {
                    building.progress.rows_compared = comparison.rows;
                    self.rebuilds.show(building.progress);
                    return Ok(comparison);
                }
                Err(NotCompared::NotLevel(refused)) => self.wait_for_others(refused, until).await?,
                Err(NotCompared::Stopped) => {
                    return Err(Ended::ForNow("the program is stopping".to_owned()));
                }
                Err(NotCompared::Damaged(damage)) => return Err(damage.into()),
            }
        }
    }

    /// Of those that differ, the first are folded by themselves, from their own events: what was built has to be that.
    async fn compare_with_fold(
        &self,
        candidate: &Candidate,
        comparison: &Comparison,
    ) -> Result<(), Ended> {
        let (log, voids) = (&self.ground.log, &self.ground.voids);
        for difference in &comparison.first {
            let mut refolding = Refolding::new(difference.aggregate.clone());
            refolding.read(log, voids, comparison.sequence).await?;
            let built = candidate.view();
            let differs = built.difference_from(refolding.refold(), comparison.sequence)?;
            if let Some(differs) = differs {
                let detail = format!(
                    "what was built of {:?} is not what its own events add up to: the log gives other events by their \
                     place than by their subject",
                    differs.aggregate
                );
                let mut refusal = Refusal {
                    reason: RebuildRefusal::NotTheFold,
                    detail,
                    comparison: Some(report::comparison(comparison)),
                };
                if let Some(found) = &mut refusal.comparison {
                    found.first = vec![report::row_difference(&differs)];
                }
                return Err(Ended::Refused(refusal));
            }
        }
        Ok(())
    }

    /// Puts what was built in the place of what is served. At which sequence.
    async fn swap(&self, building: &mut Building) -> Result<Sequence, Ended> {
        let until = Instant::now() + PATIENCE;
        building.progress.stage = RebuildStage::Swapping;
        self.rebuilds.show(building.progress);
        loop {
            // Most of it now, so that nobody waits for it.
            block_in_place(|| building.candidate.view().flush())?;
            let turn = self.level(building).await?;
            let view = &self.ground.view;
            match block_in_place(|| view.adopt(&building.candidate)) {
                Ok(()) => {
                    let sequence = view.cursor().sequence;
                    drop(turn);
                    show_counts(view.counts());
                    self.ground.served.has_corrections();
                    return Ok(sequence);
                }
                Err(refused) => {
                    drop(turn);
                    self.wait_for_others(refused, until).await?;
                }
            }
        }
    }

    /// Whether trying again may help; a moment later, if so.
    async fn wait_for_others(&self, refused: NotAdopted, until: Instant) -> Result<(), Ended> {
        let helps = match &refused {
            NotAdopted::Elsewhere { .. } | NotAdopted::OtherVoids | NotAdopted::Busy => true,
            NotAdopted::OtherLog(_) | NotAdopted::OtherEvents(_) | NotAdopted::Damaged(_) => false,
        };
        if !helps || until <= Instant::now() {
            return Err(refused.into());
        }
        sleep(PAUSE).await;
        Ok(())
    }

    /// Brings what is built to where the view that is served is, which stands still for as long as the turn is held.
    async fn level(&self, building: &mut Building) -> Result<Held, Ended> {
        loop {
            self.pass_over_voids(building).await?;
            self.bring_forward(building).await?;
            let turn = self.turn.take().await;
            // Little is left, and nobody applies more.
            if let Ok(level) = timeout(HELD_UP, self.bring_forward(building)).await {
                level?;
                return Ok(turn);
            }
        }
    }

    async fn bring_forward(&self, building: &mut Building) -> Result<(), Ended> {
        loop {
            let through = self.ground.view.cursor().sequence;
            let built = building.candidate.view();
            if through <= built.cursor().sequence {
                return Ok(());
            }
            let entries = building.reader.next(through, APPLY_BATCH).await?;
            if !entries.is_empty() {
                block_in_place(|| {
                    let voids = &self.ground.voids;
                    let read: Vec<_> = entries.iter().map(|entry| as_entry(entry, voids)).collect();
                    built.apply(&read)
                })?;
                self.room_for(0)?;
            }
            building.progress.events_folded = built.cursor().sequence.0;
            building.progress.events_total = through.0;
            self.rebuilds.show(building.progress);
        }
    }

    /// What was declared void since it was folded is passed over as in the view that is served.
    async fn pass_over_voids(&self, building: &Building) -> Result<(), Ended> {
        let built: &View = building.candidate.view();
        let mut unblock = Unblock::new(&self.ground.log, &self.ground.voids);
        unblock.look(built).await?;
        while !unblock.is_idle() {
            let read = unblock.read().await?;
            unblock.replace(built, read).await?;
        }
        Ok(())
    }

    /// Whether that much, and what the view that is served needs, is free on the disk.
    fn room_for(&self, bytes: u64) -> Result<(), Ended> {
        let wanted = bytes.saturating_add(RESERVE);
        match self.ground.view.bytes_free() {
            Some(free) if free < wanted => {
                let detail = format!(
                    "{} MB are free on the disk of the view, and {} MB are needed: what is served must not run out of space",
                    free / 1_000_000,
                    wanted.div_ceil(1_000_000),
                );
                Err(Ended::refused(RebuildRefusal::NoSpace, detail))
            }
            Some(_) | None => Ok(()),
        }
    }
}
