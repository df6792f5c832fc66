import type { Severity } from '../alert/alert.ts';
import type { Block } from './text.ts';

/** Readable on white and on black: mail programs that know no media queries show them on their own background. */
const EDGE: Readonly<Record<Severity | 'calm', string>> = {
  info: '#3b82c4',
  warning: '#c77d0a',
  critical: '#d64545',
  calm: '#2f9e5b',
};

/** What is not the news itself is paler by opacity, which holds on any background. */
const STYLE = [
  ':root{color-scheme:light dark}',
  'body{margin:0;padding:16px;background:#ffffff;color:#1f2328;font:15px/1.5 system-ui,sans-serif}',
  'main{max-width:760px;padding-left:14px}',
  'h1{font-size:18px;line-height:1.35;margin:0 0 12px;overflow-wrap:anywhere}',
  'h2{font-size:15px;margin:24px 0 4px;overflow-wrap:anywhere}',
  'p{margin:6px 0;overflow-wrap:anywhere}',
  '.label{margin:10px 0 2px;font-size:13px;font-weight:600;opacity:.7}',
  '.note{margin:24px 0 0;font-size:13px;opacity:.7}',
  'ul{margin:2px 0;padding-left:18px}li{margin:3px 0;overflow-wrap:anywhere}li::marker{color:#8a939c}',
  'li,pre{font-family:ui-monospace,monospace;font-size:13px;line-height:1.45}',
  'pre{margin:2px 0;padding:8px 10px;background:#eef1f4;color:#1f2328;border-radius:4px;white-space:pre-wrap;overflow-wrap:anywhere}',
  '@media (prefers-color-scheme:dark){body{background:#15181c;color:#e4e7eb}pre{background:#262b31;color:#e4e7eb}}',
  '@media (max-width:480px){body{padding:12px 10px}main{padding-left:10px}}',
].join('\n');

/** A whole page with nothing from elsewhere: no image, no link, no script. Every text in it is escaped. */
export function htmlOf(
  title: string,
  blocks: readonly Block[],
  severity: Severity | 'calm',
  language: 'en' | 'zh',
): string {
  return [
    '<!doctype html>',
    // The language decides which form of a Han character is shown; without the viewport a telephone shows it tiny.
    `<html lang="${language === 'zh' ? 'zh-CN' : 'en'}"><head><meta charset="utf-8">`,
    '<meta name="viewport" content="width=device-width,initial-scale=1">',
    `<meta name="color-scheme" content="light dark"><title>${escaped(title)}</title>`,
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
    case 'note':
      return `<p class="note">${escaped(block.text)}</p>`;
    case 'command':
      return `<p class="label">${escaped(block.label)}</p><pre>${escaped(block.command)}</pre>`;
    case 'lines':
      return `<p class="label">${escaped(block.label)}</p><ul>${block.lines.map((line) => `<li>${escaped(line)}</li>`).join('')}</ul>`;
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
