/**
 * Shapes of keys in use: Hugging Face, OpenAI and kin, GitHub, AWS, Slack, wandb since its 0.22.3; a bearer token; a password
 * in an address; a private key. wandb's older ones, 40 hexadecimal digits, count only where they are all of a word, because
 * a git commit looks the same.
 */
const SHAPES =
  'hf_[A-Za-z0-9]{12,}|(?<![A-Za-z0-9])sk-[A-Za-z0-9_-]{20,}|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,}|AKIA[A-Z0-9]{16}|xox[abprs]-[A-Za-z0-9-]{10,}|wandb_v\\d+_[A-Za-z0-9_]{30,}' +
  '|(?<=bearer )[A-Za-z0-9._~+/=-]{6,}|(?<=://[^/@\\s:]{0,60}:)[^/@\\s]{1,200}(?=@)' +
  '|(?<=-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----)(?:(?!-----END)[A-Za-z0-9+/=:,\\s\\\\-]){20,}';
const SECRET = new RegExp(SHAPES, 'gi');
const WANDB_KEY = /(?:^|[=:])[0-9a-f]{40}$/;
/** What names a commit or a checksum, as `--model_revision` does: 40 hexadecimal digits there are no key. */
const DIGEST_NAME =
  /(?:^|[_.-])(?:revision|rev|commit|sha|sha1|hash|digest|checksum|fingerprint|ref|branch|version)$/i;
/** A variable and what it is set to, as a shell, an env file or a program's own words have it. */
const VARIABLE = /(?<![A-Za-z0-9_])([A-Z][A-Z0-9_]{2,80}=["']?)([^\s"',;&|)\]]+)/g;

/** `hf_token`, `wandb.api-key`, `WANDB_API_KEY`; not `max_tokens` or `pad_token`. */
const NAME =
  /(^|_)(password|passwd|passphrase|secret|credentials?|(?<!(?:eos|bos|pad|unk|sep|cls|mask|end|stop)_)token|(api|access|auth|private|secret|hub|wandb)_?key)$/i;

/** What stands where a key was. */
export const REMOVED = '[secret]';

/** Whether what has this name is a key, be it a flag, a parameter or a variable. */
export function namesSecret(name: string): boolean {
  return NAME.test(name.replace(/^-+/, '').replace(/[.-]/g, '_'));
}

/**
 * Whether a value typed by a user has a key in it.
 * @param name of the flag or parameter that it is the value of, where there is one.
 */
export function holdsSecret(value: string, name = ''): boolean {
  const isDigest = DIGEST_NAME.test(name) && !namesSecret(name.replace(DIGEST_NAME, ''));
  return value.search(SECRET) !== -1 || (WANDB_KEY.test(value) && !isDigest);
}

/**
 * Whether a value has the look of something drawn at random: letters and digits in turn, or capitals in the middle of words,
 * along 16 characters. `<|reserved_special_token_12|>` and `EndOfSentenceToken` have not, nor has a word in any language.
 */
export function looksRandom(value: string): boolean {
  return (value.match(/[\w+=-]{16,}/g) ?? []).some(
    (run) =>
      /^\d+$/.test(run) || (run.match(/[a-z](?=[A-Z\d])|[A-Z](?=\d)|\d(?=[A-Za-z])/g) ?? []).length > 3,
  );
}

/**
 * Whether a value found in a text stays readable: it only says where the key comes from, or that there is none (`$HF_TOKEN`,
 * `<your token>`, `…`, `null`). By its beginning, because a value is cut out of a text at the first character that may end
 * it: of `${KEY:-}` and `$(cat f)` only a part is seen. For what is typed there are stricter rules.
 */
export function isReference(value: string): boolean {
  return (
    /^(?:[$<{[(%*\u2026]|\[secret\]$|(?:null|none|true|false|undefined|\d{1,3})$)/i.test(value) &&
    !looksRandom(value)
  );
}
/** A text in which each key is replaced: for errors, and for what is kept of somebody's code. */
export function redact(text: string): string {
  return text
    .replace(SECRET, REMOVED)
    .replace(VARIABLE, (all, name: string, value: string) =>
      namesSecret(name.replace(/=["']?$/, '')) && !isReference(value) ? `${name}${REMOVED}` : all,
    );
}
