//! Pictures on the page, with the boxes on them.

use stetho_core::{Drawn, Pictured};

use super::element::Html;
use crate::words;

/// Groups of pictures: single ones flow as a gallery, copies stand side by side in a row each.
pub(super) fn groups(html: &mut Html, groups: &[Vec<Pictured>]) {
    let has_thumbnail = |group: &&Vec<Pictured>| group.iter().any(|p| p.thumbnail.is_some());
    let shown: Vec<&Vec<Pictured>> = groups.iter().filter(has_thumbnail).collect();
    if shown.is_empty() {
        for group in groups.iter().take(super::finding::PLACES) {
            let names: Vec<String> = group.iter().map(words::picture).collect();
            html.paragraph("p", "", &names.join(" · "));
        }
    } else if shown.iter().all(|group| group.len() == 1) {
        gallery(html, &shown.into_iter().flatten().collect::<Vec<_>>());
    } else {
        for group in shown {
            html.element("div", &[("class", "group")], |html| {
                gallery(html, &group.iter().collect::<Vec<_>>());
            });
        }
    }
}

/// Pictures one after the other, those without a thumbnail left out.
pub(super) fn gallery(html: &mut Html, pictures: &[&Pictured]) {
    html.element("div", &[("class", "gallery")], |html| {
        pictures.iter().for_each(|picture| figure(html, picture));
    });
}

fn figure(html: &mut Html, picture: &Pictured) {
    let Some(thumbnail) = &picture.thumbnail else { return };
    html.element("figure", &[("class", "picture")], |html| {
        html.element("div", &[("class", "frame")], |html| {
            let name = words::picture(picture);
            html.void(
                "img",
                &[("src", thumbnail), ("alt", &name), ("loading", "lazy"), ("decoding", "async")],
            );
            if !picture.boxes.is_empty() && picture.width > 0 {
                boxes(html, picture);
            }
        });
        html.element("figcaption", &[], |html| {
            if let Some(label) = &picture.label {
                html.leaf("b", "", label);
            }
            html.leaf("span", "faint", &words::picture(picture));
        });
    });
}

/// The boxes over the picture, in its own coordinates; those that the finding is about are solid, the others dashed.
fn boxes(html: &mut Html, picture: &Pictured) {
    let view = format!("0 0 {} {}", picture.width, picture.height);
    html.element("svg", &[("viewBox", &view), ("role", "img"), ("aria-label", "boxes")], |html| {
        picture.boxes.iter().for_each(|drawn| one_box(html, drawn));
    });
}

fn one_box(html: &mut Html, drawn: &Drawn) {
    let [x1, y1, x2, y2] = drawn.corners.map(|n| if n.0.is_finite() { n.0 } else { 0.0 });
    let class = if drawn.is_culprit { "culprit" } else { "other" };
    let number = |n: f64| format!("{n:.1}");
    let (x, y) = (number(x1.min(x2)), number(y1.min(y2)));
    let (width, height) = (number((x2 - x1).abs().max(1.0)), number((y2 - y1).abs().max(1.0)));
    let attributes = [("class", class), ("x", &x), ("y", &y), ("width", &width), ("height", &height)];
    html.element("rect", &attributes, |html| html.leaf("title", "", &drawn.label));
}
