// Ten colours that people with colour blindness tell apart (Okabe & Ito 2008, with three of Paul Tol's), each with a
// shape of its own, so that the colour is never the only carrier. The colours are variables of the style sheet.

import type { SymbolType } from "@observablehq/plot";

const SHAPES: SymbolType[] = ["circle", "triangle", "square", "diamond", "star", "wye", "plus", "times", "asterisk", "hexagon"];
export const COLOURED = SHAPES.length;

/** Colour and shape of class number `rank`; classes beyond the tenth share grey dots. */
export function look(rank: number): { colour: string; shape: SymbolType } {
  const shape = SHAPES[rank];
  return rank < 0 || shape === undefined
    ? { colour: "var(--class-rest)", shape: "circle" }
    : { colour: `var(--class-${rank})`, shape };
}
