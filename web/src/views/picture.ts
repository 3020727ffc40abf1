// A picture with its boxes drawn on it, as stored, squashed or cropped as networks see it.

import { h, svg } from "../h";
import type { Drawn, Pictured } from "../types/report";
import { clean, fileName, pictureName, toNumber } from "../words";

export type Fit = "stored" | "squash" | "crop";

/** The part of a picture that is seen: left, top, width, height. */
export function seen(width: number, height: number, fit: Fit): [number, number, number, number] {
  if (fit !== "crop") return [0, 0, width, height];
  const side = Math.min(width, height);
  return [(width - side) / 2, (height - side) / 2, side, side];
}

function oneBox(drawn: Drawn, scale: number, named: boolean): SVGElement {
  const [a, b, c, d] = drawn.corners.map((n) => (Number.isFinite(toNumber(n)) ? toNumber(n) : 0)) as [number, number, number, number];
  const [x, y] = [Math.min(a, c), Math.min(b, d)];
  const [width, height] = [Math.max(Math.abs(c - a), scale), Math.max(Math.abs(d - b), scale)];
  const kind = drawn.is_culprit ? "culprit" : "other";
  const size = 11 * scale;
  const label = clean(drawn.label).slice(0, 24);
  const top = y > size * 1.4 ? y - size * 0.35 : y + size;
  return svg("g", { class: kind },
    svg("rect", { class: "under", x, y, width, height }),
    svg("rect", { class: "over", x, y, width, height }, svg("title", {}, `${drawn.label}${drawn.is_culprit ? " (the finding is about this box)" : ""}`)),
    label && named ? svg("text", { x: x + scale, y: top, "font-size": size, "stroke-width": 3 * scale }, label) : null);
}

/** The boxes in the coordinates of the picture; those that a finding is about are solid, the others dashed. */
function overlay(picture: Pictured, fit: Fit, shown: number): SVGElement | null {
  const boxes = picture.boxes ?? [];
  if (!boxes.length || !picture.width || !picture.height) return null;
  const [x, y, width, height] = seen(picture.width, picture.height, fit);
  const scale = width / Math.max(shown, 1);
  const culprits = boxes.filter((b) => b.is_culprit).length;
  const words = `${boxes.length} boxes${culprits ? `, ${culprits} of them the finding's` : ""}`;
  return svg("svg", { class: "boxes", viewBox: `${x} ${y} ${width} ${height}`, preserveAspectRatio: "none", role: "img", "aria-label": words },
    ...boxes.slice().sort((a, b) => Number(a.is_culprit) - Number(b.is_culprit)).map((b) => oneBox(b, scale, culprits ? b.is_culprit : boxes.length <= 6 || shown > 300)));
}

function squared(address: string, alt: string, fit: Fit, side: number): HTMLCanvasElement {
  const canvas = h("canvas", { width: side, height: side, role: "img", "aria-label": alt });
  const image = new Image();
  image.onload = () => {
    const [x, y, width, height] = seen(image.naturalWidth, image.naturalHeight, fit);
    const context = canvas.getContext("2d");
    if (!context) return;
    context.imageSmoothingQuality = "high";
    context.drawImage(image, x, y, width, height, 0, 0, side, side);
  };
  image.src = address;
  return canvas;
}

/** The picture in a frame `shown` pixels wide or so. */
export function framed(picture: Pictured, address: string | undefined, fit: Fit = "stored", side = 64, shown = 160): HTMLElement {
  const alt = `${pictureName(picture)}${picture.label ? `, ${picture.label}` : ""}`;
  const ratio = fit === "stored" && picture.width && picture.height ? picture.width / picture.height : 1;
  const frame = h("div", { class: `frame ${fit}`, style: `--ratio:${Math.max(0.2, Math.min(5, ratio)).toFixed(4)}` });
  if (!address) {
    frame.append(h("span", { class: "absent" }, `${fileName(pictureName(picture))}: no copy on this page`));
  } else if (fit === "stored") {
    const image = h("img", { alt: clean(alt), decoding: "async" });
    image.src = address;
    frame.append(image);
  } else {
    frame.append(squared(address, clean(alt), fit, side));
  }
  const boxes = address ? overlay(picture, fit, shown) : null;
  if (boxes) frame.append(boxes);
  return frame;
}
