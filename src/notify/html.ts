import type { Severity } from '../alert/alert.ts';
import type { Block } from './text.ts';

/** Readable on white and on black: mail programs that know no media queries show them on their own background. */
const EDGE: Readonly<Record<Severity | 'calm', string>> = {
  info: '#3b82c4',
  warning: '#c77d0a',
  critical: '#d64545',
  calm: '#2f9e5b',
};

const STYLE = [
  ':root{color-scheme:light dark}',
  'body{margin:0;padding:16px;background:#ffffff;color:#1f2328;font:15px/1.5 system-ui,sans-serif}',
  'main{max-width:720px;padding-left:14px}',
  'h1{font-size:18px;margin:0 0 12px}h2{font-size:15px;margin:20px 0 6px}',
  'p{margin:6px 0}ul{margin:4px 0;padding-left:20px}li{overflow-wrap:anywhere}',
  'li,pre{font-family:ui-monospace,monospace;font-size:13px}',
  'pre{margin:4px 0;padding:8px 10px;background:#eef1f4;color:#1f2328;border-radius:4px;white-space:pre-wrap;overflow-wrap:anywhere}',
  '@media (prefers-color-scheme:dark){body{background:#15181c;color:#e4e7eb}pre{background:#262b31;color:#e4e7eb}}',
].join('\n');

/** A whole page with nothing from elsewhere: no image, no link, no script. Every text in it is escaped. */
export function htmlOf(title: string, blocks: readonly Block[], severity: Severity | 'calm'): string {
  return [
    '<!doctype html>',
    `<html><head><meta charset="utf-8"><meta name="color-scheme" content="light dark"><title>${escaped(title)}</title>`,
    `<style>\n${STYLE}\n</style></head>`,
    `<body><main style="border-left:4px solid ${EDGE[severity]}">`,
    `<h1>${escaped(title)}</h1>`,
    ...blocks.map(element),
    '</main></body></html>',
    '',
  ].join('\n');
}

function element(block: Block): string {
  switch (block.kind) {
    case 'title':
      return `<h2>${escaped(block.text)}</h2>`;
    case 'text':
      return `<p>${escaped(block.text)}</p>`;
    case 'command':
      return `<p>${escaped(block.label)}</p><pre>${escaped(block.command)}</pre>`;
    case 'lines':
      return `<p>${escaped(block.label)}</p><ul>${block.lines.map((line) => `<li>${escaped(line)}</li>`).join('')}</ul>`;
  }
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

export function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}
