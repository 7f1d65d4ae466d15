/**
 * Sends one prompt to the Worker and reports where time, tokens and memory went. It needs Node 22.18 or newer and
 * nothing else. What the program prints is measured, not shown, and its files are not saved: that is launcher.ts.
 *
 *   node monitor.ts "What is the 10th Fibonacci number?" --runs 5
 */
import { arch, availableParallelism, platform, release, totalmem } from 'node:os';
import { performance } from 'node:perf_hooks';

import { execute, type Answer, type ClientOptions, type WorkerEvent } from './client.ts';
import {
  COMMON_HELP,
  COMMON_OPTIONS,
  connection,
  exitOfAnswer,
  greet,
  jsonLine,
  parse,
  readPrompt,
  runTool,
  usage,
} from './tools/command.ts';
import { duration, size } from './tools/display.ts';
import { EXIT, ToolError } from './tools/errors.ts';
import {
  describeRun,
  describeTotals,
  factLines,
  figuresOf,
  totalsOf,
  type Observation,
  type Timeline,
} from './tools/figures.ts';

const MAX_RUNS = 100;

const HELP = `Usage: node monitor.ts "PROMPT" [options]        ("-" reads the prompt from standard input)

Sends the prompt to the Worker and reports the Worker's health, the time of each phase, tokens, cost, sizes and memory
on stdout; phases as they happen go to stderr. Each run asks Claude once, which costs tokens.

  --runs N            send it N times, one after the other (at most ${MAX_RUNS}), and report min, median, p95 and max
${COMMON_HELP}`;

async function main(signal: AbortSignal): Promise<number> {
  const { values, positionals } = parse({ ...COMMON_OPTIONS, runs: { type: 'string', default: '1' } });
  if (values.help) {
    process.stdout.write(HELP);
    return EXIT.ok;
  }
  const wanted = Number(values.runs);
  if (!/^\d+$/.test(values.runs) || wanted < 1 || wanted > MAX_RUNS) throw usage(`--runs takes 1 to ${MAX_RUNS}.`);
  const question = await readPrompt(positionals, signal);
  const options = connection(values.url, signal);
  const tell = values.json ? () => undefined : (line: string) => void process.stderr.write(`${line}\n`);

  // Node loads its HTTP client when it is first used: that is no part of the Worker's latency.
  void new Request(options.url!);
  const asked = performance.now();
  const health = await greet(options);
  const worker = { url: options.url!, latencyMs: since(asked), ...health };
  const { runs, error } = await observeAll(options, question, wanted, tell);

  const summary = totalsOf(runs);
  if (values.json) {
    const report = { worker, system: systemInformation(), demo: false, runs: runs.map(figuresOf), summary };
    process.stdout.write(jsonLine({ ...report, error: error?.toBody() ?? null }));
    return error?.exitCode ?? worstOf(runs);
  }
  process.stdout.write(
    factLines([
      [
        'Worker',
        `${worker.url} (${worker.status}, version ${worker.version}), answered in ${duration(worker.latencyMs)}`,
      ],
      ['System', describeSystem()],
    ]),
  );
  process.stdout.write(runs.length === 1 ? describeRun(runs[0]!) : describeTotals(summary));
  if (error) throw error;
  return worstOf(runs);
}

/** An error ends the series; the runs before it were paid for and are reported with it. */
async function observeAll(
  options: ClientOptions,
  question: string,
  wanted: number,
  tell: (line: string) => void,
): Promise<{ runs: Observation[]; error: ToolError | null }> {
  const runs: Observation[] = [];
  while (runs.length < wanted) {
    if (wanted > 1) tell(`Run ${runs.length + 1} of ${wanted}`);
    try {
      runs.push(await observe(options, question, tell));
    } catch (error) {
      if (!(error instanceof ToolError) || runs.length === 0) throw error;
      return { runs, error };
    }
  }
  return { runs, error: null };
}

const MOMENTS: { readonly [Name in WorkerEvent['name']]?: keyof Timeline } = {
  started: 'started',
  generation: 'firstText',
  boot: 'sandboxReady',
  program: 'program',
  stdout: 'firstOutput',
  stderr: 'firstOutput',
  result: 'result',
};

const WORDS: Readonly<Record<keyof Timeline, string>> = {
  started: 'the Worker has the request',
  firstText: 'Claude writes',
  sandboxReady: 'the sandbox is ready',
  program: 'the program is complete and starts',
  firstOutput: 'the program prints',
  result: 'the result is here',
};

async function observe(options: ClientOptions, question: string, tell: (line: string) => void): Promise<Observation> {
  const start = performance.now();
  const timeline: Timeline = {
    started: null,
    firstText: null,
    sandboxReady: null,
    program: null,
    firstOutput: null,
    result: null,
  };
  let answer: Answer | undefined;
  for await (const event of execute(options, { question })) {
    const moment = MOMENTS[event.name];
    // A sandbox may be changed for one of another language: the last one counts.
    if (moment && (timeline[moment] === null || moment === 'sandboxReady')) {
      timeline[moment] = since(start);
      tell(`  ${duration(timeline[moment]).padStart(8)}  ${WORDS[moment]}`);
    }
    if (event.name === 'result') answer = event.data;
  }
  return { timeline, answer: answer! };
}

function worstOf(runs: readonly Observation[]): number {
  return Math.max(...runs.map(({ answer }) => exitOfAnswer(answer)));
}

/** Of the machine that asks, not of the Worker's. */
function systemInformation() {
  return {
    tool: 'monitor.ts',
    runtime: `Node ${process.versions.node}`,
    /** Which runtime a Worker of this machine has is not told. */
    workerd: null,
    platform: platform(),
    release: release(),
    arch: arch(),
    cpus: availableParallelism(),
    memoryBytes: totalmem(),
  };
}

function describeSystem(): string {
  const { runtime, platform, release, arch, cpus, memoryBytes } = systemInformation();
  return `${runtime}, ${platform} ${release} ${arch}, ${cpus} CPUs, ${size(memoryBytes)} of memory`;
}

/** Milliseconds, to the tenth. */
function since(start: number): number {
  return Math.round((performance.now() - start) * 10) / 10;
}

await runTool(main);
