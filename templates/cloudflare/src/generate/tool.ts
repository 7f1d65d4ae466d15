/** The tool through which Claude hands over a program, and the strict reading of its input. */
import type Anthropic from '@anthropic-ai/sdk';
import { z } from 'zod';

import { LANGUAGES } from '../api';
import { ApiError } from '../errors';
import { LIMITS } from '../limits';
import type { ModelSpec } from '../models';
import type { Language, Program } from '../program';
import claude from './claude.json';

export const TOOL_NAME = claude.tool.name;

const ProgramInput = z.object({
  language: z.enum(LANGUAGES),
  entrypoint: z.string().min(1).max(1024),
  files: z.array(z.object({ path: z.string().min(1).max(1024), content: z.string() })).max(LIMITS.programFiles),
});

/**
 * The tool as a request offers it. Every property is required because the API then keeps their order: the language
 * comes first, so that its sandbox starts while the files are still being written.
 *
 * @param language the only language that the schema allows, when the caller has named one
 */
export function programTool(spec: ModelSpec | null, language: Language | undefined): Anthropic.Tool {
  const { name, description, input_schema: schema } = claude.tool;
  const { language: choice, ...others } = schema.properties;
  return {
    name,
    description,
    input_schema: {
      ...schema,
      type: 'object',
      properties: { language: { ...choice, enum: language ? [language] : choice.enum }, ...others },
    },
    // Without it the API holds back each property until it is complete.
    ...(spec ? { eager_input_streaming: true } : {}),
    ...(spec?.strictTools ? { strict: true } : {}),
  };
}

/**
 * The program that the complete JSON text describes.
 *
 * @throws ApiError `model_empty` when there is none, `model_invalid` when it is not a whole, consistent program
 */
export function parseProgram(json: string): Program {
  if (!json.trim()) throw new ApiError('model_empty', 'Claude called the tool without a program.');
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    throw new ApiError('model_invalid', "Claude's program was not valid JSON.");
  }
  const parsed = ProgramInput.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const where = issue?.path.length ? ` at ${issue.path.join('.').slice(0, 100)}` : '';
    throw new ApiError('model_invalid', `Claude's program does not have the shape it must have${where}.`);
  }
  const { language, entrypoint, files } = parsed.data;
  if (!files.length) throw new ApiError('model_empty', "Claude's program has no files.");
  if (!files.some((file) => file.path === entrypoint)) {
    throw new ApiError('model_invalid', "Claude's program starts with a file that it does not have.");
  }
  return { language, entrypoint, files };
}
