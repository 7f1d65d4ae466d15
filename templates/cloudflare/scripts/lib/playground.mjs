// The playground page as one file: page.html with its style and script inside, and the policy that lets only these run.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';

const FOLDER = 'src/playground';

/**
 * @param {(entry: string, options: object) => Promise<string>} bundle gives an entry point's text; see build.mjs
 * @returns {Promise<{page: string, policy: string}>}
 */
export async function buildPlayground(projectDir, bundle) {
  const style = await bundle(`${FOLDER}/page.css`, { minify: true });
  const script = await bundle(`${FOLDER}/page/main.ts`, { minify: true, format: 'iife', platform: 'browser' });
  const html = await readFile(path.join(projectDir, FOLDER, 'page.html'), 'utf8');
  return {
    page: fill(fill(html, 'style', style), 'script', script),
    policy: [
      "default-src 'none'",
      `script-src ${hash(script)}`,
      `style-src ${hash(style)}`,
      "connect-src 'self'",
      // The empty icon, without which a browser asks for /favicon.ico.
      'img-src data:',
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      // Text can then only be put in as text.
      "require-trusted-types-for 'script'",
      "trusted-types 'none'",
    ].join('; '),
  };
}

function fill(html, tag, content) {
  const empty = `<${tag}></${tag}>`;
  if (html.split(empty).length !== 2 || content.includes(`</${tag}`)) throw new Error(`page.html: ${empty}`);
  return html.replace(empty, () => `<${tag}>${content}</${tag}>`);
}

function hash(text) {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
