import type { Rule } from './rule.ts';

/** Any of these may have made `conda` a function. */
const MAY_PREPARE = new Set(['source', '.', 'eval', 'module', 'ml', 'load', 'spack']);

export const condaActivate: Rule = {
  id: 'conda-activate',
  severity: 'warning',
  summary: 'conda activate in a shell that conda has not been set up in',
  applies: 'batch',
  check: ({ commands, shebang }) => {
    if (/\s-\w*[li]|--login/.test(shebang ?? '')) return [];
    const activate = commands.find(({ name, words }) => name === 'conda' && words[1]?.value === 'activate');
    if (!activate || commands.some(({ name, at }) => MAY_PREPARE.has(name) && at < activate.at)) return [];
    if (
      activate.via.some(({ words }) =>
        words.some(({ value }) => /^-\w*[li]/.test(value) || value === '--login'),
      )
    )
      return [];
    const message =
      'A batch shell does not read ~/.bashrc, so "conda activate" is not set up: it fails, and the system’s Python is used.';
    return [{ at: activate.at, message, fix: 'eval "$(conda shell.bash hook)"   # before it' }];
  },
};
