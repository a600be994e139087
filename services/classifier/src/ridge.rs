//! Kernel ridge regression in closed form, with what each row would have scored had it been left out.

/// A square matrix of similarities, row by row.
#[derive(Clone, Debug)]
pub struct Matrix {
    size: usize,
    cells: Vec<f64>,
}

/// What the rows say about the classes.
#[derive(Clone, Debug)]
pub struct Solution {
    /// The coefficients, one row of classes for each row of the kernel.
    pub coefficients: Vec<f64>,
    /// The scores of each row by all the others, laid out alike.
    pub left_out: Vec<f64>,
}

impl Matrix {
    /// A symmetric matrix from a function of row and column, asked only where the column is at most the row.
    pub fn symmetric(size: usize, mut cell: impl FnMut(usize, usize) -> f64) -> Self {
        let mut cells = vec![0.0; size * size];
        for row in 0..size {
            for column in 0..=row {
                let value = cell(row, column);
                cells[row * size + column] = value;
                cells[column * size + row] = value;
            }
        }
        Self { size, cells }
    }

    fn row(&self, row: usize) -> &[f64] {
        &self.cells[row * self.size..][..self.size]
    }

    /// The lower triangle whose product with its transpose this matrix is; it must be positive definite, as a kernel
    /// with a ridge is.
    fn cholesky(mut self) -> Self {
        let size = self.size;
        for row in 0..size {
            let (above, current) = self.cells.split_at_mut(row * size);
            let current = &mut current[..size];
            for column in 0..row {
                let other = &above[column * size..][..=column];
                let sum = dot(&current[..column], &other[..column]);
                current[column] = (current[column] - sum) / other[column];
            }
            let sum = dot(&current[..row], &current[..row]);
            current[row] = (current[row] - sum).max(f64::MIN_POSITIVE).sqrt();
            current[row + 1..].fill(0.0);
        }
        self
    }

    /// The inverse of a lower triangle.
    fn inverted_lower(self) -> Self {
        let size = self.size;
        let mut inverse = vec![0.0; size * size];
        for row in 0..size {
            let (above, current) = inverse.split_at_mut(row * size);
            let current = &mut current[..size];
            let lower = self.row(row);
            for (column, factor) in lower[..row].iter().enumerate() {
                let other = &above[column * size..][..=column];
                current.iter_mut().zip(other).for_each(|(x, y)| *x -= factor * y);
            }
            current[row] = 1.0;
            current[..=row].iter_mut().for_each(|x| *x /= lower[row]);
        }
        Self { size, cells: inverse }
    }
}

/// Solves `(kernel + ridge) coefficients = targets`, where the target of a row is one for its class and zero for all
/// others, or zero throughout for a row without a class.
#[must_use]
pub fn solve(
    mut kernel: Matrix,
    ridge: f64,
    targets: &[Option<usize>],
    classes: usize,
) -> Solution {
    let size = kernel.size;
    for row in 0..size {
        kernel.cells[row * size + row] += ridge;
    }
    let inverse = kernel.cholesky().inverted_lower();
    let mut coefficients = vec![0.0; size * classes];
    let mut diagonal = vec![0.0; size];
    let mut projected = vec![0.0; classes];
    for row in 0..size {
        let lower = &inverse.row(row)[..=row];
        projected.fill(0.0);
        for (x, target) in lower.iter().zip(targets) {
            if let Some(class) = target {
                projected[*class] += x;
            }
        }
        for (column, x) in lower.iter().enumerate() {
            diagonal[column] += x * x;
            let sums = &mut coefficients[column * classes..][..classes];
            sums.iter_mut().zip(&projected).for_each(|(sum, y)| *sum += x * y);
        }
    }
    let mut left_out = vec![0.0; size * classes];
    for row in 0..size {
        for class in 0..classes {
            let target = f64::from(targets[row] == Some(class));
            left_out[row * classes + class] =
                target - coefficients[row * classes + class] / diagonal[row];
        }
    }
    Solution { coefficients, left_out }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    let (a, a_rest) = a.as_chunks::<8>();
    let (b, b_rest) = b.as_chunks::<8>();
    let mut lanes = [0.0_f64; 8];
    for (a, b) in a.iter().zip(b) {
        for (lane, (x, y)) in lanes.iter_mut().zip(a.iter().zip(b)) {
            *lane += x * y;
        }
    }
    lanes.iter().sum::<f64>() + a_rest.iter().zip(b_rest).map(|(x, y)| x * y).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RIDGE: f64 = 0.1;

    fn kernel(points: &[f64]) -> Matrix {
        Matrix::symmetric(points.len(), |a, b| (-(points[a] - points[b]).powi(2)).exp())
    }

    #[test]
    fn the_coefficients_solve_the_system() {
        let points: Vec<f64> =
            (0..23).map(|n| f64::from(n * n % 17) / 3.0 + f64::from(n) / 50.0).collect();
        let targets: Vec<Option<usize>> = (0..23).map(|n| (n % 4 != 3).then_some(n % 4)).collect();
        let matrix = kernel(&points);
        let solution = solve(matrix.clone(), RIDGE, &targets, 3);
        for (row, target) in targets.iter().enumerate() {
            for class in 0..3 {
                let product: f64 = (0..points.len())
                    .map(|k| {
                        (matrix.row(row)[k] + f64::from(k == row) * RIDGE)
                            * solution.coefficients[k * 3 + class]
                    })
                    .sum();
                let expected = f64::from(*target == Some(class));
                assert!((product - expected).abs() < 1e-9, "{row} {class}: {product}");
            }
        }
    }

    #[test]
    fn leaving_a_row_out_equals_solving_without_it() {
        let points = [0.0, 0.4, 1.1, 1.2, 2.5, 3.0];
        let targets = [Some(0), Some(0), Some(1), None, Some(1), Some(0)];
        let whole = solve(kernel(&points), RIDGE, &targets, 2);
        for out in 0..points.len() {
            let rest: Vec<usize> = (0..points.len()).filter(|n| *n != out).collect();
            let few: Vec<f64> = rest.iter().map(|n| points[*n]).collect();
            let few_targets: Vec<_> = rest.iter().map(|n| targets[*n]).collect();
            let part = solve(kernel(&few), RIDGE, &few_targets, 2);
            for class in 0..2 {
                let score: f64 = few
                    .iter()
                    .enumerate()
                    .map(|(k, x)| {
                        (-(points[out] - x).powi(2)).exp() * part.coefficients[k * 2 + class]
                    })
                    .sum();
                assert!((score - whole.left_out[out * 2 + class]).abs() < 1e-9, "row {out}");
            }
        }
    }

    #[test]
    fn equal_rows_of_two_classes_share_the_score() {
        let solution = solve(kernel(&[1.0, 1.0]), RIDGE, &[Some(0), Some(1)], 2);
        let score = |class: usize| solution.coefficients[class] + solution.coefficients[2 + class];
        assert!((score(0) - score(1)).abs() < 1e-12);
    }
}
