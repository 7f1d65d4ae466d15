/** Which models there are, what they cost and what a request to each may ask for; `models.json` is the one list. */
import table from './models.json';

interface Price {
  /** US dollars per million tokens. */
  input: number;
  output: number;
}

export interface ModelSpec extends Price {
  /** Prices of a request whose prompt is longer than `above` tokens, where they differ. */
  longPrompt?: Price & { above: number };
  /** Whether `tool_choice` may name the tool; models that always think answer 400 to that. */
  forcedToolUse: boolean;
  /** Whether `strict` holds the tool's input to its schema. */
  strictTools: boolean;
  /** How much the model thinks before it answers; null where it has no such setting. */
  effort: 'low' | 'medium' | 'high' | null;
  /** The values of `thinking.type` that it accepts. */
  thinking: readonly string[];
}

const MODELS = new Map(Object.entries(table.models as Record<string, ModelSpec>));
const ALIASES = new Map(Object.entries(table.aliases));

export const DEFAULT_MODEL: string = table.default;

/** The full name of an alias (`sonnet`); every other name is a model's own, known here or not. */
export function resolveModel(name: string | undefined): string {
  if (!name || name === 'inherit') return DEFAULT_MODEL;
  return ALIASES.get(name.toLowerCase()) ?? name;
}

/** What is known of a model, with or without the date behind its name; null for one that this list does not have. */
export function modelSpec(name: string): ModelSpec | null {
  return MODELS.get(name) ?? MODELS.get(name.replace(/-\d{8}$/, '')) ?? null;
}

/** US dollars; null when the model's price is not known. */
export function costUsd(model: string, inputTokens: number, outputTokens: number): number | null {
  const spec = modelSpec(model);
  if (!spec) return null;
  const price = spec.longPrompt && inputTokens > spec.longPrompt.above ? spec.longPrompt : spec;
  return (inputTokens * price.input + outputTokens * price.output) / 1_000_000;
}
