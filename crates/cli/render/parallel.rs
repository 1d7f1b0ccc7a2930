//! Text of many things, written by all processors.
//!
//! Guarantees: the parts come in the order of the things, so that the text is
//! the same whatever the number of processors.

use std::panic::resume_unwind;

/// Fewer things are written at once by the caller: a thread costs more.
const LEAST: usize = 64;

/// Writes parts of a slice, each in a thread of its own.
pub(super) fn by_parts<T: Sync, R: Send>(things: &[T], write: impl Fn(&[T]) -> R + Sync) -> Vec<R> {
    let writers = std::thread::available_parallelism().map_or(1, usize::from);
    if writers == 1 || things.len() < LEAST {
        return vec![write(things)];
    }
    let mut parts = things.chunks(things.len().div_ceil(writers));
    let write = &write;
    std::thread::scope(|scope| {
        // The caller writes the first one.
        let own = parts.next();
        let others: Vec<_> = parts.map(|part| scope.spawn(move || write(part))).collect();
        let own = own.map(write);
        let others = others.into_iter().map(|part| part.join().unwrap_or_else(|why| resume_unwind(why)));
        own.into_iter().chain(others).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_keep_their_order() {
        for number in [0, 1, LEAST - 1, LEAST, LEAST + 1, 1000] {
            let things: Vec<usize> = (0..number).collect();
            assert_eq!(by_parts(&things, <[usize]>::to_vec).concat(), things);
        }
    }
}
