export class DeadlineError extends Error {}

/**
 * Passes items on until `ms` have gone by, then throws DeadlineError. The first item's making counts too; a loop that
 * never yields is the platform's to stop.
 */
export async function* withDeadline<T>(items: AsyncGenerator<T>, ms: number): AsyncGenerator<T> {
  let passed = false;
  let stopWaiting = (): void => {};
  const timer = setTimeout(() => {
    passed = true;
    stopWaiting();
  }, ms);
  // One promise for each step: a race against one that lives as long as the run would keep every step in memory.
  const next = (): Promise<IteratorResult<T>> =>
    new Promise((resolve, reject) => {
      stopWaiting = () => reject(new DeadlineError());
      if (passed) stopWaiting();
      else items.next().then(resolve, reject);
    });
  try {
    for (;;) {
      const step = await next();
      if (step.done) return;
      yield step.value;
    }
  } finally {
    clearTimeout(timer);
    // Not awaited: a sandbox that hangs would hold its own deadline up.
    items.return(undefined).catch(() => undefined);
  }
}
