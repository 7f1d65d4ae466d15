/**
 * Pauses the interpreter in the middle of a system call, so that waiting is real and output leaves while the program
 * runs. WebAssembly can put a stack aside only while no JavaScript lies between its entry and the pause.
 */
import type { Imports } from './cpython';
import type { Output } from './output';

/** setTimeout's own limit is 2^31 - 1 ms; waking up for nothing now and then costs nothing. */
const LONGEST_WAIT_MS = 3_600_000;

export class Pausing {
  /** Unset until a program runs: restoring and preparing never wait. */
  output: Output | undefined;
  private scriptFrames = 0;

  private get possible(): boolean {
    return this.output !== undefined && this.scriptFrames === 0;
  }

  patch(imports: Imports): void {
    const { env, wasi_snapshot_preview1: wasi } = imports as {
      env: Imports[string];
      wasi_snapshot_preview1: Imports[string];
    };

    const poll = env.__syscall_poll!;
    env.__syscall_poll = new WebAssembly.Suspending((fds, count, timeout) => {
      const ready = poll(fds!, count!, timeout!);
      if (ready !== 0 || timeout === 0 || !this.possible) return ready;
      return this.wait(timeout!);
    });

    // The evaluation loop calls this every now and then, so that even `while True: pass` lets output out.
    env._Py_CheckEmscriptenSignals_Helper = new WebAssembly.Suspending(() =>
      this.possible && this.output!.due ? this.settle(0) : 0,
    );

    const write = wasi.fd_write!;
    wasi.fd_write = new WebAssembly.Suspending((fd, vectors, count, written) => {
      const error = write(fd!, vectors!, count!, written!);
      return this.possible && this.output!.due ? this.settle(error) : error;
    });

    for (const name of ['ffi_call_js', '__call_sighandler']) {
      const call = env[name]!;
      env[name] = (...args) => {
        this.scriptFrames++;
        try {
          return call(...args);
        } finally {
          this.scriptFrames--;
        }
      };
    }
  }

  private async settle(result: number): Promise<number> {
    await this.output!.settle();
    return result;
  }

  /** @param timeout milliseconds; negative means for ever. */
  private async wait(timeout: number): Promise<number> {
    this.output!.flush();
    for (let left = timeout < 0 ? Infinity : timeout; left > 0; left -= LONGEST_WAIT_MS) {
      await scheduler.wait(Math.min(left, LONGEST_WAIT_MS));
    }
    return 0;
  }
}
