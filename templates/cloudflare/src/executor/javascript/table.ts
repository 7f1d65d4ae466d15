/** What `console.table` draws. */
import { inspect } from 'node:util';

export interface Table {
  head: string[];
  rows: string[][];
}

const INDEX = '(index)';
const ITERATION = '(iteration index)';
const VALUES = 'Values';

/** @returns null for what is no table: anything but an object. */
export function tableOf(data: unknown, columns?: readonly string[]): Table | null {
  if (typeof data !== 'object' || data === null) return null;
  if (data instanceof Map) {
    const entries = [...data];
    if (entries.every(([, value]) => !isRow(value))) {
      return {
        head: [ITERATION, 'Key', VALUES],
        rows: entries.map(([key, value], index) => [String(index), cell(key), cell(value)]),
      };
    }
    const { head, rows } = rowsOf(
      entries.map(([, value], index) => [String(index), value]),
      ITERATION,
      columns,
    );
    head.splice(1, 0, 'Key');
    rows.forEach((row, index) => row.splice(1, 0, cell(entries[index]![0])));
    return { head, rows };
  }
  if (data instanceof Set) {
    return rowsOf(
      [...data].map((value, index) => [String(index), value]),
      ITERATION,
      columns,
    );
  }
  return rowsOf(Object.entries(data), INDEX, columns);
}

function rowsOf(entries: [string, unknown][], index: string, columns?: readonly string[]): Table {
  const names = new Set<string>(columns);
  if (!columns) for (const [, row] of entries) if (isRow(row)) for (const key of Object.keys(row)) names.add(key);
  const hasValues = entries.some(([, row]) => !isRow(row));
  const rows = entries.map(([key, row]) => [
    key,
    ...[...names].map((name) => (isRow(row) && Object.hasOwn(row, name) ? cell(row[name]) : '')),
    ...(hasValues ? [isRow(row) ? '' : cell(row)] : []),
  ]);
  return { head: [index, ...names, ...(hasValues ? [VALUES] : [])], rows };
}

function isRow(value: unknown): value is Record<string, unknown> {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

function cell(value: unknown): string {
  const isLarge = isRow(value) && !Array.isArray(value) && Object.keys(value).length > 2;
  return inspect(value, { maxArrayLength: 3, breakLength: Infinity, depth: isLarge ? -1 : 0 });
}

export function renderTable({ head, rows }: Table): string {
  const widths = head.map((name, column) => Math.max(...[name, ...rows.map((row) => row[column]!)].map(widthOf)));
  const rule = (left: string, middle: string, right: string): string =>
    left + widths.map((width) => '─'.repeat(width + 2)).join(middle) + right;
  const line = (row: string[]): string =>
    `│ ${row.map((text, column) => text + ' '.repeat(widths[column]! - widthOf(text))).join(' │ ')} │`;
  return [rule('┌', '┬', '┐'), line(head), rule('├', '┼', '┤'), ...rows.map(line), rule('└', '┴', '┘')].join('\n');
}

/** Columns that a terminal needs for a text. */
function widthOf(text: string): number {
  let width = 0;
  for (const char of text) {
    if (/[\p{Mn}\p{Me}\p{Cf}]/u.test(char)) continue;
    width += WIDE.test(char) ? 2 : 1;
  }
  return width;
}

/** East Asian wide and full-width characters, and emoji. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\p{Emoji_Presentation}\u{20000}-\u{3fffd}]/u;
