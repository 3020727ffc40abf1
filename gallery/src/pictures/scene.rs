//! Pictures that look like something: a sky of soft gradients, shapes in front of it, and the texture of a sensor.

use image::{Rgb, RgbImage};

use super::line::Kind;
use super::seeded;
use crate::random::Random;

/// An ellipse or a rectangle in front of the background; centre, half sides and turn in units of the picture.
struct Shape {
    is_round: bool,
    centre: [f64; 2],
    half: [f64; 2],
    turn: [f64; 2],
    colour: [f64; 3],
    /// Stripes across the shape, per unit.
    stripes: f64,
}

/// A soft wave of the background.
struct Wave {
    frequency: [f64; 2],
    phase: f64,
    colour: [f64; 3],
}

/// The picture called `name`.
pub(super) fn make(kind: Kind, (width, height): (u32, u32), name: &str) -> RgbImage {
    let mut random = seeded(name);
    match kind {
        Kind::Photos => photo(width, height, &mut random),
        Kind::Flat => {
            let colour = colour(&mut random).map(byte);
            RgbImage::from_pixel(width, height, Rgb(colour))
        }
        Kind::Noise => RgbImage::from_fn(width, height, |_, _| Rgb(colour(&mut random).map(byte))),
    }
}

fn colour(random: &mut Random) -> [f64; 3] {
    [random.unit(), random.unit(), random.unit()]
}

fn byte(value: f64) -> u8 {
    (value.clamp(0.0, 1.0) * 255.0).round() as u8
}

fn photo(width: u32, height: u32, random: &mut Random) -> RgbImage {
    let base = colour(random).map(|c| 0.3 + 0.4 * c);
    let waves: Vec<Wave> = (0..4).map(|_| wave(random)).collect();
    let n_shapes = 5 + random.below(5);
    let shapes: Vec<Shape> = (0..n_shapes).map(|_| shape(random)).collect();
    RgbImage::from_fn(width, height, |x, y| {
        let at = [(f64::from(x) + 0.5) / f64::from(width), (f64::from(y) + 0.5) / f64::from(height)];
        let mut pixel = base;
        for wave in &waves {
            let angle = wave.frequency[0] * at[0] + wave.frequency[1] * at[1] + wave.phase;
            mix(&mut pixel, wave.colour, 0.12 * libm::sin(angle) + 0.12);
        }
        for shape in &shapes {
            shape.paint(at, &mut pixel);
        }
        let grain = 0.02 * random.normal();
        Rgb(pixel.map(|c| byte(c + grain)))
    })
}

fn mix(pixel: &mut [f64; 3], colour: [f64; 3], share: f64) {
    for (p, c) in pixel.iter_mut().zip(colour) {
        *p += (c - *p) * share;
    }
}

fn wave(random: &mut Random) -> Wave {
    let frequency = [8.0 * random.unit() - 4.0, 8.0 * random.unit() - 4.0];
    Wave { frequency, phase: 6.3 * random.unit(), colour: colour(random) }
}

fn shape(random: &mut Random) -> Shape {
    let angle = 3.1 * random.unit();
    Shape {
        is_round: random.unit() < 0.5,
        centre: [random.unit(), random.unit()],
        half: [0.06 + 0.25 * random.unit(), 0.06 + 0.25 * random.unit()],
        turn: [libm::cos(angle), libm::sin(angle)],
        colour: colour(random),
        stripes: if random.unit() < 0.4 { 10.0 + 25.0 * random.unit() } else { 0.0 },
    }
}

impl Shape {
    /// Lays the shape over the pixel at this place.
    fn paint(&self, at: [f64; 2], pixel: &mut [f64; 3]) {
        let [dx, dy] = [at[0] - self.centre[0], at[1] - self.centre[1]];
        let u = (dx * self.turn[0] + dy * self.turn[1]) / self.half[0];
        let v = (dy * self.turn[0] - dx * self.turn[1]) / self.half[1];
        let is_inside = if self.is_round { u * u + v * v < 1.0 } else { u.abs() < 1.0 && v.abs() < 1.0 };
        if is_inside {
            let light = 0.85 + 0.15 * libm::sin(self.stripes * u);
            mix(pixel, self.colour.map(|c| c * light), 0.9);
        }
    }
}
