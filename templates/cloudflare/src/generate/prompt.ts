/** What Claude is told: the rules of the sandbox, what the caller adds to them, and the question. */
import type { Language } from '../program';
// The words stand where the command line reads them, too: its --direct asks the same.
import claude from './claude.json';

const RULES = claude.rules.join('\n');

/** A tag that does not occur in `text`, so that no text can end the section that it stands in. */
function tagFor(name: string, text: string): string {
  let tag = name;
  while (text.toLowerCase().includes(tag)) tag += '_';
  return tag;
}

function section(name: string, text: string): string {
  const tag = tagFor(name, text);
  return `<${tag}>\n${text}\n</${tag}>`;
}

export function systemPrompt(system: string | undefined): string {
  if (!system?.trim()) return RULES;
  return `${RULES}\n\n${claude.instructions}\n\n${section('instructions', system)}`;
}

export function userPrompt(question: string, language: Language | undefined): string {
  const answer = language ? claude.answerIn.replace('{language}', language) : claude.answer;
  return `${section('question', question)}\n\n${answer}`;
}
