//! From a directory to a view that can be trusted, or to an empty one and the reason for it.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use crate::bulk::BulkLoad;
use crate::cursor::{FOLD_VERSION, Head, SCHEMA_VERSION, Source};
use crate::directory::Generation;
use crate::home::{Home, OpenError, RebuildReason};
use crate::view::View;

/// What was found.
#[derive(Debug)]
pub enum Opened {
    /// A view of this log: go on after its cursor.
    Resumed(Box<View>),
    /// Nothing that can be used: load the whole log.
    Fresh {
        /// What to load it into.
        load: Box<BulkLoad>,
        /// What was wrong.
        why: RebuildReason,
    },
}

impl View {
    /// Opens the view of a log. One process at a time may have it.
    ///
    /// A view of another log or of another version stays where it is until a new one is
    /// complete, so that whoever goes back to the older program finds it; it is not served.
    pub fn open(path: &Path, source: &Source, cache_capacity: u64) -> Result<Opened, OpenError> {
        find(Arc::new(Home::lock(path, cache_capacity)?), source)
    }

    /// Begins a new view beside this one, which the caller found not to agree with the log.
    /// This one is removed when the new one is complete.
    pub fn start_over(&self, source: &Source) -> Result<BulkLoad, OpenError> {
        let home = Arc::clone(self.home());
        let replaces = home.generations()?;
        begin(home, source, replaces)
    }
}

/// Goes through the generations of a directory, newest first, until one can be used.
fn find(home: Arc<Home>, source: &Source) -> Result<Opened, OpenError> {
    let mut why = RebuildReason::Missing;
    let mut kept = Vec::new();
    let mut generations = home.generations()?.into_iter();
    while let Some(generation) = generations.next() {
        let found = match home.try_open(&generation)? {
            Ok((table, head, voids)) => match usable(&head, source) {
                None => {
                    for other in kept.iter().chain(generations.as_slice()) {
                        Generation::remove(other);
                    }
                    let view = View::new(home, generation, table, head, voids);
                    return Ok(Opened::Resumed(Box::new(view)));
                }
                Some(why) => {
                    kept.push(generation);
                    why
                }
            },
            Err(RebuildReason::Incomplete) => {
                generation.remove();
                RebuildReason::Incomplete
            }
            Err(why) => {
                home.set_aside(&generation)?;
                why
            }
        };
        if why == RebuildReason::Missing {
            why = found;
        }
    }
    let load = Box::new(begin(home, source, kept)?);
    Ok(Opened::Fresh { load, why })
}

fn begin(
    home: Arc<Home>,
    source: &Source,
    replaces: Vec<Generation>,
) -> Result<BulkLoad, OpenError> {
    let (generation, table) = home.create()?;
    let head = Head::start(source.clone());
    let view = View::new(home, generation, table, head, BTreeSet::new());
    Ok(BulkLoad::new(view, replaces))
}

fn usable(head: &Head, source: &Source) -> Option<RebuildReason> {
    let cursor = &head.cursor;
    if cursor.schema != SCHEMA_VERSION {
        Some(RebuildReason::OtherSchema)
    } else if cursor.fold != FOLD_VERSION {
        Some(RebuildReason::OtherFold)
    } else if cursor.source != *source {
        Some(RebuildReason::OtherSource)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use sled::Batch;
    use tempfile::TempDir;

    use super::{Opened, View};
    use crate::cursor::{Cursor, Source};
    use crate::home::RebuildReason;

    const CACHE: u64 = 8 * 1024 * 1024;

    fn source() -> Source {
        Source {
            stream: "CONSENT_EVENTS".to_owned(),
            created: "then".to_owned(),
        }
    }

    /// A directory as another version of the program left it.
    fn left_by_another(change: fn(&mut Cursor)) -> TempDir {
        let directory = TempDir::new().unwrap();
        let Opened::Fresh { load, .. } = View::open(directory.path(), &source(), CACHE).unwrap()
        else {
            panic!("there is a view already");
        };
        let view = load.finish().unwrap();
        let mut head = view.read().head().clone();
        change(&mut head.cursor);
        view.read().write(Batch::default(), &head).unwrap();
        directory
    }

    fn generations(directory: &TempDir) -> usize {
        let entries = fs::read_dir(directory.path()).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with("generation-")).count()
    }

    #[test]
    fn a_view_of_other_rules_is_not_served_and_stays_until_there_is_another() {
        let of_later_rules: fn(&mut Cursor) = |cursor| cursor.fold += 1;
        let of_earlier_rules: fn(&mut Cursor) = |cursor| cursor.fold -= 1;
        let laid_out_otherwise: fn(&mut Cursor) = |cursor| cursor.schema += 1;
        for (change, expected) in [
            (of_later_rules, RebuildReason::OtherFold),
            (of_earlier_rules, RebuildReason::OtherFold),
            (laid_out_otherwise, RebuildReason::OtherSchema),
        ] {
            let directory = left_by_another(change);
            // Interrupted twice: whoever goes back to the other version finds its view.
            for reason in [expected, RebuildReason::Incomplete] {
                match View::open(directory.path(), &source(), CACHE).unwrap() {
                    Opened::Fresh { why, .. } => assert_eq!(why, reason),
                    Opened::Resumed(view) => panic!("{view:?} is served"),
                }
                assert_eq!(generations(&directory), 2);
            }
            let Opened::Fresh { load, .. } =
                View::open(directory.path(), &source(), CACHE).unwrap()
            else {
                panic!("it is served");
            };
            drop(load.finish().unwrap());
            assert_eq!(generations(&directory), 1);
            let found = View::open(directory.path(), &source(), CACHE).unwrap();
            assert!(matches!(found, Opened::Resumed(_)));
        }
    }
}
