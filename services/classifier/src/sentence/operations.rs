//! What lies between two products of the network, in one pass each, with what is added to the product.
//!
//! candle hands such work to threads that wait for it. One sentence is too short for that: beside other work on the cores
//! a query took up to four times as long as alone.

use std::f32::consts::{FRAC_1_SQRT_2, PI};

use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Result, Shape, bail};
use serde::Deserialize;

/// Of rows of queries, keys and values: what each row hears of all others, by heads.
pub(super) struct Attention {
    pub(super) heads: usize,
    pub(super) bias: Vec<f32>,
}

impl CustomOp1 for Attention {
    fn name(&self) -> &'static str {
        "attention"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let all = rows(storage, layout, self.bias.len())?;
        let (triple, hidden) = (self.bias.len(), self.bias.len() / 3);
        if self.heads == 0 || hidden == 0 || triple % 3 != 0 || hidden % self.heads != 0 {
            bail!("{triple} numbers are not queries, keys and values of {} heads", self.heads);
        }
        let all = with(all, &self.bias);
        let (count, width) = (all.len() / triple, hidden / self.heads);
        let part = |row: usize, kind: usize, head: usize| {
            &all[row * triple + kind * hidden + head * width..][..width]
        };
        let scale = (width as f32).sqrt().recip();
        let mut heard = vec![0.0; count * hidden];
        let mut shares = vec![0.0; count];
        for (row, heard) in heard.chunks_exact_mut(hidden).enumerate() {
            for (head, heard) in heard.chunks_exact_mut(width).enumerate() {
                let query = part(row, 0, head);
                for (other, share) in shares.iter_mut().enumerate() {
                    let pairs = query.iter().zip(part(other, 1, head));
                    *share = pairs.map(|(x, y)| x * y).sum::<f32>() * scale;
                }
                soften(&mut shares);
                for (other, share) in shares.iter().enumerate() {
                    let value = part(other, 2, head);
                    heard.iter_mut().zip(value).for_each(|(sum, x)| *sum += share * x);
                }
            }
        }
        Ok((CpuStorage::F32(heard), Shape::from((count, hidden))))
    }
}

/// Turns scores into shares of one.
fn soften(scores: &mut [f32]) {
    let highest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    scores.iter_mut().for_each(|score| *score = (*score - highest).exp());
    let sum: f32 = scores.iter().sum();
    scores.iter_mut().for_each(|score| *score /= sum);
}

/// Which activation a network has.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Gelu,
    #[serde(alias = "gelu_new", alias = "gelu_pytorch_tanh")]
    GeluApproximate,
    Relu,
}

/// The activation of the network.
pub(super) struct Activation {
    pub(super) kind: Kind,
    pub(super) bias: Vec<f32>,
}

impl CustomOp1 for Activation {
    fn name(&self) -> &'static str {
        "activation"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let mut all = with(rows(storage, layout, self.bias.len())?, &self.bias);
        let each = all.iter_mut();
        match self.kind {
            // Times the share of a normal distribution below it.
            Kind::Gelu => each.for_each(|x| *x *= 0.5 + 0.5 * erf(*x * FRAC_1_SQRT_2)),
            Kind::GeluApproximate => each.for_each(|x| *x *= 0.5 + 0.5 * bend(*x).tanh()),
            Kind::Relu => each.for_each(|x| *x = x.max(0.0)),
        }
        Ok((CpuStorage::F32(all), layout.shape().clone()))
    }
}

fn bend(x: f32) -> f32 {
    (2.0 / PI).sqrt() * (x + 0.044_715 * x * x * x)
}

/// What a product brought, added to what was there before and brought to mean zero and variance one, row by row.
pub(super) struct Norm {
    pub(super) bias: Vec<f32>,
    pub(super) scale: Vec<f32>,
    pub(super) shift: Vec<f32>,
    pub(super) epsilon: f32,
}

impl CustomOp2 for Norm {
    fn name(&self) -> &'static str {
        "norm"
    }

    fn cpu_fwd(
        &self,
        brought: &CpuStorage,
        brought_layout: &Layout,
        before: &CpuStorage,
        before_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let width = self.bias.len();
        let brought = rows(brought, brought_layout, width)?;
        let before = rows(before, before_layout, width)?;
        let mut all = with(brought, &self.bias);
        all.iter_mut().zip(before).for_each(|(x, y)| *x += y);
        for row in all.chunks_exact_mut(width) {
            let mean = row.iter().sum::<f32>() / width as f32;
            row.iter_mut().for_each(|x| *x -= mean);
            let variance = row.iter().map(|x| x * x).sum::<f32>() / width as f32;
            let factor = (variance + self.epsilon).sqrt().recip();
            let parts = row.iter_mut().zip(&self.scale).zip(&self.shift);
            parts.for_each(|((x, scale), shift)| *x = *x * factor * scale + shift);
        }
        Ok((CpuStorage::F32(all), brought_layout.shape().clone()))
    }
}

