//! The rows of a plan while a run goes on: read beside it, a few ahead, so that memory does not grow with them.

use std::ops::ControlFlow;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::{io, thread};

use super::plan_document::{PlanError, PlanRow, read_while};
use crate::model::row::RowNumber;

/// So many rows are read ahead.
const AHEAD: usize = 256;

/// Rows of a plan in the order of their numbers.
#[derive(Debug)]
pub struct PlanStream {
    rows: Receiver<Result<PlanRow, PlanError>>,
    /// Read, and not asked for yet.
    next: Option<PlanRow>,
}

impl PlanStream {
    /// Begins to read the plan that has this hash.
    ///
    /// # Errors
    /// When the machine gives no thread.
    pub fn open(path: &Path, hash: &str) -> io::Result<Self> {
        let (sender, rows) = sync_channel(AHEAD);
        let (path, hash) = (path.to_owned(), hash.to_owned());
        // It ends with the file, or as soon as nobody listens.
        thread::Builder::new().name("plan".to_owned()).spawn(move || send_all(&path, hash, &sender))?;
        Ok(Self { rows, next: None })
    }

    /// The row of this number; `None` where there is none. Numbers are asked for in ascending order.
    ///
    /// # Errors
    /// When the plan cannot be read, or is another by now.
    pub fn row(&mut self, number: RowNumber) -> Result<Option<PlanRow>, PlanError> {
        loop {
            match self.next.take() {
                Some(row) if row.row == number.0 => return Ok(Some(row)),
                Some(row) if row.row > number.0 => {
                    self.next = Some(row);
                    return Ok(None);
                }
                Some(_) | None => {}
            }
            let Ok(row) = self.rows.recv() else { return Ok(None) };
            self.next = Some(row?);
        }
    }
}

fn send_all(path: &Path, hash: String, sender: &SyncSender<Result<PlanRow, PlanError>>) {
    let send = |row| sender.send(Ok(row)).map_or(ControlFlow::Break(()), ControlFlow::Continue);
    let fault = match read_while(path, send) {
        Ok((_, now)) if now == hash => return,
        Ok((_, now)) => PlanError::Changed { then: hash, now },
        Err(error) => error,
    };
    // Nobody hears it where nobody wanted the rows.
    let _ = sender.send(Err(fault));
}
