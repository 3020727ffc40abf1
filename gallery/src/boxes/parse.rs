//! Reading a box recipe.

use super::{BoxRecipe, Numbers, Object, Scene};
use crate::RecipeError;
use crate::pictures::parse_size;
use crate::random::Random;

pub(super) fn parse(text: &str) -> Result<BoxRecipe, RecipeError> {
    let mut recipe = BoxRecipe::default();
    for (i, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if !line.is_empty() {
            add(&mut recipe, line).map_err(|problem| RecipeError { line: i + 1, problem })?;
        }
    }
    Ok(recipe)
}

fn add(recipe: &mut BoxRecipe, line: &str) -> Result<(), String> {
    if let Some(rest) = line.strip_prefix("raw ") {
        let (name, text) = rest.trim().split_once(' ').unwrap_or((rest.trim(), ""));
        recipe.raw.push((name.to_owned(), text.trim().replace("\\n", "\n")));
        return Ok(());
    }
    let words: Vec<&str> = line.split_whitespace().collect();
    let (is_held_out, words) = match words.as_slice() {
        ["val", rest @ ..] => (true, rest),
        words => (false, words),
    };
    match words {
        ["classes", classes @ ..] => recipe.classes = owned(classes),
        ["pictures", n, size, "boxes", per_picture, classes @ ..] => {
            let n: usize = n.parse().map_err(|_| format!("`{n}` is not a number of pictures"))?;
            let size = parse_size(size).ok_or_else(|| format!("`{size}` is not WIDTHxHEIGHT"))?;
            let per_picture =
                per_picture.parse().map_err(|_| format!("`{per_picture}` is not a number of boxes"))?;
            for _ in 0..n {
                let name = format!("picture{}", recipe.pictures.len());
                let boxes = ordinary(&name, size, per_picture, classes);
                recipe.pictures.push(Scene { boxes, ..scene(name, is_held_out, size) });
            }
        }
        ["picture", name, size, options @ ..] => {
            let size = parse_size(size).ok_or_else(|| format!("`{size}` is not WIDTHxHEIGHT"))?;
            recipe.pictures.push(with_options(scene((*name).to_owned(), is_held_out, size), options)?);
        }
        [kind @ ("box" | "written"), rest @ ..] => {
            let last = recipe.pictures.last_mut();
            let last = last.ok_or_else(|| format!("`{kind}` needs a `picture` before it"))?;
            last.boxes.push(object(kind, rest)?);
        }
        [other, ..] => return Err(format!("`{other}` means nothing here")),
        [] => {}
    }
    Ok(())
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|&w| w.to_owned()).collect()
}

fn scene(name: String, is_held_out: bool, size: (u32, u32)) -> Scene {
    Scene {
        name,
        is_held_out,
        size,
        declared: None,
        is_missing: false,
        is_annotated: true,
        orientation: 1,
        boxes: Vec::new(),
    }
}

fn with_options(mut scene: Scene, mut options: &[&str]) -> Result<Scene, String> {
    loop {
        options = match options {
            [] => return Ok(scene),
            ["declared", size, rest @ ..] => {
                scene.declared =
                    Some(parse_size(size).ok_or_else(|| format!("`{size}` is not WIDTHxHEIGHT"))?);
                rest
            }
            ["orientation", number, rest @ ..] => {
                let known = number.parse().ok().filter(|n| (1..=8).contains(n));
                scene.orientation = known.ok_or_else(|| format!("`{number}` is no orientation, 1 to 8"))?;
                rest
            }
            ["missing", rest @ ..] => {
                scene.is_missing = true;
                rest
            }
            ["unannotated", rest @ ..] => {
                scene.is_annotated = false;
                rest
            }
            [other, ..] => return Err(format!("`{other}` is no option of a picture")),
        };
    }
}

fn object(kind: &str, words: &[&str]) -> Result<Object, String> {
    let expected = || format!("expected `{kind} CLASS` and four numbers");
    let (is_crowd, words) = match words {
        [rest @ .., "crowd"] => (true, rest),
        words => (false, words),
    };
    let [class, numbers @ ..] = words else { return Err(expected()) };
    let written: [String; 4] = owned(numbers).try_into().map_err(|_| expected())?;
    let numbers = if kind == "written" {
        Numbers::Written(written)
    } else {
        let mut corners = [0.0; 4];
        for (corner, text) in corners.iter_mut().zip(&written) {
            *corner = text.parse().map_err(|_| expected())?;
        }
        Numbers::Corners(corners)
    };
    Ok(Object { class: (*class).to_owned(), numbers, is_crowd })
}

/// Boxes of 15 pixels a side or more, within the picture, of varied sizes, the classes in turn.
fn ordinary(name: &str, (width, height): (u32, u32), n: usize, classes: &[&str]) -> Vec<Object> {
    let mut random = Random::from_texts(["boxes", name]);
    let mut side = |whole: u32| {
        let whole = f64::from(whole);
        let least = (0.08 * whole).max(15.0).min(whole);
        let length = least + random.unit() * (0.6 * whole - least).max(0.0);
        let start = random.unit() * (whole - length);
        ((start * 2.0).round() / 2.0, ((start + length) * 2.0).round() / 2.0)
    };
    let object = |i: usize| {
        let ((x0, x1), (y0, y1)) = (side(width), side(height));
        let shift = name.bytes().map(usize::from).sum::<usize>();
        let class = classes.get((i + shift) % classes.len().max(1)).copied().unwrap_or("thing");
        Object { class: class.to_owned(), numbers: Numbers::Corners([x0, y0, x1, y1]), is_crowd: false }
    };
    (0..n).map(object).collect()
}
