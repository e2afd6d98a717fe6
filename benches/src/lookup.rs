//! `lookup_exact_1m`, `lookup_near_1m`: one plate, as it was declared or with a confusable letter in it, looked up among all declarations. Peer: a
//! prepared SELECT of the same row by its index, with everything but the query made before. All three go round in turns; medians are compared.

use crate::cached;
use crate::figure::{Aim, Fail, Figure, quantile};
use borderlane::runtime::knowledge::confusable_key;
use borderlane::store::Collection;
use borderlane::store::cache::{lookup, slot};
use borderlane::store::lane::schema;
use rusqlite::{Connection, Statement, params};
use std::path::Path;
use std::time::Instant;

const ROUNDS: usize = 60;
/// Look-ups of each kind in a round.
const ASKED: usize = 500;
/// Steps over the plates, so that neighbours are not asked for one after the other. A prime.
const STRIDE: usize = 7_919;
const SELECT: &str = "SELECT e.id, e.bytes FROM plate p JOIN entry e ON e.row = p.row WHERE p.collection = 0 AND p.slot = ?1 AND p.key = ?2 AND p.plate = ?3";

pub fn measure(dir: &Path, rows: usize) -> Result<Vec<Figure>, Fail> {
    let cache = schema::open_reader(&cached::with_rows(dir, rows)?.join("cache.db"))?;
    let slot = slot(&cache, Collection::Declarations)?.0;
    let mut select = cache.prepare(SELECT)?;
    let (mut exact, mut near, mut peer) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        let asked: Vec<String> = (0..ASKED).map(|nth| cached::plate((round * ASKED + nth) * STRIDE % rows)).collect();
        let confused: Vec<String> = asked.iter().map(|plate| confused(plate)).collect();
        // Whoever asks first pays for the pages: the round before the measured one asks for all of them.
        peer_round(&mut select, slot, &asked)?;
        peer.push(peer_round(&mut select, slot, &asked)?);
        exact.push(ours(&cache, &asked)?);
        near.push(ours(&cache, &confused)?);
    }
    let peer = quantile(&mut peer, 0.5);
    Ok(vec![
        Figure::new("lookup_exact_1m", (quantile(&mut exact, 0.5), "us"), peer, Aim::RatioAtMost(1.5)),
        Figure::new("lookup_near_1m", (quantile(&mut near, 0.5), "us"), peer, Aim::RatioAtMost(12.0)),
    ])
}

/// The plate as it may be misread: a zero as the letter; where there is none, a one.
fn confused(plate: &str) -> String {
    if plate.contains('0') { plate.replacen('0', "O", 1) } else { plate.replacen('1', "I", 1) }
}

/// Microseconds a SELECT.
fn peer_round(select: &mut Statement<'_>, slot: i64, asked: &[String]) -> Result<f64, Fail> {
    let keys: Vec<String> = asked.iter().map(|plate| confusable_key(plate)).collect();
    let begun = Instant::now();
    for (plate, key) in asked.iter().zip(&keys) {
        let (id, bytes): (String, Vec<u8>) = select.query_row(params![slot, key, plate], |row| Ok((row.get(0)?, row.get(1)?)))?;
        std::hint::black_box((id, bytes));
    }
    Ok(begun.elapsed().as_secs_f64() * 1e6 / asked.len() as f64)
}

/// Microseconds a look-up.
fn ours(cache: &Connection, asked: &[String]) -> Result<f64, Fail> {
    let begun = Instant::now();
    for plate in asked {
        let found = lookup::find(cache, Collection::Declarations, confusable_key, std::slice::from_ref(plate))?;
        if found.hits.is_empty() {
            return Err(format!("{plate} was not found").into());
        }
    }
    Ok(begun.elapsed().as_secs_f64() * 1e6 / asked.len() as f64)
}
