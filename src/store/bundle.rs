//! Requests that are handed to the writer together. The writer begins with whatever is there: without this, the first requests of a turn of the lane
//! would be committed before the last ones are queued, and those would wait for a second commit.

use super::writer::Request;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Requests gathered; none any more once they were handed over.
pub(super) struct Bundle(Mutex<Option<Vec<Request>>>);

impl Bundle {
    pub fn new() -> Self {
        Self(Mutex::new(Some(Vec::new())))
    }

    /// Adds a request; gives it back when the bundle has gone: it is queued by itself then.
    pub fn add(&self, request: Request) -> Option<Request> {
        match self.lock().as_mut() {
            Some(gathered) => {
                gathered.push(request);
                None
            }
            None => Some(request),
        }
    }

    /// What goes to the writer; nothing is gathered afterwards.
    pub fn close(&self) -> Option<Request> {
        let gathered = self.lock().take()?;
        (!gathered.is_empty()).then_some(Request::Together(gathered))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Vec<Request>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
