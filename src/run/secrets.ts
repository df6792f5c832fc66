import { UsageError } from '../errors.ts';
import { holdsSecret, namesSecret } from '../system/secrets.ts';
import { isKeyUnder, isTypedKey } from './typed-key.ts';

/**
 * A script, its manifest and Slurm's own records can be read by others, so no key may get into them.
 * @throws UsageError that names the place, never the value.
 */
export function refuseSecrets(
  values: Readonly<Record<string, unknown>>,
  trainerFlags: readonly string[],
): void {
  for (const [name, value] of Object.entries(values)) {
    const texts = [value].flat().filter((text) => typeof text === 'string');
    if (texts.some((text) => isTypedKey(name, text))) throw refusal(`the parameter ${name}`);
  }
  let flag = '';
  for (const [index, word] of trainerFlags.entries()) {
    const isFlag = word.startsWith('--');
    const { name, value } = settingOf(word) ?? { name: flag, value: word };
    if (!isFlag && isKeyUnder(flag, word)) throw refusal(`the trainer flag ${flag}`);
    if (value !== undefined && isTypedKey(name, value)) throw refusal(placeOf(name, index));
    flag = isFlag && value === undefined ? name : '';
  }
}

/** A word can have the look of a key where no name speaks of one. */
function placeOf(name: string, index: number): string {
  return namesSecret(name) ? `the trainer flag ${name}` : `word ${index + 1} after "--"`;
}

/** `--name`, `--name=value`, and `name=value` as Hydra and LLaMA-Factory take it; undefined for a word that is only a value. */
function settingOf(word: string): { readonly name: string; readonly value: string | undefined } | undefined {
  const [, name, value] = /^(--[^=]+|[+~]*[A-Za-z_][\w./@-]*(?==))(?:=(.*))?$/s.exec(word) ?? [];
  return name === undefined ? undefined : { name, value };
}

function refusal(place: string): UsageError {
  return new UsageError(
    `${place} looks like a secret: it would stand in the script, in the manifest and in Slurm's records`,
    'Put `export WANDB_API_KEY=…` (HF_TOKEN, …) into a file of mode 0600 and give it as secrets_file.',
  );
}

/** Of the environment, what explains how a run behaved; keys and addresses with a password in them are left out. */
const TELLING =
  /^(?:CUDA|NCCL|TORCH|HF|TRANSFORMERS|WANDB|OMP|MKL|GLOO|FI|UCX|PYTHON|CONDA|VIRTUAL_ENV|LOADEDMODULES|PATH$|LD_LIBRARY_PATH$|SLURM_CONF$|LANG$|TZ$)/;
const NEVER = /KEY|TOKEN|SECRET|PASS|CREDENTIAL|AUTH|COOKIE/i;

export function tellingEnvironment(
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const kept = Object.entries(env).filter(
    (entry): entry is [string, string] =>
      entry[1] !== undefined && TELLING.test(entry[0]) && !NEVER.test(entry[0]) && !holdsSecret(entry[1]),
  );
  return Object.fromEntries(kept.sort(([a], [b]) => (a < b ? -1 : 1)));
}
