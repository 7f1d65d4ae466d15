/**
 * The interpreter's memory after Python has started and imported its common modules, so that no run repeats it.
 *
 * Linking gives every instance nearly the same memory, so only the 4 KiB pages that differ from it are kept.
 * All integers are u32 little-endian:
 *   magic, memory size in bytes, number of roots, roots, number of pages, page numbers in rising order,
 *   zeros up to the next page boundary, then the pages.
 * Roots are the addresses of the Python objects that the executor calls.
 */

const MAGIC = 0x31746363; // "cct1"
const PAGE = 4096;

export interface Snapshot {
  readonly memorySize: number;
  readonly roots: readonly number[];
  readonly pages: Uint32Array;
  readonly contents: Uint8Array;
}

/**
 * @param fresh the memory of two instances as linking left it; where they differ, the snapshot decides. Shorter than
 *   `started` when Python has grown its memory.
 */
export function encodeSnapshot(
  fresh: readonly [Uint8Array, Uint8Array],
  started: Uint8Array,
  roots: readonly number[],
): Uint8Array {
  const before = fresh.map(words);
  const after = words(started);
  const pages: number[] = [];
  for (let page = 0; page * PAGE < started.byteLength; page++) {
    for (let word = (page * PAGE) / 8; word < ((page + 1) * PAGE) / 8; word++) {
      if (before.some((instance) => after[word] !== (instance[word] ?? 0n))) {
        pages.push(page);
        break;
      }
    }
  }
  const header = [MAGIC, started.byteLength, roots.length, ...roots, pages.length, ...pages];
  const start = Math.ceil((header.length * 4) / PAGE) * PAGE;
  const bytes = new Uint8Array(start + pages.length * PAGE);
  new Uint32Array(bytes.buffer).set(header);
  pages.forEach((page, index) => {
    bytes.set(started.subarray(page * PAGE, (page + 1) * PAGE), start + index * PAGE);
  });
  return bytes;
}

const words = (bytes: Uint8Array): BigUint64Array =>
  new BigUint64Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 8);

/** @throws Error when the bytes are no snapshot. */
export function decodeSnapshot(bytes: Uint8Array): Snapshot {
  const header = new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength >>> 2);
  const [magic, memorySize, rootCount] = header;
  if (magic !== MAGIC || memorySize === undefined || rootCount === undefined) throw new Error('not a snapshot');
  const roots = Array.from(header.subarray(3, 3 + rootCount));
  const pageCount = header[3 + rootCount] ?? 0;
  const pages = header.subarray(4 + rootCount, 4 + rootCount + pageCount);
  const start = Math.ceil(((4 + rootCount + pageCount) * 4) / PAGE) * PAGE;
  if (pages.length !== pageCount || bytes.byteLength !== start + pageCount * PAGE) throw new Error('a cut snapshot');
  return { memorySize, roots, pages, contents: bytes.subarray(start) };
}

/** Turns the memory of a freshly linked instance into that of the started interpreter. */
export function restorePages(memory: Uint8Array, { pages, contents }: Snapshot): void {
  for (let first = 0; first < pages.length;) {
    let last = first;
    while (last + 1 < pages.length && pages[last + 1] === pages[last]! + 1) last++;
    memory.set(contents.subarray(first * PAGE, (last + 1) * PAGE), pages[first]! * PAGE);
    first = last + 1;
  }
}
