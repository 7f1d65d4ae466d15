/** The parts of page.html, found by their id and checked to be what they are taken for. */

/** @throws {Error} when the page has no such element */
export function part<T extends HTMLElement>(id: string, kind: new () => T): T {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`page.html has no ${kind.name} #${id}`);
  return found;
}

/** Control characters, and those that turn the direction of what follows: they make text look like another one. */
const DECEPTIVE = /[\0-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** The text with a visible mark for each character that would not show as what it is; line ends and tabs stay. */
export function shown(text: string): string {
  return text.replace(/\r\n/g, '\n').replace(DECEPTIVE, '\u{fffd}');
}

/** A new element with text in it, never markup: what is shown here was written by a model or printed by a program. */
export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  text = '',
  className = '',
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  made.textContent = shown(text);
  if (className) made.className = className;
  return made;
}
