//! Writing a detection set in one of the formats.

use std::fmt::Write as _;
use std::path::Path;

use stetho_core::boxes::BoxFormat;

use super::{BoxRecipe, Numbers, Object, Scene};
use crate::twin::put_bytes;
use crate::{GalleryError, pictures};

/// Lays out files; writing to a `String` cannot fail.
pub(super) fn write(recipe: &BoxRecipe, folder: &Path, format: BoxFormat) -> Result<(), GalleryError> {
    let classes = recipe.all_classes();
    for scene in recipe.pictures.iter().filter(|s| !s.is_missing) {
        let picture = pictures::photo(scene.size.0, scene.size.1, &scene.name);
        let bytes = pictures::encode(&picture, scene.extension(), scene.orientation)
            .map_err(|p| GalleryError::malformed(folder, p))?;
        put_bytes(folder, &picture_path(recipe, scene, format), &bytes)?;
    }
    let parts = if recipe.is_split() { &[false, true][..] } else { &[false] };
    for &is_held_out in parts {
        let scenes: Vec<&Scene> = recipe.pictures.iter().filter(|s| s.is_held_out == is_held_out).collect();
        if format == BoxFormat::Coco {
            let text = coco(&scenes, &classes);
            let name = format!("annotations/instances_{}.json", part(is_held_out));
            put_bytes(folder, &name, text.as_bytes())?;
        }
        for scene in scenes.iter().filter(|s| s.is_annotated && format != BoxFormat::Coco) {
            let text = if format == BoxFormat::Voc { voc(scene) } else { yolo(scene, &classes) };
            put_bytes(folder, &annotation_path(recipe, &scene.name, is_held_out, format), text.as_bytes())?;
        }
    }
    for (name, text) in &recipe.raw {
        put_bytes(folder, &annotation_path(recipe, name, false, format), text.as_bytes())?;
    }
    if format == BoxFormat::Yolo {
        let split = recipe.is_split();
        let (train, val) = if split { ("images/train", "images/val") } else { ("images", "images") };
        let val = if split { format!("val: {val}\n") } else { String::new() };
        let yaml =
            format!("path: .\ntrain: {train}\n{val}nc: {}\nnames: [{}]\n", classes.len(), classes.join(", "));
        put_bytes(folder, "data.yaml", yaml.as_bytes())?;
    }
    Ok(())
}

fn part(is_held_out: bool) -> &'static str {
    if is_held_out { "val" } else { "train" }
}

fn picture_path(recipe: &BoxRecipe, scene: &Scene, format: BoxFormat) -> String {
    let part = part(scene.is_held_out);
    let (name, extension) = (&scene.name, scene.extension());
    match (format, recipe.is_split()) {
        (BoxFormat::Coco, true) => format!("{part}/{name}.{extension}"),
        (BoxFormat::Voc, true) => format!("{part}/images/{name}.{extension}"),
        (BoxFormat::Yolo, true) => format!("images/{part}/{name}.{extension}"),
        (_, false) => format!("images/{name}.{extension}"),
    }
}

fn annotation_path(recipe: &BoxRecipe, name: &str, is_held_out: bool, format: BoxFormat) -> String {
    let part = part(is_held_out);
    match (format, recipe.is_split()) {
        (BoxFormat::Coco, _) => format!("annotations/{name}.json"),
        (BoxFormat::Voc, true) => format!("{part}/annotations/{name}.xml"),
        (BoxFormat::Voc, false) => format!("annotations/{name}.xml"),
        (BoxFormat::Yolo, true) => format!("labels/{part}/{name}.txt"),
        (BoxFormat::Yolo, false) => format!("labels/{name}.txt"),
    }
}

fn coco(scenes: &[&Scene], classes: &[String]) -> String {
    let mut images = Vec::new();
    let mut annotations = Vec::new();
    for (id, scene) in scenes.iter().enumerate() {
        if !scene.is_annotated {
            continue;
        }
        let (width, height) = scene.declared.unwrap_or(scene.size);
        images.push(format!(
            r#"    {{"id": {id}, "file_name": "{}.{}", "width": {width}, "height": {height}}}"#,
            scene.name,
            scene.extension()
        ));
        for object in &scene.boxes {
            let class = classes.iter().position(|c| *c == object.class).unwrap_or(classes.len()) + 1;
            let numbers = numbers(object, |[x1, y1, x2, y2]| [x1, y1, x2 - x1, y2 - y1]).join(",");
            let numbers = numbers.replace("nan", "NaN");
            let number = annotations.len();
            annotations.push(format!(
                r#"    {{"id": {number}, "image_id": {id}, "category_id": {class}, "bbox": [{numbers}], "iscrowd": {}}}"#,
                u8::from(object.is_crowd)
            ));
        }
    }
    let category = |(i, name): (usize, &String)| format!(r#"    {{"id": {}, "name": "{name}"}}"#, i + 1);
    let categories: Vec<String> = classes.iter().enumerate().map(category).collect();
    format!(
        "{{\n  \"images\": [\n{}\n  ],\n  \"annotations\": [\n{}\n  ],\n  \"categories\": [\n{}\n  ]\n}}\n",
        images.join(",\n"),
        annotations.join(",\n"),
        categories.join(",\n")
    )
}

fn voc(scene: &Scene) -> String {
    let (width, height) = scene.declared.unwrap_or(scene.size);
    let mut text = format!(
        "<annotation>\n  <filename>{}.{}</filename>\n  <size>\n    <width>{width}</width>\n    \
         <height>{height}</height>\n    <depth>3</depth>\n  </size>\n",
        scene.name,
        scene.extension()
    );
    for object in &scene.boxes {
        let [x1, y1, x2, y2] = numbers(object, |corners| corners);
        let _ = write!(
            text,
            "  <object>\n    <name>{}</name>\n    <difficult>{}</difficult>\n    <bndbox>\n      \
             <xmin>{x1}</xmin>\n      <ymin>{y1}</ymin>\n      <xmax>{x2}</xmax>\n      <ymax>{y2}</ymax>\n    \
             </bndbox>\n  </object>\n",
            object.class,
            u8::from(object.is_crowd)
        );
    }
    text + "</annotation>\n"
}

fn yolo(scene: &Scene, classes: &[String]) -> String {
    let (width, height) = (f64::from(scene.size.0), f64::from(scene.size.1));
    let mut text = String::new();
    for object in &scene.boxes {
        let class = classes.iter().position(|c| *c == object.class).unwrap_or(classes.len());
        let fractions = |[x1, y1, x2, y2]: [f64; 4]| {
            [(x1 + x2) / 2.0 / width, (y1 + y2) / 2.0 / height, (x2 - x1) / width, (y2 - y1) / height]
        };
        let _ = writeln!(text, "{class} {}", numbers(object, fractions).join(" "));
    }
    text
}

/// The four numbers as they stand in the file.
fn numbers(object: &Object, convert: impl Fn([f64; 4]) -> [f64; 4]) -> [String; 4] {
    match &object.numbers {
        // Seven digits, as most tools write.
        Numbers::Corners(corners) => convert(*corners).map(|n| ((n * 1e7).round() / 1e7).to_string()),
        Numbers::Written(written) => written.clone(),
    }
}