/// Numbers with the bias of their columns.
fn with(rows: &[f32], bias: &[f32]) -> Vec<f32> {
    let mut all = rows.to_vec();
    for row in all.chunks_exact_mut(bias.len()) {
        row.iter_mut().zip(bias).for_each(|(x, y)| *x += y);
    }
    all
}

/// The numbers of a tensor with rows of this width.
fn rows<'a>(storage: &'a CpuStorage, layout: &Layout, width: usize) -> Result<&'a [f32]> {
    let is_fit = layout.shape().dims2()?.1 == width && 0 < width;
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(all), Some((start, end))) if is_fit => Ok(&all[start..end]),
        _ => bail!("these are no rows of {width} numbers"),
    }
}

/// The error function within 4e-7, by the fraction of polynomials that the library Eigen uses: without a branch, so
/// that several are computed at once.
fn erf(x: f32) -> f32 {
    const ABOVE: [f32; 7] = [
        -2.726_142e-10,
        2.770_681_4e-8,
        -2.101_024e-6,
        -5.692_506_4e-5,
        -7.349_906_3e-4,
        -2.954_6e-3,
        -1.609_603_3e-2,
    ];
    const BELOW: [f32; 5] =
        [-1.456_607_2e-5, -2.133_740_5e-4, -1.682_827e-3, -7.373_329e-3, -1.426_473_9e-2];
    let x = x.clamp(-4.0, 4.0);
    let square = x * x;
    let at = |polynomial: &[f32]| polynomial.iter().fold(0.0, |sum, next| sum * square + next);
    x * at(&ABOVE) / at(&BELOW)
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Tensor};

    use super::*;

    #[test]
    fn the_error_function_is_that_of_the_tables() {
        let cases = [
            (0.0, 0.0),
            (0.1, 0.112_462_916),
            (0.5, 0.520_499_9),
            (1.0, 0.842_700_8),
            (1.5, 0.966_105_15),
            (2.0, 0.995_322_3),
            (3.0, 0.999_977_9),
            (4.0, 1.0),
            (40.0, 1.0),
        ];
        for (x, expected) in cases {
            assert!((erf(x) - expected).abs() < 4e-7, "erf({x}) is {expected}, not {}", erf(x));
            assert!((erf(-x) + expected).abs() < 4e-7, "erf(-{x})");
        }
    }

    #[test]
    fn a_row_hears_most_of_what_its_query_asks_for() {
        // Two rows and two heads of one number: queries, keys, values.
        let rows: [[f32; 6]; 2] =
            [[1.0, 0.0, 2.0, 2.0, 1.0, 10.0], [0.0, 0.0, 0.0, 2.0, 3.0, 30.0]];
        let told = Tensor::new(&rows, &Device::Cpu).unwrap();
        let attention = |heads| Attention { heads, bias: vec![0.0; 6] };
        let heard = told.apply_op1_no_bwd(&attention(2)).unwrap();
        let heard: Vec<Vec<f32>> = heard.to_vec2().unwrap();
        let share = 1.0 / (1.0 + (-2.0_f32).exp());
        let expected = [share + 3.0 * (1.0 - share), 20.0, 2.0, 20.0];
        for (one, other) in heard.concat().iter().zip(expected) {
            assert!((one - other).abs() < 1e-5, "{heard:?} is {expected:?}");
        }
        assert!(told.apply_op1_no_bwd(&attention(4)).is_err(), "four heads of half a number");
    }
    #[test]
    fn a_row_is_brought_to_mean_zero_and_variance_one() {
        let norm = Norm {
            bias: vec![1.0, 0.0],
            scale: vec![2.0, 1.0],
            shift: vec![0.5, 0.0],
            epsilon: 0.0,
        };
        let tensor = |row: [f32; 2]| Tensor::new(&[row], &Device::Cpu).unwrap();
        let brought = tensor([1.0, 4.0]);
        let normal = brought.apply_op2_no_bwd(&tensor([2.0, 6.0]), &norm).unwrap();
        assert_eq!(normal.to_vec2::<f32>().unwrap(), [[-1.5, 1.0]]);
        assert!(brought.apply_op2_no_bwd(&tensor([2.0, 6.0]).t().unwrap(), &norm).is_err());
    }

    #[test]
    fn activations_are_those_of_their_names() {
        let given = Tensor::new(&[[-1.0_f32, 1.0]], &Device::Cpu).unwrap();
        let cases = [
            (Kind::Gelu, [-0.158_655_25, 1.954_499_7]),
            (Kind::GeluApproximate, [-0.158_808, 1.954_597_7]),
            (Kind::Relu, [0.0, 2.0]),
        ];
        for (kind, expected) in cases {
            let active =
                given.apply_op1_no_bwd(&Activation { kind, bias: vec![0.0, 1.0] }).unwrap();
            let active = active.to_vec2::<f32>().unwrap().concat();
            for (one, other) in active.iter().zip(expected) {
                assert!((one - other).abs() < 1e-6, "{kind:?}: {active:?} is {expected:?}");
            }
        }
    }
}
