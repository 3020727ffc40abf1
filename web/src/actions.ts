// What buttons do: copy text, change the theme, show more; and drawing only what is near the screen.

import { h, type Child } from "./h";

function selectAndCopy(text: string): boolean {
  const area = h("textarea", { class: "offscreen", "aria-hidden": "true" });
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
}

async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return selectAndCopy(text);
  }
}

/** A button that copies `text` and says so. */
export function copyButton(text: string, what: string): HTMLButtonElement {
  const word = h("span", { "aria-live": "polite" }, "copy");
  const button = h("button", { type: "button", class: "copy", "aria-label": `copy ${what}`, onclick: () => { void press(); } }, word);
  async function press(): Promise<void> {
    const done = await copy(text);
    button.focus();
    word.textContent = done ? "copied" : "select and copy by hand";
    setTimeout(() => { word.textContent = "copy"; }, 2000);
  }
  return button;
}

/** Code with its copy button. */
export function snippet(text: string, what: string): HTMLElement {
  return h("div", { class: "snippet" }, h("pre", { tabindex: "0", role: "region", "aria-label": what }, h("code", {}, text)), copyButton(text, what));
}

/** The first `few` of `items`, and a button for the rest, a thousand at a time. */
export function someOf<T>(items: readonly T[], few: number, list: HTMLElement, draw: (item: T, i: number) => Child): Child[] {
  let shown = 0;
  const more = (count: number) => {
    items.slice(shown, shown + count).forEach((item, i) => {
      const drawn = draw(item, shown + i);
      if (drawn instanceof Node) list.append(drawn);
    });
    shown = Math.min(items.length, shown + count);
  };
  more(items.length <= few + 1 ? few + 1 : few);
  if (shown >= items.length) return [list];
  const words = () => items.length - shown > 1000 ? `show 1,000 more of ${items.length - shown}` : `show all ${items.length}`;
  const button = h("button", { type: "button", class: "more", onclick: () => {
    const first = list.children.length;
    more(1000);
    (list.children[first]?.querySelector("button, a") as HTMLElement | null)?.focus();
    if (shown >= items.length) button.remove(); else button.textContent = words();
  } }, words());
  return [list, button];
}

const pending = new Map<Element, () => void>();
const observer = new IntersectionObserver((entries) => {
  for (const entry of entries) if (entry.isIntersecting) run(entry.target);
}, { rootMargin: "600px" });

function run(element: Element): void {
  const draw = pending.get(element);
  pending.delete(element);
  observer.unobserve(element);
  draw?.();
}

/** Draws what waits inside `element`, or is it. */
export function drawNow(element: Element): void {
  [...pending.keys()].filter((e) => e === element || element.contains(e)).forEach(run);
}

/** Draws when `element` comes near the screen, or before printing. */
export function whenNear(element: Element, draw: () => void): void {
  pending.set(element, draw);
  observer.observe(element);
}
addEventListener("beforeprint", () => [...pending.keys()].forEach(run));

/** A button between light and dark, for as long as the page is open. */
export function themeButton(): HTMLButtonElement {
  const root = document.documentElement;
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const button = h("button", { type: "button", class: "theme", onclick: () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    name();
  } });
  const name = () => { button.textContent = isDark() ? "light" : "dark"; button.setAttribute("aria-label", `use ${isDark() ? "light" : "dark"} colours`); };
  system.addEventListener("change", name);
  name();
  return button;
}
