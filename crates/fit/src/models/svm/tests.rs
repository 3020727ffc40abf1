use super::*;
use libsvm_rs::train::svm_train;
use libsvm_rs::{KernelType, SvmModel, SvmNode, SvmParameter, SvmProblem, SvmType};
use stetho_core::Random;

/// Rings of radius 1, 3, 5 …, `noise` wide.
fn rings(n: usize, n_classes: usize, noise: f64, seed: u64) -> (Matrix, Vec<usize>) {
    let mut random = Random::new(seed);
    let (mut values, mut codes) = (Vec::new(), Vec::new());
    for i in 0..n {
        let (class, angle) = (i % n_classes, random.unit() * std::f64::consts::TAU);
        let radius = 1.0 + 2.0 * class as f64 + noise * random.normal();
        values.extend([(radius * angle.cos()) as f32, (radius * angle.sin()) as f32]);
        codes.push(class);
    }
    (Matrix::new(2, values), codes)
}

fn goal(codes: &[usize], n_classes: usize) -> Goal {
    Goal::Classes { codes: codes.to_vec(), names: (0..n_classes).map(|i| i.to_string()).collect() }
}

fn libsvm(rows: &Matrix, labels: Vec<f64>, svm_type: SvmType, c: f64, gamma: f64) -> SvmModel {
    libsvm_rs::set_quiet(true);
    let node = |(j, v): (usize, &f32)| SvmNode { index: j as i32 + 1, value: f64::from(*v) };
    let instances = rows.rows().map(|row| row.iter().enumerate().map(node).collect()).collect();
    let parameter =
        SvmParameter { svm_type, kernel_type: KernelType::Rbf, c, gamma, p: 0.1, ..SvmParameter::default() };
    svm_train(&SvmProblem { labels, instances }, &parameter)
}

/// Holds weights and shift against those of libsvm on the same rows.
fn agrees(rows: &Matrix, targets: &[f32], svm_type: SvmType, c: f32, gamma: f32, tolerance: f64) {
    let labels = targets.iter().map(|y| f64::from(*y)).collect();
    let peer = libsvm(rows, labels, svm_type, f64::from(c), f64::from(gamma));
    let tube = (svm_type == SvmType::EpsilonSvr).then_some(0.1);
    let (weights, shift) = blocks::solve(rows, targets, gamma, Limits { c, tube });
    let sum: f32 = weights.iter().sum();
    assert!(sum.abs() < 1e-2, "weights add up to {sum}");
    let vectors = weights.iter().filter(|w| w.abs() > 0.0).count();
    let peers = peer.sv_indices.len();
    assert!(vectors.abs_diff(peers) <= 2 + peers / 50, "{vectors} vectors, libsvm {peers}");
    let f = |row: &[f32], weight: &dyn Fn(usize) -> f64| {
        rows.rows()
            .enumerate()
            .map(|(i, v)| {
                let distance: f32 = v.iter().zip(row).map(|(a, b)| (a - b).powi(2)).sum();
                weight(i) * f64::from(-gamma * distance).exp()
            })
            .sum::<f64>()
    };
    let mut of_peer = vec![0.0; rows.n_rows()];
    peer.sv_indices.iter().zip(&peer.sv_coef[0]).for_each(|(at, w)| of_peer[*at - 1] = *w);
    for row in rows.rows().step_by(rows.n_rows() / 50) {
        let own = f(row, &|i| f64::from(weights[i])) + f64::from(shift);
        let wanted = f(row, &|i| of_peer[i]) - peer.rho[0];
        assert!((own - wanted).abs() < tolerance, "{own}, libsvm {wanted}");
    }
}

#[test]
fn classes_are_those_of_libsvm() {
    for (c, noise) in [(1.0, 0.2), (1.0, 1.5), (10.0, 1.0)] {
        let (rows, codes) = rings(400, 2, noise, 5);
        let targets: Vec<f32> = codes.iter().map(|c| if *c == 0 { 1.0 } else { -1.0 }).collect();
        agrees(&rows, &targets, SvmType::CSvc, c, 0.5, 0.01);
    }
}

#[test]
fn numbers_are_those_of_libsvm() {
    let mut random = Random::new(8);
    let x: Vec<f32> = (0..300).map(|_| 10.0 * random.unit() as f32).collect();
    let targets: Vec<f32> = x.iter().map(|x| x.sin() + 0.2 * random.normal() as f32).collect();
    agrees(&Matrix::new(1, x), &targets, SvmType::EpsilonSvr, 1.0, 0.5, 0.01);
}

#[test]
fn blocks_are_as_good_as_the_whole() {
    let (rows, codes) = rings(blocks::MOST_ROWS + 400, 2, 1.0, 6);
    let targets: Vec<f32> = codes.iter().map(|c| if *c == 0 { 1.0 } else { -1.0 }).collect();
    agrees(&rows, &targets, SvmType::CSvc, 1.0, 0.5, 0.05);
}

#[test]
fn the_rows_that_matter_are_nearly_as_good_as_all() {
    let n_classes = 3;
    let (rows, codes) = rings(6_000, n_classes, 0.3, 7);
    let classes = Classes::new(&rows, &codes, n_classes, 1);
    let (nearly, exact) = (classes.nearly(1.0, 0.5, 200_000).unwrap(), classes.exact(1.0, 0.5));
    let asked = rings(2_000, n_classes, 0.3, 9).0;
    let (a, b) = (nearly.decisions(&asked), exact.decisions(&asked));
    let differ = a.values.iter().zip(&b.values).filter(|(a, b)| (**a > 0.0) != (**b > 0.0)).count();
    assert!(differ <= 6, "{differ} decisions of {} differ", a.values.len());
    assert!(nearly.vectors.n_rows().abs_diff(exact.vectors.n_rows()) <= exact.vectors.n_rows() / 10);
}

#[test]
fn rings_are_told_apart() {
    let (rows, codes) = rings(450, 3, 0.2, 5);
    let out = fit(&rows, &goal(&codes, 3), 1.0, 0.5, 0).predict(&rows);
    let right = out.rows().zip(&codes).filter(|(p, c)| p.iter().all(|v| *v <= p[**c])).count();
    assert!(right > 440, "{right}");
}

#[test]
fn a_wave_is_followed_in_its_own_units() {
    let x: Vec<f32> = (0..200).map(|i| i as f32 / 20.0).collect();
    let y: Vec<f64> = x.iter().map(|x| 1000.0 + 50.0 * f64::from(x.sin())).collect();
    let rows = Matrix::new(1, x);
    let out = fit(&rows, &Goal::Numbers(y.clone()), 10.0, 1.0, 0).predict(&rows);
    let worst = out.values.iter().zip(&y).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max);
    assert!(worst < 8.0, "{worst}");
}

#[test]
fn a_class_that_no_row_has_is_never_told() {
    let (rows, codes) = rings(100, 2, 0.2, 5);
    let out = fit(&rows, &goal(&codes, 3), 1.0, 0.5, 0).predict(&rows);
    assert!(out.rows().all(|p| p[2].is_finite() && p[2] < p[0].max(p[1])));
}
