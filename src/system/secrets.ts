/**
 * Shapes of keys in use: Hugging Face, OpenAI and kin, GitHub, AWS, Slack; a bearer token; a password in an address;
 * wandb's, 40 hexadecimal digits, only where it is all of a word, because a git commit looks the same.
 */
const SHAPES =
  'hf_[A-Za-z0-9]{12,}|sk-[A-Za-z0-9_-]{20,}|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,}|AKIA[A-Z0-9]{16}|xox[abprs]-[A-Za-z0-9-]{10,}' +
  '|(?<=bearer )[A-Za-z0-9._~+/=-]{6,}|(?<=://[^/@\\s:]{0,60}:)[^/@\\s]{1,200}(?=@)';
const SECRET = new RegExp(SHAPES, 'gi');
const WANDB_KEY = /(?:^|[=:])[0-9a-f]{40}$/;

/** `hf_token`, `wandb.api-key`, `WANDB_API_KEY`; not `max_tokens` or `pad_token`. */
const NAME =
  /(^|_)(password|passwd|passphrase|secret|credentials?|(?<!(?:eos|bos|pad|unk|sep|cls|mask|end|stop)_)token|(api|access|auth|private|secret|hub|wandb)_?key)$/i;

/** Whether what has this name is a key, be it a flag, a parameter or a variable. */
export function namesSecret(name: string): boolean {
  return NAME.test(name.replace(/^-+/, '').replace(/[.-]/g, '_'));
}

/** Whether a value typed by a user has a key in it. */
export function holdsSecret(value: string): boolean {
  return value.search(SECRET) !== -1 || WANDB_KEY.test(value);
}

/** A text in which each key is replaced: for errors, and for what is kept of somebody's code. */
export function redact(text: string): string {
  return text.replace(SECRET, '[secret]');
}
