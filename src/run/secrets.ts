import { UsageError } from '../errors.ts';
import { holdsSecret, namesSecret } from '../system/secrets.ts';

/**
 * A script, its manifest and Slurm's own records can be read by others, so no key may get into them.
 * @throws UsageError that names the place, never the value.
 */
export function refuseSecrets(
  values: Readonly<Record<string, unknown>>,
  trainerFlags: readonly string[],
): void {
  for (const [name, value] of Object.entries(values)) {
    if (typeof value === 'string' && holdsSecret(value)) throw refusal(`the parameter ${name}`);
  }
  for (const [index, word] of trainerFlags.entries()) {
    const [flag, value] = word.startsWith('--') ? splitFlag(word) : [undefined, word];
    const next = trainerFlags[index + 1];
    const named =
      flag !== undefined &&
      namesSecret(flag) &&
      (value !== undefined || (next !== undefined && !next.startsWith('--')));
    if (named || (value !== undefined && holdsSecret(value)))
      throw refusal(flag === undefined ? `word ${index + 1} after "--"` : `the trainer flag ${flag}`);
  }
}

function splitFlag(word: string): [string, string | undefined] {
  const at = word.indexOf('=');
  return at === -1 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)];
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
