//! The vectors of a collection, one behind the other in memory: a search reads them as one stream,
//! as fast as memory gives them.

use std::sync::Arc;

use super::vector::norm;

/// Vectors of one dimension, each with an id and its length. A row's number changes when one before
/// it is removed, so nothing that a search gives may depend on it.
#[derive(Debug, Default)]
pub struct Table {
    ids: Vec<Arc<str>>,
    /// See [`norm`].
    norms: Vec<f64>,
    /// The allocator aligns it to what a vector register of the baseline holds, 16 bytes.
    vectors: Vec<f32>,
}

impl Table {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// True without rows.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Components of every vector; `None` without rows.
    pub fn dimension(&self) -> Option<usize> {
        self.vectors.len().checked_div(self.len())
    }

    /// The id of a row.
    pub fn id(&self, row: usize) -> &str {
        &self.ids[row]
    }

    /// The vector of a row.
    pub fn vector(&self, row: usize) -> &[f32] {
        let dimension = self.dimension().unwrap_or(0);
        &self.vectors[row * dimension..][..dimension]
    }

    /// The length of a row's vector.
    pub fn norm(&self, row: usize) -> f64 {
        self.norms[row]
    }

    /// Rows from `from` on, at most so many: their numbers, vectors and lengths.
    pub(super) fn rows(
        &self,
        from: usize,
        most: usize,
    ) -> impl Iterator<Item = (usize, &[f32], f64)> {
        let to = self.len().min(from.saturating_add(most));
        let dimension = self.dimension().unwrap_or(1);
        let vectors = self.vectors[from * dimension..to * dimension].chunks_exact(dimension);
        let norms = &self.norms[from..to];
        (from..to).zip(vectors).zip(norms).map(|((row, vector), norm)| (row, vector, *norm))
    }

    /// Appends a row, of the dimension of those that are there.
    pub fn push(&mut self, id: Arc<str>, vector: &[f32]) {
        debug_assert!(self.dimension().is_none_or(|dimension| dimension == vector.len()));
        self.ids.push(id);
        self.norms.push(norm(vector));
        self.vectors.extend_from_slice(vector);
    }

    /// Replaces the vector of a row; the only row may change the dimension. Hands back the old one.
    pub fn replace(&mut self, row: usize, vector: &[f32]) -> Vec<f32> {
        let dimension = self.dimension().unwrap_or(0);
        debug_assert!(self.len() == 1 || dimension == vector.len());
        self.norms[row] = norm(vector);
        let place = row * dimension..(row + 1) * dimension;
        self.vectors.splice(place, vector.iter().copied()).collect()
    }

    /// Removes a row and hands back its vector. The last row takes its number.
    pub fn swap_remove(&mut self, row: usize) -> Vec<f32> {
        let vector = self.vector(row).to_vec();
        let last = self.vectors.len() - vector.len();
        self.vectors.copy_within(last.., row * vector.len());
        self.vectors.truncate(last);
        self.norms.swap_remove(row);
        self.ids.swap_remove(row);
        vector
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_stay_whole_when_others_go() {
        let mut table = Table::default();
        for (id, vector) in [("a", [1.0, 0.0]), ("b", [0.0, 2.0]), ("c", [3.0, 4.0])] {
            table.push(id.into(), &vector);
        }
        assert_eq!(table.swap_remove(0), [1.0, 0.0]);
        assert_eq!((table.id(0), table.vector(0), table.norm(0)), ("c", &[3.0, 4.0][..], 5.0));
        assert_eq!(table.replace(1, &[6.0, 8.0]), [0.0, 2.0]);
        let rows: Vec<_> = table.rows(1, 9).collect();
        assert_eq!(rows, [(1, &[6.0, 8.0][..], 10.0)]);
        assert_eq!(table.swap_remove(1), [6.0, 8.0]);
        assert_eq!(table.replace(0, &[1.0]), [3.0, 4.0]);
        assert_eq!((table.len(), table.dimension()), (1, Some(1)));
        table.swap_remove(0);
        assert_eq!((table.rows(0, 5).count(), table.dimension()), (0, None));
    }
}
