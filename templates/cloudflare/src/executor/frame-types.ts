/** The types of frames. A frame is `type: u8, length: u32 big-endian, payload`; `frames.ts` has the payloads. */

export const STDOUT = 1;
export const STDERR = 2;
export const FILE = 3;
export const EXIT = 4;
/** Written by what runs outside the program's reach only: how the run ended. */
export const VERDICT = 5;
/** Likewise: the sandbox is up. */
export const BOOTED = 6;
export const OMITTED = 7;
