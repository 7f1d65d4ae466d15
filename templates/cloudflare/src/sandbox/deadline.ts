import type { SandboxEvent } from '.';

/** Passes events on until `ms` have gone by, then ends with a timeout. A loop that never yields is the platform's to stop. */
export async function* withDeadline(events: AsyncGenerator<SandboxEvent>, ms: number): AsyncGenerator<SandboxEvent> {
  let timer: ReturnType<typeof setTimeout> | null = null;
  const expired = new Promise<'expired'>((resolve) => {
    timer = setTimeout(() => resolve('expired'), ms);
  });
  try {
    for (;;) {
      const step = await Promise.race([events.next(), expired]);
      if (step === 'expired') {
        yield { type: 'exit', ending: { kind: 'timeout' }, truncated: false, peakMemoryBytes: null };
        return;
      }
      if (step.done) return;
      yield step.value;
    }
  } finally {
    clearTimeout(timer);
    // Not awaited: a sandbox that hangs would hold its own deadline up.
    void events.return(undefined).catch(() => undefined);
  }
}
