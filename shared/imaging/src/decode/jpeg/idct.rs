//! From coefficients to samples. All arithmetic wraps: coefficients that no encoder writes give samples that nobody looks
//! at. A block may hold one more coefficient than its samples need, which is not read.

use std::num::Wrapping;

use super::PlaneUnderWay;

type W = Wrapping<i32>;

/// Writes the `N` rows of a block.
#[inline]
fn put<const N: usize>(rows: [[u8; N]; N], plane: &mut PlaneUnderWay, (x, y): (usize, usize)) {
    let start = y * N * plane.width + x * N;
    let lines = plane.samples.get_mut(start..).unwrap_or_default().chunks_mut(plane.width);
    for (line, row) in lines.zip(rows) {
        if let Some(samples) = line.first_chunk_mut() {
            *samples = row;
        }
    }
}

#[inline]
fn sample(value: i32) -> u8 {
    value.clamp(0, 255) as u8
}

/// The mean of a block, from its first coefficient.
#[inline]
fn mean(first: i32) -> u8 {
    sample((first.wrapping_add(4) >> 3).wrapping_add(128))
}

#[inline]
pub(super) fn put_one(&[first, _]: &[i32; 2], plane: &mut PlaneUnderWay, place: (usize, usize)) {
    put([[mean(first)]], plane, place);
}

#[inline]
pub(super) fn put_two(&[first, right, below, both, _]: &[i32; 5], plane: &mut PlaneUnderWay, place: (usize, usize)) {
    let [first, right, below, both] = [first, right, below, both].map(Wrapping);
    let rows = [
        [first + right + below + both, first - right + below - both],
        [first + right - below - both, first - right - below + both],
    ];
    put(rows.map(|row| row.map(|value| mean(value.0))), plane, place);
}

/// An inverse transform of three values, with 13 bits behind the point, as libjpeg computes it.
#[inline]
fn three([first, second, third]: [W; 3]) -> [W; 3] {
    let even = (first << 13) + third * Wrapping(5793);
    let middle = (first << 13) - third * Wrapping(11_586);
    let odd = second * Wrapping(10_033);
    [even + odd, middle, even - odd]
}

#[inline]
pub(super) fn put_three(block: &[i32; 10], plane: &mut PlaneUnderWay, place: (usize, usize)) {
    let &[a, b, c, d, e, f, g, h, i, _] = block;
    if (b, c, d, e) == (0, 0, 0, 0) && (f, g, h, i) == (0, 0, 0, 0) {
        return put([[mean(a); 3]; 3], plane, place);
    }
    let columns = [[a, d, g], [b, e, h], [c, f, i]].map(|column| {
        let rounding = Wrapping(1 << 10);
        three(column.map(Wrapping)).map(|value| (value + rounding) >> 11)
    });
    put(rows_of(columns, three), plane, place);
}

/// An inverse transform of four values, with 13 bits behind the point.
#[inline]
fn four([first, second, third, fourth]: [W; 4]) -> [W; 4] {
    let (outer, inner) = ((first + third) << 13, (first - third) << 13);
    let both = (second + fourth) * Wrapping(4433);
    let (high, low) = (both + second * Wrapping(6270), both - fourth * Wrapping(15_137));
    [outer + high, inner + low, inner - low, outer - high]
}

#[inline]
pub(super) fn put_four(block: &[i32; 17], plane: &mut PlaneUnderWay, place: (usize, usize)) {
    let Some((&[first, ref rest @ ..], _)) = block.split_first_chunk::<16>() else { return };
    if rest.iter().all(|coefficient| *coefficient == 0) {
        return put([[mean(first); 4]; 4], plane, place);
    }
    let &[a0, b0, c0, d0, a1, b1, c1, d1, a2, b2, c2, d2, a3, b3, c3, d3, _] = block;
    let columns = [[a0, a1, a2, a3], [b0, b1, b2, b3], [c0, c1, c2, c3], [d0, d1, d2, d3]].map(|column| {
        let rounding = Wrapping(1 << 10);
        four(column.map(Wrapping)).map(|value| (value + rounding) >> 11)
    });
    put(rows_of(columns, four), plane, place);
}

/// The rows of a block of which the columns are transformed: two bits are behind the point, and three more go.
#[inline]
fn rows_of<const N: usize>(columns: [[W; N]; N], transform: impl Fn([W; N]) -> [W; N]) -> [[u8; N]; N] {
    const ROUNDING: W = Wrapping((1 << 17) + (128 << 18));
    transposed(columns).map(|row| transform(row).map(|value| sample(((value + ROUNDING) >> 18).0)))
}

#[inline]
fn transposed<const N: usize>(columns: [[W; N]; N]) -> [[W; N]; N] {
    let mut columns = columns.map(IntoIterator::into_iter);
    std::array::from_fn(|_| columns.each_mut().map(|column| column.next().unwrap_or_default()))
}

/// The inverse transform of Loeffler, Ligtenberg and Moschytz, with 13 bits behind the point, step by step as libjpeg's
/// "accurate" one computes it.
#[inline]
fn eight(values: [W; 8]) -> [W; 8] {
    let [first, second, third, fourth, fifth, sixth, seventh, eighth] = values;
    let both = (third + seventh) * Wrapping(4433);
    let (high, low) = (both + third * Wrapping(6270), both - seventh * Wrapping(15_137));
    let (sum, difference) = ((first + fifth) << 13, (first - fifth) << 13);
    let even = [sum + high, difference + low, difference - low, sum - high];

    let all = (eighth + fourth + sixth + second) * Wrapping(9633);
    let outer = (eighth + second) * Wrapping(-7373);
    let inner = (sixth + fourth) * Wrapping(-20_995);
    let left = (eighth + fourth) * Wrapping(-16_069) + all;
    let right = (sixth + second) * Wrapping(-3196) + all;
    let odd = [
        second * Wrapping(12_299) + outer + right,
        fourth * Wrapping(25_172) + inner + left,
        sixth * Wrapping(16_819) + inner + right,
        eighth * Wrapping(2446) + outer + left,
    ];
    let [e0, e1, e2, e3] = even;
    let [o0, o1, o2, o3] = odd;
    [e0 + o0, e1 + o1, e2 + o2, e3 + o3, e3 - o3, e2 - o2, e1 - o1, e0 - o0]
}

#[inline]
pub(super) fn put_all(block: &[i32; 65], plane: &mut PlaneUnderWay, place: (usize, usize)) {
    let Some((coefficients, _)) = block.split_first_chunk::<64>() else { return };
    let [first, rest @ ..] = coefficients;
    if rest.iter().all(|coefficient| *coefficient == 0) {
        return put([[mean(*first); 8]; 8], plane, place);
    }
    let (rows, _) = coefficients.as_chunks::<8>();
    let mut columns = [[Wrapping(0); 8]; 8];
    for (index, column) in columns.iter_mut().enumerate() {
        for (value, row) in column.iter_mut().zip(rows) {
            *value = Wrapping(row.get(index).copied().unwrap_or_default());
        }
        let rounding = Wrapping(1 << 10);
        *column = eight(*column).map(|value| (value + rounding) >> 11);
    }
    put(rows_of(columns, eight), plane, place);
}
